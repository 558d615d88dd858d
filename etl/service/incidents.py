"""What is an incident, when it begins, when it has become worse and when it is over. Pure.

Whoever is told of the same thing at every run stops to listen. So each incident is told when it begins, when
there is twice as much of it, and when it is over, whatever happens in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from etl.clock import STOPPED
from etl.errors import LockHeldError, StoppedError
from etl.model import RunStatus, RunSummary
from etl.report.health import Health
from etl.report.health import IncidentKind as HealthKind
from etl.state.incidents import Finding, Incident, IncidentKind

# A process that died, or was stopped, in the middle of so many runs in a row does not do so by chance.
_DEATHS_IN_A_ROW = 3
_NO_FAILURES = frozenset({LockHeldError.exit_code, StoppedError.exit_code, 0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is known of one account at one moment."""

    health: Health
    last_turn: RunSummary | None  # of this process
    fault: str | None  # why the account is not worked for at all
    max_age: timedelta
    working_since: datetime  # when this process began
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to become of the incidents."""

    opened: tuple[Finding, ...] = ()
    worse: tuple[tuple[Incident, Finding], ...] = ()
    closed: tuple[Incident, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.opened or self.worse or self.closed)


def find(seen: Seen, open_before: Sequence[Incident] = ()) -> list[Finding]:
    """What is wrong with the account now; some of it counts only where it has been open before."""
    lasting = {incident.key for incident in open_before}
    return [finding for finding, may_begin in _find_all(seen) if may_begin or finding.key in lasting]


def compare(open_before: Sequence[Incident], findings: Sequence[Finding]) -> Changes:
    """Hold what is wrong now against what was."""
    before = {incident.key: incident for incident in open_before}
    now = {finding.key: finding for finding in findings}
    lasting = [(before[key], finding) for key, finding in now.items() if key in before]
    return Changes(
        opened=tuple(finding for key, finding in now.items() if key not in before),
        worse=tuple(
            (incident, finding) for incident, finding in lasting if finding.level >= 2 * incident.level
        ),
        closed=tuple(incident for key, incident in before.items() if key not in now),
    )


def _find_all(seen: Seen) -> Iterator[tuple[Finding, bool]]:
    """Each finding, and whether an incident may begin with it."""
    account = seen.health.facts.account
    if seen.fault is not None:
        detail = f"left out until it is mended: {seen.fault}"
        yield Finding(account=account, kind=IncidentKind.LEFT_OUT, detail=detail, since=seen.now), True
        return
    if (held := _find_held(seen)) is not None:
        yield held, True
    if not _fails_by_guard(seen):
        yield from _find_failing(seen)
    yield from _find_stale(seen)
    yield from ((finding, True) for finding in _find_unread(seen))


def _find_held(seen: Seen) -> Finding | None:
    facts = seen.health.facts
    for incident in seen.health.incidents:
        if incident.kind is HealthKind.DELETES_HELD:
            return Finding(
                account=facts.account,
                kind=IncidentKind.DELETES_HELD,
                detail=f"{incident.what}: {incident.detail}",
                level=facts.deletes_held,
                since=incident.since,
            )
    return None


def _fails_by_guard(seen: Seen) -> bool:
    """Whether the last sync failed for no other reason than that deletes are held back."""
    facts = seen.health.facts
    return facts.failing is not None and facts.failing.last.run_id == facts.held_run_id


def _find_failing(seen: Seen) -> Iterator[tuple[Finding, bool]]:
    account = seen.health.facts.account
    if (refused := _refused(seen)) is not None:
        detail = f"the last sync could not begin: {refused.error}"
        yield (
            Finding(account=account, kind=IncidentKind.FAILING, detail=detail, since=refused.started_at),
            True,
        )
    elif (streak := seen.health.facts.failing) is not None:
        [detail] = [
            f"{each.what}: {each.detail}" for each in seen.health.incidents if each.kind is HealthKind.FAILING
        ]
        interrupted = streak.last.status is RunStatus.ABANDONED or streak.last.error == STOPPED
        may_begin = not interrupted or streak.count >= _DEATHS_IN_A_ROW
        yield (
            Finding(account=account, kind=IncidentKind.FAILING, detail=detail, since=streak.since),
            may_begin,
        )


def _refused(seen: Seen) -> RunSummary | None:
    """The last turn of this process, where it failed without leaving a row, and nobody has synced since."""
    turn, complete = seen.last_turn, seen.health.facts.last_complete
    if turn is None or turn.run_id is not None or turn.exit_code in _NO_FAILURES:
        return None
    is_over = (
        complete is not None and complete.finished_at is not None and complete.finished_at > turn.started_at
    )
    return None if is_over else turn


def _find_stale(seen: Seen) -> Iterator[tuple[Finding, bool]]:
    """A service that has just begun is given the time in which it has to have synced."""
    health = seen.health
    if not health.stale:
        return
    complete = health.facts.last_complete
    since = (complete.finished_at if complete else None) or seen.working_since
    is_due = seen.now - max(since, seen.working_since) > seen.max_age
    ended = f"no sync was complete since {since:%Y-%m-%d %H:%M} UTC"
    yield Finding(account=health.facts.account, kind=IncidentKind.STALE, detail=ended, since=since), is_due


def _find_unread(seen: Seen) -> Iterator[Finding]:
    facts = seen.health.facts
    if aside := facts.rows_set_aside + facts.fields_set_aside:
        detail = (
            f"{facts.rows_set_aside} rows and {facts.fields_set_aside} fields could not be read;"
            " see `magpipe-etl quarantine list`"
        )
        yield Finding(
            account=facts.account, kind=IncidentKind.QUARANTINE, detail=detail, level=aside, since=seen.now
        )
    for name in facts.drift:
        detail = f"the source shows what this version does not know: {name}"
        yield Finding(
            account=facts.account, kind=IncidentKind.DRIFT, subject=name, detail=detail, since=seen.now
        )
