"""A run that ends in the middle leaves whole pages; the next one goes on from there and puts all right."""

from __future__ import annotations

from threading import Event, Thread

import httpx
import pytest
from sqlalchemy import update

from etl.model import RunStatus, RunSummary
from etl.sandbox import SandboxOptions
from etl.tables import batch_call_history, sync_runs
from etl.version import VERSION

from support.databases import Database, opened
from support.pipeline import OnPage, Pipeline, changes
from support.truth import expected_row


class Killed(BaseException):
    """The process is no more: nothing of it runs from here on, no handler and no clean-up of the run."""


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=120, tie_groups=4), page_size=20, fetch_ahead=1)


def kill_after(pages: int) -> OnPage:
    def act(committed: int) -> None:
        if committed == pages:
            raise Killed

    return OnPage(act)


def assert_whole_pages(pipeline: Pipeline) -> None:
    """What is there is true, row by row, and each with its one version of history."""
    table = pipeline.alive()
    assert table
    for batch_id, row in table.items():
        truth = expected_row(pipeline.truth[batch_id])
        assert {name: row[name] for name in truth} == truth
    history = {(row["id"], row["version"]) for row in pipeline.read(batch_call_history)}
    assert history == {(batch_id, 1) for batch_id in table}


def assert_goes_on(pipeline: Pipeline, summary: RunSummary) -> None:
    assert (summary.status, summary.complete, summary.error) == (RunStatus.SUCCEEDED, True, None)
    assert pipeline.differences() == []
    history = sorted((row["id"], row["version"]) for row in pipeline.read(batch_call_history))
    assert history == sorted((batch.id, 1) for batch in pipeline.truth.listed())


@pytest.mark.parametrize("pages", [1, 3, 7])
@pytest.mark.parametrize("full", [True, False])
def test_a_killed_run_leaves_whole_pages_and_the_next_run_calls_it_abandoned(
    pipeline: Pipeline, pages: int, full: bool
) -> None:
    with pytest.raises(Killed):
        pipeline.sync(progress=kill_after(pages))
    (left,) = pipeline.runs()
    assert (left["status"], left["finished_at"], left["pages"]) == (RunStatus.RUNNING, None, pages)
    assert left["inserted"] == len(pipeline.alive())
    assert_whole_pages(pipeline)
    assert_goes_on(pipeline, pipeline.sync(full=full))
    abandoned, finished = pipeline.runs()
    assert (abandoned["status"], abandoned["complete"]) == (RunStatus.ABANDONED, False)
    assert abandoned["finished_at"] >= abandoned["heartbeat_at"]
    assert finished["status"] == RunStatus.SUCCEEDED
    assert finished["inserted"] == 120 - abandoned["inserted"]


def test_what_a_killed_run_finished_is_not_fetched_again(pipeline: Pipeline) -> None:
    whole = pipeline.sync().requests
    again = Pipeline(pipeline.database, pipeline.sandbox.options, page_size=20, fetch_ahead=1)
    with pytest.raises(Killed):
        again.sync(progress=kill_after(5))
    assert again.sync().requests < whole - 1


def test_a_run_that_is_killed_again_and_again_comes_to_its_end(pipeline: Pipeline) -> None:
    for _ in range(30):
        try:
            assert_goes_on(pipeline, pipeline.sync(progress=kill_after(3)))
            break
        except Killed:
            assert_whole_pages(pipeline)
    else:
        pytest.fail("no run came to its end")
    assert len(pipeline.runs()) > 2


@pytest.mark.parametrize("page", [0, 1, 4])
def test_a_stop_is_heard_between_pages_and_told(pipeline: Pipeline, page: int) -> None:
    def act(committed: int) -> None:
        pipeline.clock.stopped = committed >= page

    pipeline.clock.stopped = page == 0
    summary = pipeline.sync(progress=OnPage(act))
    assert (summary.status, summary.exit_code, summary.pages) == (RunStatus.FAILED, 130, page)
    assert pipeline.runs()[0]["status"] == RunStatus.FAILED
    assert len(pipeline.alive()) == summary.inserted
    pipeline.clock.stopped = False
    assert_goes_on(pipeline, pipeline.sync())


def test_a_stop_is_heard_while_the_quota_is_waited_for(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120, cap=20), requests_per_minute=3)

    def before(number: int, _world: object) -> None:
        pipeline.clock.stopped = number == 3

    pipeline.sandbox.before = before
    summary = pipeline.sync()
    assert (summary.exit_code, pipeline.clock.waits) == (130, [])


class Faulty(httpx.BaseTransport):
    """A transport with a bug of its own, from some request on."""

    def __init__(self, inner: httpx.BaseTransport, error: Exception, after: int) -> None:
        self._inner = inner
        self._error = error
        self._left = after

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        if self._left < 0:
            raise self._error
        return self._inner.handle_request(request)


def test_a_bug_ends_its_run_with_a_word_and_the_next_run_goes_on(pipeline: Pipeline) -> None:
    good, pipeline.transport = (
        pipeline.transport,
        Faulty(pipeline.transport, ZeroDivisionError("Jane Doe"), 3),
    )
    summary = pipeline.sync()
    assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 1)
    assert "ZeroDivisionError" in str(summary.error)
    assert "Jane" not in str(summary.error)
    assert_whole_pages(pipeline)
    pipeline.transport = good
    assert_goes_on(pipeline, pipeline.sync())


# -- one writer ----------------------------------------------------------------------------------------


