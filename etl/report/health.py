"""How each account stands: its last runs, how old its data may be, what is set aside, what is wrong.

Pure: the rows come from `health_queries`, the time from the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from etl.coverage import Covered, proven_since
from etl.model import RunMode, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One line of `sync_runs`, as far as `status` shows it."""

    run_id: int
    account: str
    mode: RunMode
    status: RunStatus
    complete: bool
    started_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None
    requests: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """The syncs since the last complete one, none of which was proven complete."""

    count: int
    since: datetime
    last: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the tables say of one account."""

    account: str
    last_run: Run | None = None
    last_complete: Run | None = None
    failing: Streak | None = None
    rows: int = 0
    deleted: int = 0
    rows_set_aside: int = 0
    fields_set_aside: int = 0
    deletes_held: int = 0  # batches that the guard keeps from being marked deleted …
    held_run_id: int | None = None  # … and the last run in which it did
    coverage: tuple[Covered, ...] = ()  # newest first
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowUse:
    """Of the most requests in any span of so many seconds, those that were sent."""

    seconds: float
    most: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """What is left to an account's key, by our count, the shortest window first, and by the source's word."""

    windows: tuple[WindowUse, ...]
    told_remaining: int | None = None
    resets_at: datetime | None = None
    not_before: datetime | None = None  # until when the source asked to wait


class IncidentKind(StrEnum):
    FAILING = "failing"
    INTERRUPTED = "interrupted"
    DELETES_HELD = "deletes_held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that stays wrong until somebody, or the next run, mends it."""

    kind: IncidentKind
    since: datetime
    what: str
    detail: str
    times: int = 1  # in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One account as `status` tells it; `age` is the time since its last complete sync ended.

    One that ended later than now, by a clock that was set back since, may be of any age: 0 is told, and far
    ahead it is stale.
    """

    facts: Facts
    configured: bool
    age: timedelta | None
    stale: bool
    oldest_proof_at: datetime | None
    incidents: tuple[Incident, ...]
    quota: QuotaUse | None  # none for a key that is not known here
    interrupted: bool = False  # the last run's row says that it is running, and nobody runs it


_ENDED = {
    RunStatus.FAILED: "failed",
    RunStatus.INCOMPLETE: "was not complete",
    RunStatus.ABANDONED: "died",
}
_LONGEST_SILENCE = timedelta(hours=2)  # a run that waits for its quota says nothing for one


def derive_health(
    facts: Sequence[Facts],
    configured: Sequence[str],
    now: datetime,
    max_age: timedelta | None = None,
    quotas: Mapping[str, QuotaUse] = MappingProxyType({}),
    held: Mapping[str, bool | None] = MappingProxyType({}),
) -> tuple[Health, ...]:
    """One per account: the configured ones in their order, then those that only the tables know.

    An account that is no longer configured is shown but never stale, unless none is configured here at all.
    `held` says of an account with an open run whether a process has its lock, as far as anybody looked.
    """
    by_name = {one.account: one for one in facts}
    known = {name: Facts(account=name) for name in configured} | by_name
    return tuple(
        _derive_one(
            one,
            configured=not configured or name in configured,
            now=now,
            max_age=max_age,
            quota=quotas.get(name),
            interrupted=_is_interrupted(one.last_run, held.get(name), now),
        )
        for name, one in known.items()
    )


def _derive_one(
    facts: Facts,
    *,
    configured: bool,
    now: datetime,
    max_age: timedelta | None,
    quota: QuotaUse | None,
    interrupted: bool,
) -> Health:
    ended = facts.last_complete.finished_at if facts.last_complete else None
    age = max(now - ended, timedelta()) if ended else None
    return Health(
        facts=facts,
        configured=configured,
        age=age,
        stale=configured and max_age is not None and (ended is None or abs(now - ended) > max_age),
        oldest_proof_at=proven_since(facts.coverage),
        incidents=_derive_incidents(facts, interrupted=interrupted),
        quota=quota,
        interrupted=interrupted,
    )


def _is_interrupted(run: Run | None, held: bool | None, now: datetime) -> bool:
    """Whether an open run has nobody at work: its account is not locked, or it said nothing for too long."""
    if run is None or run.status is not RunStatus.RUNNING or held is True:
        return False
    return held is False or now - run.heartbeat_at > _LONGEST_SILENCE


def _derive_incidents(facts: Facts, *, interrupted: bool) -> tuple[Incident, ...]:
    incidents = []
    if interrupted and facts.last_run:
        incidents.append(
            Incident(
                kind=IncidentKind.INTERRUPTED,
                since=facts.last_run.heartbeat_at,
                what="the last run was interrupted",
                detail="nothing has been heard of it since; the next sync goes on from what is committed",
            )
        )
    if streak := facts.failing:
        incidents.append(
            Incident(
                kind=IncidentKind.FAILING,
                since=streak.since,
                what=f"the last sync {_ENDED[streak.last.status]}",
                detail=streak.last.error or "no reason was kept",
                times=streak.count,
            )
        )
    if facts.deletes_held and facts.last_run:
        incidents.append(
            Incident(
                kind=IncidentKind.DELETES_HELD,
                since=facts.last_run.started_at,
                what="deletes are held back",
                detail=f"batches gone: {facts.deletes_held:,}; `sync --allow-deletes` marks them deleted",
            )
        )
    return tuple(incidents)
