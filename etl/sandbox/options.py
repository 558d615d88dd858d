"""What kind of source the sandbox plays, as one value.

Every default is believable and harmless: the observed shape, no faults, no quota, nothing moving. A
`SandboxOptions` that exists can be served; what cannot is refused where it is built, all faults at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from etl.errors import SettingsError
from etl.sandbox.faults import KINDS, QUICK_KINDS

_LAST_PORT = 65_535


class Shape(StrEnum):
    """How rows look: as the vendor documents them, or as its server was seen to send them."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"


class ErrorShape(StrEnum):
    """How errors look: `{"error":"text"}`, the documented object, or both in turn."""

    TEXT = "text"
    DOCUMENTED = "documented"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaWindow:
    """At most `requests` within `seconds`."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaOptions:
    """How many requests an account may make, and how it is told; the default is what the vendor documents."""

    windows: tuple[QuotaWindow, ...] = (
        QuotaWindow(requests=100, seconds=60),
        QuotaWindow(requests=1000, seconds=3600),
    )
    # A fixed window opens with its first request and ends as a whole; a sliding one forgets each by itself.
    kind: Literal["fixed", "sliding"] = "fixed"
    reset_as: Literal["epoch", "delay"] = "epoch"
    retry_after: Literal["seconds", "date"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """A source to play: what it holds, how it answers, what goes wrong. Counts of batches are per account."""

    batches: int = 2_000  # in the list; the runs of repeating series come on top and stay hidden
    accounts: tuple[str, ...] = ("default",)  # names, one key each
    seed: int = 0  # same seed and same `until`, same world
    until: datetime | None = None  # the newest batch is not newer; None: the start of today, in UTC
    span_days: int = 420  # the oldest batch is this much older than `until`
    tie_groups: int | None = None  # groups of batches with one created_at; None: about one in 200 batches
    tie_size: int = 3  # batches in each of these groups
    null_created_at: int = 0  # batches without created_at
    null_counts: int = 0  # batches without counts

    shape: Shape = Shape.OBSERVED
    error_shape: ErrorShape = ErrorShape.MIXED
    cap: int = 1_000  # most rows of one answer; a higher `limit` is clamped without a word
    latency_seconds: float = 0.0  # before every answer
    quota: QuotaOptions | None = None

    fault_rate: float = 0.0  # share of the answers that a fault befalls
    fault_kinds: tuple[str, ...] = field(default=QUICK_KINDS)  # names out of etl.sandbox.faults.KINDS

    live: bool = False  # batches are created, run, finish, are re-run and vanish while the server is up
    speed: float = 60.0  # seconds of the batches' life in a second, when live
    port: int = 0  # of 127.0.0.1; 0 takes a free one

    def __post_init__(self) -> None:
        faults = tuple(self._faults())
        if faults:
            raise SettingsError(faults)

    def _faults(self) -> Iterator[str]:
        yield from self._faults_of_numbers()
        if not self.accounts or len(set(self.accounts)) < len(self.accounts):
            yield f"accounts is {self.accounts}: expected one or more different names"
        if self.until is not None and self.until.tzinfo is None:
            yield f"until is {self.until}: expected a time with its zone"
        for name, kind in (("shape", Shape), ("error_shape", ErrorShape)):
            if (seen := getattr(self, name)) not in list(kind):
                yield f"{name} is {seen}: expected one of {', '.join(kind)}"
        if unknown := sorted(set(self.fault_kinds) - set(KINDS)):
            yield f"fault_kinds holds {', '.join(unknown)}: expected some of {', '.join(sorted(KINDS))}"

    def _faults_of_numbers(self) -> Iterator[str]:
        for name, least in (
            ("batches", 0),
            ("span_days", 1),
            ("tie_size", 2),
            ("null_created_at", 0),
            ("null_counts", 0),
            ("cap", 1),
            ("latency_seconds", 0),
            ("speed", 0),
            ("port", 0),
        ):
            if (seen := getattr(self, name)) < least:
                yield f"{name} is {seen}: expected {least} or more"
        if self.port > _LAST_PORT:
            yield f"port is {self.port}: expected {_LAST_PORT} or less"
        if self.tie_groups is not None and self.tie_groups < 0:
            yield f"tie_groups is {self.tie_groups}: expected 0 or more, or none for the believable number"
        if not 0 <= self.fault_rate <= 1:
            yield f"fault_rate is {self.fault_rate}: expected a share from 0 to 1"
        if (special := self.tied + self.null_created_at) > max(0, self.batches):
            yield f"ties and null_created_at ask for {special} batches: expected at most {self.batches}"

    @property
    def groups(self) -> int:
        """How many groups of batches share a created_at."""
        return self.batches // 200 if self.tie_groups is None else self.tie_groups

    @property
    def tied(self) -> int:
        """How many batches share their created_at with others."""
        return self.groups * self.tie_size
