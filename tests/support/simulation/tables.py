"""What the tables hold of one account, read as texts and numbers: nothing is converted by the program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from support.simulation.rows import COLUMNS, Values, stored_json

SNAPSHOT = (
    "status total_recipients completed_count failed_count created_at updated_at scheduled_at started_at"
    " completed_at"
).split()
SNAPSHOT_AT = tuple(COLUMNS.index(name) for name in SNAPSHOT)
SUMMARY = (
    "mode status complete requests retries rate_limited pages rows_seen inserted updated unchanged deleted"
    " revived quarantined error"
).split()


class Look(Protocol):
    def rows(self, query: str, *parameters: object) -> Sequence[tuple[Any, ...]]: ...


class Stored(NamedTuple):
    id: str
    values: Values
    deleted_at: str | None
    changed_at: str
    first_seen_at: str
    version: int
    run_id: int

    @property
    def is_alive(self) -> bool:
        return self.deleted_at is None


class Version(NamedTuple):
    id: str
    version: int
    change: str
    observed_at: str
    run_id: int
    snapshot: Values


class Covered(NamedTuple):
    after: str | None
    upto: str | None
    proven_at: str

    def holds(self, created_at: str | None) -> bool:
        """Whether a batch created then is inside; one without a time is newer than all."""
        if created_at is None:
            return self.upto is None
        return (self.after is None or created_at > self.after) and (
            self.upto is None or created_at <= self.upto
        )


class RunRow(NamedTuple):
    run_id: int
    status: str
    started_at: str
    full_since: str | None
    summary: tuple[Any, ...]

    def told(self, name: str) -> Any:
        """One of the numbers that it told."""
        return self.summary[SUMMARY.index(name)]


class Aside(NamedTuple):
    """An open entry of the quarantine."""

    id: str | None
    field: str | None
    is_loaded: bool


@dataclass(kw_only=True)
class Books:
    """What the tables hold after a step."""

    batches: dict[str, Stored] = field(default_factory=dict)
    coverage: list[Covered] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    runs: list[RunRow] = field(default_factory=list)


def read_batches(look: Look, account: str) -> dict[str, Stored]:
    query = (
        f"SELECT id, deleted_at, changed_at, first_seen_at, version, run_id, {', '.join(COLUMNS)}"
        " FROM batch_calls WHERE account = ?"
    )
    return {row[0]: Stored(row[0], _values(row[6:]), *row[1:6]) for row in look.rows(query, account)}


def read_history(look: Look, account: str, since_run: int) -> list[Version]:
    query = (
        f"SELECT id, version, change, observed_at, run_id, {', '.join(SNAPSHOT)} FROM batch_call_history"
        " WHERE account = ? AND run_id >= ? ORDER BY id, version"
    )
    return [Version._make((*row[:5], row[5:])) for row in look.rows(query, account, since_run)]


def read_coverage(look: Look, account: str) -> list[Covered]:
    query = "SELECT created_from, created_to, proven_at FROM sync_coverage WHERE account = ?"
    return [Covered(*row) for row in look.rows(query, account)]


def read_missing(look: Look, account: str) -> set[str]:
    return {row[0] for row in look.rows("SELECT id FROM sync_missing WHERE account = ?", account)}


def read_runs(look: Look, account: str, since_run: int = 0) -> list[RunRow]:
    query = (
        f"SELECT run_id, status, started_at, full_since, {', '.join(SUMMARY)}"
        " FROM sync_runs WHERE account = ? AND run_id >= ? ORDER BY run_id"
    )
    return [RunRow._make((*row[:4], row[4:])) for row in look.rows(query, account, since_run)]


def read_set_aside(look: Look, account: str) -> list[Aside]:
    query = "SELECT id, field, row_loaded FROM quarantine WHERE account = ? AND resolved_at IS NULL"
    return [Aside(row[0], row[1], bool(row[2])) for row in look.rows(query, account)]


def newest_run(look: Look) -> int:
    found = look.rows("SELECT coalesce(max(run_id), 0) FROM sync_runs")
    return int(found[0][0])


def read_everything(look: Look, account: str) -> list[tuple[Any, ...]]:
    """All that a run may not touch when nothing changed at the source."""
    return [
        row
        for table in ("batch_calls", "batch_call_history", "sync_missing", "sync_drift")
        for row in look.rows(f"SELECT * FROM {table} WHERE account = ? ORDER BY 1, 2, 3", account)
    ]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def _values(row: tuple[Any, ...]) -> Values:
    extra = row[-1]
    return (*row[:-1], stored_json(json.loads(extra) if isinstance(extra, str) else extra))