def abandon(pipeline: Pipeline) -> None:
    """As another host's run does that got the lock after this one's connection was lost."""
    taken_over = update(sync_runs).values(status=RunStatus.ABANDONED, error="taken over")
    with (
        opened(pipeline.database.dialect, pipeline.database.settings) as other,
        other.engine.begin() as connection,
    ):
        connection.execute(taken_over)


def assert_stopped_by_fence(pipeline: Pipeline, summary: RunSummary) -> None:
    assert (summary.status, summary.complete, summary.exit_code) == (RunStatus.FAILED, False, 5)
    assert "taken over" in str(summary.error)
    assert [(run["status"], run["error"]) for run in pipeline.runs()][-1] == (
        RunStatus.ABANDONED,
        "taken over",
    )


def test_a_run_that_was_taken_over_stops_at_its_next_page(pipeline: Pipeline) -> None:
    seen: list[int] = []

    def act(committed: int) -> None:
        if committed == 3:
            seen.append(len(pipeline.alive()))
            abandon(pipeline)

    summary = pipeline.sync(progress=OnPage(act))
    assert_stopped_by_fence(pipeline, summary)
    assert len(pipeline.alive()) == seen[0]
    assert_whole_pages(pipeline)


def test_a_run_that_was_taken_over_after_its_last_page_deletes_nothing(pipeline: Pipeline) -> None:
    pipeline.sync()
    pages = pipeline.sync().pages
    for batch in pipeline.truth.listed()[::30]:
        pipeline.truth.delete(batch.id)
    before = pipeline.alive()
    summary = pipeline.sync(
        progress=OnPage(lambda committed: abandon(pipeline) if committed == pages else None)
    )
    assert summary.pages == pages
    assert_stopped_by_fence(pipeline, summary)
    assert pipeline.alive() == before


def test_a_second_sync_of_an_account_is_refused_while_the_first_runs(pipeline: Pipeline) -> None:
    inside, go_on = Event(), Event()
    first: list[RunSummary] = []

    def act(committed: int) -> None:
        inside.set()
        go_on.wait(60)

    thread = Thread(target=lambda: first.append(pipeline.sync(progress=OnPage(act))))
    thread.start()
    try:
        assert inside.wait(60)
        second = pipeline.sync()
    finally:
        go_on.set()
        thread.join()
    assert (second.run_id, second.status, second.exit_code) == (None, RunStatus.FAILED, 5)
    assert "another sync" in str(second.error)
    assert_goes_on(pipeline, first[0])
    assert len(pipeline.runs()) == 1


# -- what is told --------------------------------------------------------------------------------------


def test_a_run_s_row_holds_what_its_summary_says(pipeline: Pipeline) -> None:
    pipeline.sandbox.faults.at(2, "bad_gateway", "rate_limited")
    pipeline.sandbox.rows.corrupt(pipeline.truth.listed()[9].id, {"failed_count": "x"})
    summary = pipeline.sync()
    (row,) = pipeline.runs()
    told = summary.as_json()
    for name in ("started_at", "finished_at"):
        told[name] = getattr(summary, name)
    assert {name: row[name] for name in told} == told
    assert (row["retries"], row["rate_limited"], row["quarantined"]) == (2, 1, 1)
    assert row["requests"] == pipeline.sandbox.requests
    assert row["program_version"] == VERSION
    assert row["seconds"] == round((row["finished_at"] - row["started_at"]).total_seconds(), 3)
    assert row["heartbeat_at"] == row["finished_at"]


def test_the_numbers_of_a_run_add_up(pipeline: Pipeline) -> None:
    pipeline.sync()
    for batch in pipeline.truth.listed()[:4]:
        pipeline.truth.progress(batch.id, completed=1)
    pipeline.truth.delete(pipeline.truth.listed()[50].id)
    pipeline.truth.create()
    pipeline.sandbox.rows.corrupt(pipeline.truth.listed()[9].id, {"failed_count": "x"})
    summary = pipeline.sync()
    assert changes(summary) == {"inserted": 1, "updated": 4, "unchanged": 114, "deleted": 1, "quarantined": 1}
    assert summary.rows_seen == 120


def test_progress_tells_what_was_committed(pipeline: Pipeline) -> None:
    told: list[tuple[int, int]] = []
    summary = pipeline.sync(progress=OnPage(lambda pages: told.append((pages, pipeline.runs()[-1]["pages"]))))
    assert told == [(page, page) for page in range(1, summary.pages + 1)]


def test_a_database_that_refuses_rows_fails_the_run_and_keeps_none_of_the_page(pipeline: Pipeline) -> None:
    pipeline.sync()
    before = pipeline.everything()
    pipeline.forbid_changes()
    batch = pipeline.truth.listed()[50]
    pipeline.truth.change(batch.id, name="Jane Doe's private list", status="odd")
    summary = pipeline.sync()
    assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 4)
    assert "Jane" not in f"{summary.error} {summary.hint}"
    assert pipeline.everything() == before
    assert pipeline.runs()[-1]["status"] == RunStatus.FAILED


def test_a_database_that_lost_a_table_fails_the_run_with_a_hint(pipeline: Pipeline) -> None:
    pipeline.sync()
    with pipeline.connected() as connection:
        connection.exec_driver_sql("ALTER TABLE sync_coverage RENAME TO elsewhere")
    summary = pipeline.sync()
    assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 4)
    assert "migrate" in str(summary.hint)
