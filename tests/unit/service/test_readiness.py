"""When the service is ready, and what it says of why it is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from etl.model import RunMode, RunStatus
from etl.report.health import Facts, Health, Run, Streak, derive_health
from etl.service.readiness import is_ready, readiness_as_json

from support.clocks import START

MAX_AGE = timedelta(minutes=15)


def run(status: RunStatus = RunStatus.SUCCEEDED, error: str | None = None) -> Run:
    return Run(
        run_id=1,
        account="acme",
        mode=RunMode.FULL,
        status=status,
        complete=status is RunStatus.SUCCEEDED,
        started_at=START,
        heartbeat_at=START,
        finished_at=START,
        requests=1,
        error=error,
    )


def standing(*configured: str, age: timedelta = timedelta(minutes=1), **facts: Any) -> tuple[Health, ...]:
    """The account `acme` as it is so long after its last complete sync, among those that are configured."""
    known = Facts(account="acme", **{"last_run": run(), "last_complete": run(), **facts})
    return derive_health([known], configured or ["acme"], START + age, MAX_AGE)


def test_it_is_ready_while_every_account_s_last_complete_sync_is_young_enough() -> None:
    assert is_ready(standing(age=MAX_AGE))
    assert not is_ready(standing(age=MAX_AGE + timedelta(seconds=1)))


def test_it_is_not_ready_before_every_account_was_synced() -> None:
    assert not is_ready(standing("acme", "globex"))
    assert not is_ready(())


def test_an_account_that_is_no_longer_configured_keeps_nobody_waiting() -> None:
    assert not is_ready(standing("globex"))
    gone = standing("globex", age=timedelta(days=1))
    assert [each["account"] for each in readiness_as_json(gone, {})["accounts"]] == ["globex"]


def test_what_is_ready_says_how_old_it_is_and_nothing_more() -> None:
    assert readiness_as_json(standing(), {}) == {
        "ready": True,
        "accounts": [{"account": "acme", "ready": True, "age_seconds": 60.0, "reasons": []}],
    }


def test_what_is_not_says_why() -> None:
    failed = run(RunStatus.FAILED, error="the source answered 500")
    failing = standing(age=timedelta(days=1), failing=Streak(count=3, since=START, last=failed))
    [account] = readiness_as_json(failing, {})["accounts"]
    assert account["reasons"] == [
        "the last complete sync is older than it may be",
        "the last sync failed: the source answered 500",
    ]


def test_an_account_that_is_left_out_says_why() -> None:
    [_, left_out] = readiness_as_json(standing("acme", "globex"), {"globex": "its key is missing"})[
        "accounts"
    ]
    assert (left_out["ready"], left_out["age_seconds"]) == (False, None)
    assert left_out["reasons"] == ["its key is missing", "no sync was complete yet"]
