"""What can be exported, by name, and which of its rows. Pure but for the query's being run by others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, Table, select

from etl.tables import metadata
from etl.views import views

RELATIONS: Final[Mapping[str, Table]] = MappingProxyType({**views.tables, **metadata.tables})

# By which time of a row a window chooses.
_TIMES: Final = {
    "report_campaigns": "created_at",
    "report_daily": "day",
    "batch_runs": "started_at",
    "batch_calls": "created_at",
    "batch_call_history": "observed_at",
    "sync_runs": "started_at",
    "quarantine": "seen_at",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which rows: those of these accounts, or of all, with their time in `[since, until)`."""

    accounts: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise ValueError(
                f"a window that ends at {self.until} and begins at {self.since}: expected the end later"
            )


def find_relation(name: str) -> Table:
    """The table or view of that name; ValueError lists those that there are."""
    if name not in RELATIONS:
        raise ValueError(f"expected one of {', '.join(RELATIONS)}, got {name!r}")
    return RELATIONS[name]


def select_rows(relation: Table, choice: Choice) -> Select[Any]:
    """The rows in the order of their key, so that the same rows make the same file.

    Raises ValueError for a choice by what the relation has not.
    """
    query = select(*relation.columns).order_by(*relation.primary_key)
    if choice.accounts:
        query = query.where(_account(relation).in_(choice.accounts))
    if choice.since is not None:
        query = query.where(_time(relation) >= _as_in(_time(relation), choice.since))
    if choice.until is not None:
        query = query.where(_time(relation) < _as_in(_time(relation), choice.until))
    return query


def _account(relation: Table) -> ColumnElement[Any]:
    if "account" not in relation.columns:
        raise ValueError(f"{relation.name} is not kept by account")
    return relation.c.account


def _time(relation: Table) -> Column[Any]:
    if relation.name not in _TIMES:
        raise ValueError(f"{relation.name} has no time to choose by; those that have: {', '.join(_TIMES)}")
    return relation.c[_TIMES[relation.name]]


def _as_in(column: Column[Any], moment: datetime) -> datetime | date:
    """The moment, or the first day that begins then or later."""
    if column.type.python_type is datetime:
        return moment
    in_utc = moment.astimezone(UTC)
    return in_utc.date() if in_utc.time() == time() else in_utc.date() + timedelta(days=1)
