"""Whatever goes wrong between the source and the program costs retries and waiting, never a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest

from etl.model import RunStatus
from etl.sandbox import ErrorShape, QuotaOptions, QuotaWindow, Response, SandboxOptions, faults
from etl.sandbox.faults import KINDS, QUICK_KINDS

from support.clocks import START
from support.databases import Database
from support.pipeline import Pipeline, changes

REFUSED = {"redirect", "huge"}  # what no retry mends
HARMLESS = {"wrong_content_type", "slow", "dribble"}  # the true answer, oddly delivered
PASSING = sorted(KINDS.keys() - REFUSED - HARMLESS)

OPTIONS = SandboxOptions(batches=60, tie_groups=2, cap=10)


def assert_exact(pipeline: Pipeline) -> None:
    summary = pipeline.sync()
    assert (summary.status, summary.exit_code, summary.error) == (RunStatus.SUCCEEDED, 0, None)
    assert pipeline.differences() == []


@pytest.mark.parametrize("fetch_ahead", [1, 8])
def test_one_fault_in_ten_of_any_kind_costs_retries_and_no_row(database: Database, fetch_ahead: int) -> None:
    options = SandboxOptions(batches=300, cap=10, fault_rate=0.1, fault_kinds=QUICK_KINDS, seed=3)
    pipeline = Pipeline(database, options, fetch_ahead=fetch_ahead)
    first = pipeline.sync()
    assert (first.status, first.inserted, first.deleted) == (RunStatus.SUCCEEDED, 300, 0)
    assert pipeline.differences() == []
    assert first.retries > 0
    before = pipeline.everything()
    second = pipeline.sync()
    assert changes(second) == {"unchanged": 300}
    assert pipeline.everything() == before


@pytest.mark.parametrize("kind", PASSING)
def test_a_passing_fault_costs_a_retry_and_no_row(database: Database, kind: str) -> None:
    pipeline = Pipeline(database, OPTIONS, fetch_ahead=1)
    pipeline.sandbox.faults.script = lambda number, _: kind if number % 10 in {1, 4} else None
    summary = pipeline.sync()
    assert (summary.status, summary.error, changes(summary)) == (RunStatus.SUCCEEDED, None, {"inserted": 60})
    assert pipeline.differences() == []
    assert summary.requests == pipeline.sandbox.requests
    faulty = sum(entry.number % 10 in {1, 4} for entry in pipeline.sandbox.journal)
    assert summary.retries == len(pipeline.clock.waits) == (0 if kind == "empty_list" else faulty)
    assert summary.rate_limited == (summary.retries if kind == "rate_limited" else 0)


@pytest.mark.parametrize("kind", sorted(HARMLESS))
def test_an_odd_delivery_of_the_true_answer_costs_nothing(database: Database, kind: str) -> None:
    pipeline = Pipeline(database, OPTIONS)
    pipeline.sandbox.faults.script = lambda number, _: kind
    assert_exact(pipeline)
    assert pipeline.clock.waits == []


@pytest.mark.parametrize("at", [1, 4], ids=["first-page", "in-mid-walk"])
def test_a_false_empty_list_is_not_believed(database: Database, at: int) -> None:
    pipeline = Pipeline(database, OPTIONS, fetch_ahead=1)
    pipeline.sync()
    before = pipeline.everything()
    pipeline.sandbox.faults.at(pipeline.sandbox.requests + at, "empty_list")
    assert changes(pipeline.sync()) == {"unchanged": 60}
    assert pipeline.everything() == before


def test_a_page_that_is_falsely_empty_twice_in_mid_walk_is_read_again(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, fetch_ahead=1)
    pipeline.sandbox.faults.at(4, "empty_list", "empty_list")
    assert_exact(pipeline)


def test_a_source_that_stays_down_fails_the_run_and_not_for_ever(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, max_attempts=5)
    pipeline.sandbox.faults.script = lambda number, _: "bad_gateway"
    summary = pipeline.sync()
    assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 3)
    assert (summary.requests, summary.retries) == (5, 4)
    assert "502" in str(summary.error)
    assert pipeline.runs()[0]["error"] == summary.error


def test_what_was_read_before_the_source_went_away_stays(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, fetch_ahead=1)
    pipeline.sandbox.faults.script = lambda number, _: "reset" if number > 4 else None
    summary = pipeline.sync()
    assert (summary.status, summary.exit_code, summary.complete) == (RunStatus.FAILED, 3, False)
    assert summary.inserted == len(pipeline.alive()) > 20
    pipeline.sandbox.faults.clear()
    assert_exact(pipeline)
    assert {len(pipeline.history(batch_id)) for batch_id in pipeline.alive()} == {1}


def test_time_for_retries_has_an_end_too(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, max_attempts=100, max_retry_seconds=50)
    pipeline.sandbox.faults.script = lambda number, _: "unavailable"
    summary = pipeline.sync()
    assert summary.exit_code == 3
    assert summary.requests < 100
    assert 50 <= summary.seconds <= 50 + 35


# -- what a source asks to be waited for -------------------------------------------------------------


def retry_after(text: str) -> faults.Fault:
    return faults.answer(429, b'{"error":"Rate limit exceeded"}', Retry_After=text)


def test_retry_after_in_seconds_is_waited_for(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, fetch_ahead=1)
    pipeline.sandbox.faults.next(retry_after("17"))
    assert_exact(pipeline)
    assert 17 <= sum(pipeline.clock.waits) < 17 + 31


def test_retry_after_as_a_date_is_waited_for(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, fetch_ahead=1)
    until = START + timedelta(seconds=60 + 45)  # a sync begins a minute later
    pipeline.sandbox.faults.next(retry_after(format_datetime(until, usegmt=True)))
    assert_exact(pipeline)
    assert pipeline.sandbox.journal[0].answered == 429
    assert 44 <= sum(pipeline.clock.waits) < 45 + 31


def test_all_requests_wait_when_one_was_told_to(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=150, cap=10), fetch_ahead=8)
    pipeline.sync()
    asked_at: list[float] = []
    pipeline.sandbox.before = lambda number, _: asked_at.append(pipeline.clock.monotonic())
    pipeline.sandbox.faults.at(pipeline.sandbox.requests + 5, retry_after("100"))
    assert_exact(pipeline)
    longest = max(later - earlier for earlier, later in pairwise(asked_at))
    assert longest >= 97  # those that were let through with it are sent within a few seconds


def test_a_wait_longer_than_the_time_for_retries_fails_the_run(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS)
    pipeline.sandbox.faults.next(faults.answer(503, b'{"error":"Maintenance"}', Retry_After="3600"))
    summary = pipeline.sync()
    assert (summary.exit_code, summary.requests, summary.rate_limited) == (3, 1, 0)
    assert pipeline.clock.waits == []


def test_the_quota_is_waited_for_however_long_it_takes(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS)
    pipeline.sandbox.faults.next(retry_after("3600"))
    assert_exact(pipeline)
    assert sum(pipeline.clock.waits) >= 3600


@pytest.mark.parametrize("reset_as", ["epoch", "delay"])
@pytest.mark.parametrize("kind", ["fixed", "sliding"])
def test_the_rate_limit_s_headers_are_obeyed_so_that_no_request_is_refused(
    database: Database, kind: Any, reset_as: Any
) -> None:
    quota = QuotaOptions(windows=(QuotaWindow(requests=6, seconds=60),), kind=kind, reset_as=reset_as)
    pipeline = Pipeline(database, SandboxOptions(batches=60, cap=6, quota=quota))
    summary = pipeline.sync()
    assert (summary.status, summary.rate_limited, summary.inserted) == (RunStatus.SUCCEEDED, 0, 60)
    assert summary.requests > 6
    assert sum(pipeline.clock.waits) >= 60 * ((summary.requests - 1) // 6) - summary.requests
    assert pipeline.differences() == []


def test_the_quota_of_the_settings_is_kept_without_any_header(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, requests_per_minute=3, requests_per_hour=1000)
    asked_at: list[float] = []
    pipeline.sandbox.before = lambda number, _: asked_at.append(pipeline.clock.monotonic())
    assert_exact(pipeline)
    assert len(asked_at) > 6
    assert all(later - earlier >= 59 for earlier, later in zip(asked_at, asked_at[3:], strict=False))


@pytest.mark.parametrize("told", ["seconds", "date", None])
def test_a_quota_that_other_programs_use_up_costs_waiting_and_no_row(database: Database, told: Any) -> None:
    quota = QuotaOptions(windows=(QuotaWindow(requests=6, seconds=60),), retry_after=told)
    pipeline = Pipeline(database, SandboxOptions(batches=60, cap=6, quota=quota))
    pipeline.sandbox.faults.script = lambda number, _: without_rate_limit
    assert_exact(pipeline)


def without_rate_limit(true: Response) -> Response:
    """The answer without the headers that tell beforehand."""
    return replace(true, headers={k: v for k, v in true.headers.items() if not k.startswith("X-RateLimit")})


def test_a_fault_after_a_long_wait_for_the_quota_is_tried_again(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, requests_per_hour=3, fetch_ahead=1)
    pipeline.sandbox.faults.at(4, "bad_gateway")
    assert_exact(pipeline)
    assert sum(pipeline.clock.waits) > 3_500


# -- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ErrorShape)
def test_two_refusals_of_a_good_key_pass(database: Database, shape: ErrorShape) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30, error_shape=shape))
    pipeline.sandbox.faults.next("unauthorized", "unauthorized")
    assert_exact(pipeline)
    assert min(pipeline.clock.waits) >= 2


def test_a_refused_key_after_other_faults_is_tried_again_too(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30))
    pipeline.sandbox.faults.next("bad_gateway", "reset", "unauthorized", "unavailable", "unauthorized")
    assert_exact(pipeline)


def test_a_bad_key_ends_the_run_with_a_hint(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30))
    pipeline.sandbox.keys.revoke(pipeline.sandbox.key)
    summary = pipeline.sync()
    assert (summary.status, summary.exit_code, summary.requests) == (RunStatus.FAILED, 3, 3)
    assert "401" in str(summary.error)
    assert "wrong or revoked" in str(summary.hint)
    assert pipeline.sandbox.key not in f"{summary} {pipeline.runs()}"


def test_a_redirect_is_refused_at_once(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30))
    pipeline.sandbox.faults.next(faults.redirect("https://elsewhere.example/functions/v1/batch-calls"))
    summary = pipeline.sync()
    assert (summary.exit_code, summary.requests, len(pipeline.sandbox.journal)) == (3, 1, 1)
    assert "redirect" in str(summary.error)
    assert "MAGPIPE_BASE_URL" in str(summary.hint)


def test_too_large_an_answer_is_refused_at_once(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30), max_body_mib=1)
    pipeline.sandbox.faults.next(faults.huge(2))
    summary = pipeline.sync()
    assert (summary.exit_code, summary.requests) == (3, 1)
    assert "1 MiB" in str(summary.error)
    assert "ETL_PAGE_SIZE" in str(summary.hint)


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_refusal_that_will_not_change_ends_the_run_at_once(database: Database, status: int) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30))
    pipeline.sandbox.faults.next(faults.answer(status, b'{"data":null,"error":{"message":"no","code":"x"}}'))
    summary = pipeline.sync()
    assert (summary.exit_code, summary.requests) == (3, 1)
    assert summary.error == f"the source answered {status}: no"


def test_a_key_that_the_source_repeats_is_shown_nowhere(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=3))
    said = f'{{"error":"bad header Bearer {pipeline.sandbox.key} and {pipeline.sandbox.key}"}}'.encode()
    pipeline.sandbox.faults.next(faults.answer(400, said))
    summary = pipeline.sync()
    assert "bad header" in str(summary.error)
    assert pipeline.sandbox.key not in f"{summary} {pipeline.runs()}"


# -- what takes too long -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "late", [faults.slow(31), faults.dribble(13), faults.hang(29)], ids=["slow", "dribble", "hang"]
)
def test_an_answer_that_takes_too_long_is_asked_for_again(database: Database, late: faults.Fault) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30))
    pipeline.sandbox.faults.next(late)
    summary = pipeline.sync()
    assert (summary.status, summary.retries) == (RunStatus.SUCCEEDED, 1)
    assert pipeline.differences() == []
