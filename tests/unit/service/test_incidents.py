"""What is an incident, when it begins, when it gets worse and when it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from etl.clock import STOPPED
from etl.model import RunMode, RunStatus, RunSummary
from etl.report.health import Facts, Run, Streak, derive_health
from etl.service.incidents import Changes, Seen, compare, find
from etl.state.incidents import Finding, Incident, IncidentKind, News

from support.clocks import START

MAX_AGE = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
LONG_AGO = START - timedelta(days=1)


def run(status: RunStatus, *, ended: datetime = START, error: str | None = None) -> Run:
    return Run(
        run_id=1,
        account="acme",
        mode=RunMode.FULL,
        status=status,
        complete=status is RunStatus.SUCCEEDED,
        started_at=ended - MINUTE,
        heartbeat_at=ended,
        finished_at=ended,
        requests=1,
        error=error,
    )


SUCCEEDED = run(RunStatus.SUCCEEDED)


def streak(last: Run, count: int = 1) -> Streak:
    return Streak(count=count, since=last.started_at, last=last)


def refused(*, exit_code: int, started_at: datetime = START) -> RunSummary:
    """A turn that left no row."""
    return RunSummary(
        run_id=None,
        account="acme",
        mode=RunMode.FULL,
        status=RunStatus.FAILED,
        complete=False,
        started_at=started_at,
        error="the disk is full",
        exit_code=exit_code,
    )


def seen(
    *,
    now: datetime = START,
    turn: RunSummary | None = None,
    fault: str | None = None,
    since: datetime = LONG_AGO,
    **facts: Any,
) -> Seen:
    known = Facts(account="acme", **{"last_run": SUCCEEDED, "last_complete": SUCCEEDED, **facts})
    [health] = derive_health([known], ["acme"], now, MAX_AGE)
    return Seen(health=health, last_turn=turn, fault=fault, max_age=MAX_AGE, working_since=since, now=now)


def kinds(findings: list[Finding]) -> list[str]:
    return [finding.kind for finding in findings]


def kept(finding: Finding, *, level: int = 1, to_tell: News | None = None) -> Incident:
    return Incident(
        incident_id=7,
        account=finding.account,
        kind=finding.kind,
        subject=finding.subject,
        detail=finding.detail,
        level=level,
        opened_at=finding.since,
        closed_at=None,
        to_tell=to_tell,
    )


def test_an_account_that_is_well_has_no_incident() -> None:
    assert find(seen()) == []


def test_a_sync_that_fails_is_one_with_its_reason_and_since_when() -> None:
    failed = run(RunStatus.FAILED, error="the source answered 500")
    [finding] = find(seen(failing=streak(failed, 3)))
    assert (finding.kind, finding.since) == (IncidentKind.FAILING, failed.started_at)
    assert finding.detail == "the last sync failed: the source answered 500"


@pytest.mark.parametrize(
    "last",
    [run(RunStatus.ABANDONED, error="x"), run(RunStatus.FAILED, error=STOPPED)],
    ids=["died", "stopped"],
)
def test_a_process_that_was_ended_is_none_unless_it_happens_again_and_again(last: Run) -> None:
    assert find(seen(failing=streak(last, 2))) == []
    assert kinds(find(seen(failing=streak(last, 3)))) == ["failing"]


def test_a_failure_that_lasts_is_not_over_because_the_process_was_stopped() -> None:
    [failing] = find(seen(failing=streak(run(RunStatus.FAILED, error="x"))))
    stopped = seen(failing=streak(run(RunStatus.FAILED, error=STOPPED), 2))
    assert kinds(find(stopped, [kept(failing)])) == ["failing"]


def test_a_sync_that_could_not_begin_is_one_though_no_row_tells_of_it() -> None:
    [finding] = find(seen(turn=refused(exit_code=4, started_at=START + MINUTE)))
    assert finding.detail == "the last sync could not begin: the disk is full"


@pytest.mark.parametrize("exit_code", [5, 130])
def test_a_turn_that_was_left_to_another_or_stopped_is_no_failure(exit_code: int) -> None:
    assert find(seen(turn=refused(exit_code=exit_code, started_at=START + MINUTE))) == []


def test_a_turn_that_could_not_begin_is_over_when_anybody_has_synced_since() -> None:
    assert find(seen(turn=refused(exit_code=4, started_at=START - MINUTE))) == []


def test_old_data_is_one_once_it_is_older_than_it_may_be() -> None:
    assert find(seen(now=START + MAX_AGE)) == []
    assert kinds(find(seen(now=START + MAX_AGE + MINUTE))) == ["stale"]


@pytest.mark.parametrize("complete", [SUCCEEDED, None])
def test_a_service_that_has_just_begun_is_given_time_to_sync(complete: Run | None) -> None:
    late = START + timedelta(days=1)
    assert find(seen(now=late, since=late - MINUTE, last_complete=complete)) == []
    assert kinds(find(seen(now=late, since=late - 2 * MAX_AGE, last_complete=complete))) == ["stale"]


def test_data_that_was_old_is_not_young_because_the_service_was_started_again() -> None:
    late = START + timedelta(days=1)
    [stale] = find(seen(now=late))
    assert kinds(find(seen(now=late, since=late - MINUTE), [kept(stale)])) == ["stale"]


def test_held_deletes_are_one_and_the_failure_that_they_are_is_not_another() -> None:
    failed = run(RunStatus.FAILED, error="30 of 100 batches are gone")
    held: dict[str, Any] = {"deletes_held": 30, "held_run_id": failed.run_id}
    [finding] = find(seen(last_run=failed, failing=streak(failed), **held))
    assert (finding.kind, finding.level) == (IncidentKind.DELETES_HELD, 30)


def test_a_failure_of_another_reason_is_told_beside_the_deletes_that_are_held() -> None:
    failed = run(RunStatus.FAILED, error="the source answered 503")
    held: dict[str, Any] = {"deletes_held": 30, "held_run_id": failed.run_id - 1}
    found = find(seen(last_run=failed, failing=streak(failed), **held))
    assert kinds(found) == [IncidentKind.DELETES_HELD, IncidentKind.FAILING]


def test_what_could_not_be_read_is_one_by_how_much_there_is() -> None:
    [finding] = find(seen(rows_set_aside=2, fields_set_aside=3))
    assert (finding.kind, finding.level) == (IncidentKind.QUARANTINE, 5)


def test_each_unknown_field_and_status_is_one() -> None:
    findings = find(seen(drift=("field colour", "status resting")))
    assert [(each.kind, each.subject) for each in findings] == [
        (IncidentKind.DRIFT, "field colour"),
        (IncidentKind.DRIFT, "status resting"),
    ]


def test_an_account_that_is_left_out_is_that_and_nothing_else() -> None:
    late = START + timedelta(days=1)
    [finding] = find(seen(now=late, fault="its key is missing", drift=("field colour",)))
    assert (finding.kind, "its key is missing" in finding.detail) == (IncidentKind.LEFT_OUT, True)


SOME = Finding(account="acme", kind=IncidentKind.QUARANTINE, detail="some", level=4, since=START)


def test_what_is_new_is_opened_and_what_lasts_is_left_alone() -> None:
    assert compare([], [SOME]) == Changes(opened=(SOME,))
    assert not compare([kept(SOME, level=4)], [SOME])


@pytest.mark.parametrize(("level", "is_worse"), [(1, False), (7, False), (8, True), (100, True)])
def test_twice_as_much_is_worse(level: int, is_worse: bool) -> None:
    changes = compare([kept(SOME, level=4)], [replace(SOME, level=level)])
    assert bool(changes.worse) is is_worse
    assert not changes.opened
    assert not changes.closed


def test_what_is_no_longer_so_is_closed() -> None:
    incident = kept(SOME)
    assert compare([incident], []) == Changes(closed=(incident,))


def test_accounts_and_subjects_are_told_apart() -> None:
    other = replace(SOME, account="globex")
    assert compare([kept(SOME, level=4)], [SOME, other]) == Changes(opened=(other,))
