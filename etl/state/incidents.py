"""The rows of `incidents`: what is wrong for longer than a run, and what is still to be told of it.

Each function works on a connection that is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, insert, or_, select, update

from etl.tables import incidents


class IncidentKind(StrEnum):
    LEFT_OUT = "left_out"  # the account cannot be worked for: a fault of the configuration
    FAILING = "failing"
    STALE = "stale"
    DELETES_HELD = "deletes_held"
    QUARANTINE = "quarantine"
    DRIFT = "drift"


class News(StrEnum):
    """What can happen to an incident that somebody should hear of."""

    OPENED = "opened"
    WORSE = "worse"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with an account at this moment."""

    account: str
    kind: IncidentKind
    subject: str = ""
    detail: str
    level: int = 1  # how much of it there is
    since: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.kind, self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A finding that is kept, from when it was first made until it is no longer."""

    incident_id: int
    account: str
    kind: IncidentKind
    subject: str
    detail: str
    level: int  # when it was last told
    opened_at: datetime
    closed_at: datetime | None
    to_tell: News | None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.kind, self.subject


_COLUMNS = [incidents.c[field.name] for field in fields(Incident)]


def read_incidents(connection: Connection, accounts: Sequence[str]) -> list[Incident]:
    """Those of the accounts that last, or of which something is still to be told, the oldest first."""
    matters = or_(incidents.c.closed_at.is_(None), incidents.c.to_tell.is_not(None))
    query = select(*_COLUMNS).where(incidents.c.account.in_(accounts), matters)
    rows = connection.execute(query.order_by(incidents.c.incident_id))
    return [_incident(row) for row in rows.mappings()]


def open_incident(connection: Connection, finding: Finding, to_tell: News | None) -> None:
    """Keep a finding that is new."""
    values = {name: value for name, value in asdict(finding).items() if name != "since"}
    connection.execute(insert(incidents).values(**values, opened_at=finding.since, to_tell=to_tell))


def update_incident(connection: Connection, incident_id: int, **values: object) -> None:
    """Note what became of it; by the columns' names."""
    connection.execute(update(incidents).where(incidents.c.incident_id == incident_id).values(**values))


def mark_told(connection: Connection, incident: Incident) -> None:
    """It was told; what has happened to it since then stays to be told."""
    told = (incidents.c.incident_id == incident.incident_id) & (incidents.c.to_tell == incident.to_tell)
    connection.execute(update(incidents).where(told).values(to_tell=None))


def _incident(row: RowMapping) -> Incident:
    known = {field.name: row[field.name] for field in fields(Incident)}
    to_tell = News(row["to_tell"]) if row["to_tell"] else None
    return Incident(**known | {"kind": IncidentKind(row["kind"]), "to_tell": to_tell})
