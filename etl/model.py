"""The nouns that travel between the parts: accounts, runs and their tallies.

Frozen values only; what can be wrong about one is refused where it is built.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Secret:
    """A key that can be used and never seen: printing, formatting and pickling show no part of it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One user of the source: a name of the operator's choosing, and the key."""

    name: str
    api_key: Secret = field(repr=False)


class RunMode(StrEnum):
    FULL = "full"
    INCREMENTAL = "incremental"
    BACKFILL = "backfill"
    REPLAY = "replay"


class RunStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    ABANDONED = "abandoned"  # the process died; the next run of the account says so


class Change(StrEnum):
    INSERTED = "inserted"
    UPDATED = "updated"
    DELETED = "deleted"
    REVIVED = "revived"


@dataclass(slots=True, kw_only=True)
class Traffic:
    """What a run sent to the source so far."""

    requests: int = 0  # every request sent, the retries among them
    retries: int = 0
    rate_limited: int = 0  # answers 429


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run did to the rows so far."""

    pages: int = 0  # pages that were loaded
    rows_seen: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    revived: int = 0
    quarantined: int = 0  # rows that were set aside, also those that had been before

    def add(self, other: Tally) -> None:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run of one account, as `sync --json` prints it and `sync_runs` keeps it.

    Counts are of rows unless named otherwise; times are aware UTC; `seconds` is the run's length.
    """

    run_id: int | None  # none where no run could be begun (lock held, no database)
    account: str
    mode: RunMode
    status: RunStatus
    complete: bool
    requests: int = 0  # every request sent, the retries among them
    retries: int = 0
    rate_limited: int = 0  # answers 429
    pages: int = 0  # pages that were loaded
    rows_seen: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    revived: int = 0
    quarantined: int = 0
    started_at: datetime
    finished_at: datetime | None = None
    seconds: float = 0.0
    error: str | None = None
    exit_code: int = 0  # not printed; the process's exit code if this run is the first to fail
    hint: str | None = None  # not printed in JSON; what to do about the error

    def as_json(self) -> dict[str, Any]:
        """The documented fields, in their documented order, as JSON types."""
        names = (
            "run_id account mode status complete requests retries rate_limited pages rows_seen inserted"
            " updated unchanged deleted revived quarantined started_at finished_at seconds error"
        ).split()
        document = {name: getattr(self, name) for name in names}
        for name in ("started_at", "finished_at"):
            moment: datetime | None = document[name]
            document[name] = moment.isoformat() if moment else None
        return document
