"""What a reader has to know before believing the figures: what is old, missing, odd or failing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from etl.report.figures import Oddities
from etl.report.health import Health
from etl.report.words import ago

_MOST_NAMES = 5  # of unknown fields and statuses
_LONGEST_NAME = 60


class Grade(StrEnum):
    ALARM = "alarm"  # the figures may be wrong by much, or old
    NOTE = "note"  # they are right, and something about them is odd


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to mind; `kind` is for programs, `mend` what to do about it."""

    kind: str
    grade: Grade
    text: str
    account: str | None = None
    mend: str | None = None


def derive_notices(
    accounts: Sequence[Health], oddities: Oddities, *, now: datetime, max_age: timedelta
) -> tuple[Notice, ...]:
    """The alarms first; within them, account by account."""
    of_accounts = [notice for health in accounts for notice in _of_account(health, now, max_age)]
    found = [*of_accounts, *_of_figures(oddities)]
    return tuple(sorted(found, key=lambda notice: notice.grade is not Grade.ALARM))


def _of_account(health: Health, now: datetime, max_age: timedelta) -> Iterator[Notice]:
    name = health.facts.account

    def alarm(kind: str, text: str, mend: str | None = None) -> Notice:
        return Notice(kind=kind, grade=Grade.ALARM, account=name, text=text, mend=mend)

    if health.age is None:
        yield alarm("never_complete", "no sync has been complete yet, so campaigns may be missing")
    elif health.stale:
        yield alarm("stale", f"the last complete sync ended {ago(health.age)} ago", "magpipe-etl status")
    if health.age is not None and health.oldest_proof_at is None:
        yield alarm("unproven", "a part of the list was never proven", "magpipe-etl sync --full")
    elif health.oldest_proof_at and now - health.oldest_proof_at > max_age and not health.stale:
        yield alarm("old_proof", f"some figures were last proven {ago(now - health.oldest_proof_at)} ago")
    for incident in health.incidents:
        times = f", {incident.times} times in a row" if incident.times > 1 else ""
        yield alarm(incident.kind, f"{incident.what}{times}: {incident.detail}")
    if health.facts.drift:
        yield Notice(
            kind="drift",
            grade=Grade.NOTE,
            account=name,
            text=f"unknown to this version, and loaded all the same: {_listed(health.facts.drift)}",
        )


def _of_figures(odd: Oddities) -> Iterator[Notice]:
    look = "magpipe-etl quarantine list"
    if odd.rows_set_aside:
        rows = _several(odd.rows_set_aside, "row", "rows")
        yield Notice(
            kind="rows_set_aside",
            grade=Grade.ALARM,
            text=f"{rows} could not be read, and count here as they last could, or not at all",
            mend=look,
        )
    if odd.fields_set_aside:
        fields = _several(odd.fields_set_aside, "field", "fields")
        yield Notice(kind="fields_set_aside", grade=Grade.NOTE, text=f"{fields} could not be read", mend=look)
    if odd.inconsistent:
        campaigns = _several(odd.inconsistent, "campaign has counts", "campaigns have counts")
        yield Notice(
            kind="inconsistent_counts",
            grade=Grade.NOTE,
            text=f"{campaigns} that contradict each other, as the source sends them",
        )
    if odd.without_time:
        campaigns = _several(odd.without_time, "campaign has", "campaigns have")
        yield Notice(
            kind="without_created_at",
            grade=Grade.NOTE,
            text=f"{campaigns} no time of creation, and so no place in the course over time",
        )


def _several(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:_LONGEST_NAME] for name in names[:_MOST_NAMES])
    left_out = len(names) - _MOST_NAMES
    return f"{shown} and {left_out:,} more" if left_out > 0 else shown
