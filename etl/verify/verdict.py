"""What a verification says of an account: three counts a status, and each batch that differs, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from etl.errors import EtlError


class Kind(StrEnum):
    """What became of a batch that is not in the table as the source lists it."""

    CREATED = "created"  # since the last sync
    CHANGED = "changed"  # since it was last proven
    GONE = "gone"  # from the source, since it was last proven
    RETURNED = "returned"  # listed again, since it was marked deleted
    SET_ASIDE = "set aside"  # it cannot be read
    MOVED = "moved"  # from one status to another, while it was verified
    NOT_READ = "not read"  # in a part of the list that no sync has proven yet
    HELD = "held"  # known to be gone, and not to be marked deleted unasked
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One batch that differs; `explained` says whether no sync could have prevented it."""

    id: str | None  # None where it cannot be read
    kind: Kind
    what: str
    since: datetime | None = None  # it was right until then, as far as is known
    explained: bool

    def as_json(self, now: datetime) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "explained": self.explained,
            "what": self.what,
            "since": self.since.isoformat() if self.since else None,
            "age_seconds": (now - self.since).total_seconds() if self.since else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Batches of one status, or of all: in the status's own list, in the whole list, in the table."""

    status: str | None  # None: all that cannot be read
    listed: int
    walked: int
    table: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One account verified; with an `error`, as far as it was read."""

    account: str
    verified_at: datetime
    seconds: float
    requests: int
    counts: Sequence[Count] = ()
    differences: Sequence[Difference] = ()
    error: str | None = None
    hint: str | None = None
    error_code: int = 0

    @property
    def unexplained(self) -> int:
        return sum(not difference.explained for difference in self.differences)

    @property
    def exit_code(self) -> int:
        return self.error_code or int(self.unexplained > 0)

    @property
    def total(self) -> Count:
        return Count(
            status=None,
            listed=sum(count.listed for count in self.counts),
            walked=sum(count.walked for count in self.counts),
            table=sum(count.table for count in self.counts),
        )

    def as_json(self) -> dict[str, Any]:
        """As `verify --json` prints it."""
        return {
            "account": self.account,
            "ok": self.exit_code == 0,
            "statuses": [asdict(count) for count in self.counts],
            "total": {name: value for name, value in asdict(self.total).items() if name != "status"},
            "differences": [difference.as_json(self.verified_at) for difference in self.differences],
            "unexplained": self.unexplained,
            "requests": self.requests,
            "verified_at": self.verified_at.isoformat(),
            "seconds": self.seconds,
            "error": self.error,
        }


def failed(account: str, error: EtlError, *, now: datetime, requests: int) -> Verdict:
    """An account that could not be verified."""
    return Verdict(
        account=account,
        verified_at=now,
        seconds=0.0,
        requests=requests,
        error=str(error),
        hint=error.hint,
        error_code=error.exit_code,
    )
