"""The report's and status' queries, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from etl.coverage import Covered
from etl.interval import Interval
from etl.model import RunMode, RunStatus
from etl.report import queries
from etl.report.figures import Tally
from etl.report.health_queries import read_accounts, read_drift, read_facts
from etl.report.quarantine import read_set_aside, render_set_aside, set_aside_as_json
from etl.report.scope import Scope
from etl.report.summary import read_summary
from etl.report.sums import Sums
from etl.tables import sync_coverage, sync_drift, sync_missing

from support.databases import Database
from support.rows import HOUR, NOW, Tables

ALL = Scope()


@pytest.fixture
def tables(database: Database) -> Tables:
    return Tables(database)


def ask(tables: Tables, question: Any, *arguments: Any, **options: Any) -> Any:
    return tables.ask(question, *arguments, **options)


def sums(tables: Tables, scope: Scope = ALL, least_calls: int = 20) -> Sums:
    found: Sums = ask(tables, queries.read_sums, scope, least_calls=least_calls)
    return found


# --- Figures ------------------------------------------------------------------------------------------


def test_sums_are_over_live_batches_and_a_missing_count_adds_nothing(tables: Tables) -> None:
    tables.batch(30, 10)
    tables.batch(None, None, total_recipients=None)
    tables.batch(5, 5, deleted_at=NOW)
    assert sums(tables).total == Tally(campaigns=2, recipients=100, completed=30, failed=10)


def test_sums_of_nothing_are_nothing(tables: Tables) -> None:
    nothing = sums(tables)
    assert (nothing.total, nothing.statuses, nothing.days) == (Tally(), {}, [])


def test_counts_beyond_64_bits_together_are_still_summed(tables: Tables) -> None:
    for _ in range(2):
        tables.batch(2**62, 2**62, total_recipients=2**63 - 1)
    assert sums(tables).total.recipients == pytest.approx(2**64)


def test_a_scope_is_accounts_and_a_half_open_window_of_creation(tables: Tables) -> None:
    tables.batch(1, created_at=NOW - HOUR)
    tables.batch(10, created_at=NOW)
    tables.batch(100, created_at=None)
    tables.batch(1000, account="globex")

    def completed(scope: Scope) -> int:
        return sums(tables, scope).total.completed

    assert completed(Scope(accounts=("acme",))) == 111
    assert completed(Scope(since=NOW)) == 1010
    assert completed(Scope(until=NOW)) == 1
    assert completed(Scope(accounts=("acme", "globex"), since=NOW - HOUR, until=NOW)) == 1


def test_statuses_stand_the_most_frequent_first(tables: Tables) -> None:
    for status in ("draft", "completed", "completed", "new one"):
        tables.batch(2, status=status)
    assert [(status, tally.campaigns) for status, tally in sums(tables).statuses.items()] == [
        ("completed", 2),
        ("draft", 1),
        ("new one", 1),
    ]


def test_days_are_those_of_utc(tables: Tables) -> None:
    tables.batch(1, created_at=datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC))
    tables.batch(2, created_at=datetime(2026, 3, 2, tzinfo=UTC))
    tables.batch(3, created_at=datetime(2026, 3, 2, 23, 30, tzinfo=UTC))
    tables.batch(4, created_at=None)
    assert [(day, tally.completed) for day, tally in sums(tables).days] == [
        (date(2026, 3, 1), 1),
        (date(2026, 3, 2), 5),
    ]


def test_best_and_worst_are_campaigns_with_calls_enough_more_calls_first(tables: Tables) -> None:
    lucky = tables.batch(3, 0)
    best = tables.batch(99, 1)
    small, large = tables.batch(10, 10), tables.batch(30, 30)
    worst = tables.batch(1, 99)
    tables.batch(0, 0)

    def ids(question: Any, least_calls: int) -> list[str]:
        return [one.id for one in ask(tables, question, ALL, least_calls=least_calls, limit=3)]

    assert ids(queries.read_best, 20) == [best, large, small]
    assert ids(queries.read_worst, 20) == [worst, large, small]
    assert ids(queries.read_best, 0)[0] == lucky
    assert (sums(tables, least_calls=20).ranked, sums(tables, least_calls=0).ranked) == (4, 5)


def test_running_campaigns_are_those_last_started_first(tables: Tables) -> None:
    tables.batch(status="running", started_at=None, name="unknown")
    tables.batch(status="running", started_at=NOW - HOUR, name="earlier")
    tables.batch(status="running", started_at=NOW, name="later")
    tables.batch(status="paused", started_at=NOW)
    running = ask(tables, queries.read_running, ALL, limit=5)
    assert [campaign.name for campaign, _ in running] == ["later", "earlier", "unknown"]
    assert running[1][0].started_at == NOW - HOUR
    assert len(ask(tables, queries.read_running, ALL, limit=1)) == 1


def test_oddities_are_counted(tables: Tables) -> None:
    tables.batch(counts_consistent=False)
    tables.batch(counts_consistent=None, created_at=None)
    tables.set_aside()
    tables.set_aside(row_loaded=True, field="started_at")
    tables.set_aside(resolved_at=NOW)
    tables.set_aside(account="globex")
    assert (sums(tables).inconsistent, sums(tables).without_time) == (1, 1)
    assert ask(tables, queries.read_set_aside, Scope(accounts=("acme",))) == (1, 1)
    assert ask(tables, queries.read_set_aside, ALL) == (2, 1)


def test_campaigns_are_listed_newest_first_without_those_that_are_gone(tables: Tables) -> None:
    tables.batch(created_at=None)
    tables.batch(created_at=NOW - HOUR)
    tables.batch(created_at=NOW)
    tables.batch(deleted_at=NOW)

    def listed(connection: Connection) -> list[str]:
        return [row.id for row in queries.read_campaigns(connection, ALL)]

    assert ask(tables, listed) == ["b-3", "b-2", "b-1"]


def test_a_summary_is_read_at_one_moment(tables: Tables) -> None:
    tables.run()
    tables.batch(30, 10)
    tables.batch(10, 30, status="running", started_at=NOW)
    summary = ask(tables, read_summary, ALL, now=NOW, max_age=HOUR, top=1, least_calls=20)
    assert summary.sums.total == Tally(campaigns=2, recipients=200, completed=40, failed=40)
    assert summary.read_at == NOW - HOUR
    assert [campaign.id for campaign in summary.ranking.best + summary.ranking.worst] == ["b-1", "b-2"]
    assert [one.campaign.id for one in summary.under_way.shown] == ["b-2"]


def test_counts_of_what_runs_are_as_young_as_the_last_complete_sync_at_least(tables: Tables) -> None:
    tables.run(HOUR)  # it began a minute before
    for account, changed_at in (("acme", NOW - 5 * HOUR), ("acme", NOW), ("globex", NOW - 5 * HOUR)):
        tables.batch(30, 10, account=account, status="running", changed_at=changed_at)
    summary = ask(tables, read_summary, ALL, now=NOW, max_age=HOUR)
    seen = {one.campaign.id: one.seen_at for one in summary.under_way.shown}
    began = NOW - HOUR - timedelta(minutes=1)
    assert seen == {"b-1": began, "b-2": NOW, "b-3": NOW - 5 * HOUR}


def test_a_report_asks_no_more_of_many_accounts_than_of_one(tables: Tables) -> None:
    asked: list[str] = []
    event.listen(tables.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def statements() -> int:
        asked.clear()
        ask(tables, read_summary, ALL, now=NOW, max_age=HOUR)
        return len(asked)

    tables.run()
    tables.batch(30, 10)
    of_one = statements()
    for number in range(10):
        tables.run(account=f"account-{number}")
        tables.batch(30, 10, account=f"account-{number}", status="running")
    assert statements() == of_one


# --- Health -------------------------------------------------------------------------------------------


def test_facts_are_told_of_every_account_with_a_run_or_a_batch(tables: Tables) -> None:
    tables.run(account="globex")
    tables.batch(account="acme")
    tables.batch(account="acme", deleted_at=NOW)
    acme, globex = ask(tables, read_facts)
    assert (acme.account, acme.rows, acme.deleted, acme.last_run) == ("acme", 1, 1, None)
    assert (globex.account, globex.rows, globex.last_run.finished_at) == ("globex", 0, NOW - HOUR)
    assert ask(tables, read_accounts) == ["acme", "globex"]


def test_only_a_sync_that_proved_everything_counts_as_complete(tables: Tables) -> None:
    tables.run(5 * HOUR)
    tables.run(4 * HOUR, mode=RunMode.INCREMENTAL)
    tables.run(3 * HOUR, mode=RunMode.BACKFILL)
    tables.run(2 * HOUR, mode=RunMode.REPLAY)
    tables.run(1 * HOUR, status=RunStatus.INCOMPLETE)
    [facts] = ask(tables, read_facts)
    assert facts.last_complete.finished_at == NOW - 4 * HOUR
    assert facts.last_run.status is RunStatus.INCOMPLETE


def test_a_streak_is_what_failed_since_the_last_complete_sync(tables: Tables) -> None:
    tables.run(9 * HOUR, status=RunStatus.FAILED, error="long ago")
    tables.run(8 * HOUR)
    tables.run(3 * HOUR, status=RunStatus.FAILED, error="first")
    tables.run(2 * HOUR, mode=RunMode.BACKFILL, status=RunStatus.FAILED, error="another thing")
    tables.run(HOUR, status=RunStatus.INCOMPLETE, error="last")
    tables.run(HOUR, account="globex", status=RunStatus.FAILED, error="never complete")
    acme, globex = ask(tables, read_facts)
    assert (acme.failing.count, acme.failing.last.error) == (2, "last")
    assert acme.failing.since == NOW - 3 * HOUR - timedelta(minutes=1)
    assert (globex.failing.count, globex.failing.last.error) == (1, "never complete")


def test_a_complete_sync_ends_a_streak(tables: Tables) -> None:
    tables.run(2 * HOUR, status=RunStatus.FAILED)
    tables.run(HOUR)
    [facts] = ask(tables, read_facts)
    assert facts.failing is None


def test_a_long_outage_costs_a_look_at_each_run_and_no_more(tables: Tables) -> None:
    """Counted in steps of SQLite's machine, so that no clock is asked."""
    if tables.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL counts no steps")
    steps = []
    for _ in range(2):
        for _ in range(200):
            tables.run(status=RunStatus.FAILED)
        steps.append(tables.ask(_count_steps))
    assert steps[1] < 3 * steps[0]


def _count_steps(connection: Connection) -> int:
    count = 0

    def note() -> None:
        nonlocal count
        count += 1

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(note, 100)
    read_facts(connection)
    driver.set_progress_handler(None, 0)
    return count


def test_deletes_are_held_back_where_the_guard_did_it_and_not_where_a_run_was_cut_off(tables: Tables) -> None:
    tables.run(status=RunStatus.FAILED)
    for number, held_run_id in enumerate((None, 1, 1)):
        tables.insert(sync_missing, account="acme", id=f"b-{number}", run_id=1, held_run_id=held_run_id)
    [facts] = ask(tables, read_facts)
    assert (facts.deletes_held, facts.held_run_id) == (2, 1)


def test_what_is_set_aside_is_split_into_rows_and_fields(tables: Tables) -> None:
    tables.run()
    tables.set_aside()
    tables.set_aside(row_loaded=True, field="started_at")
    tables.set_aside(row_loaded=True, field="started_at", resolved_at=NOW)
    [facts] = ask(tables, read_facts)
    assert (facts.rows_set_aside, facts.fields_set_aside) == (1, 1)


def test_coverage_stands_newest_first(tables: Tables) -> None:
    tables.run()
    tables.insert(sync_coverage, account="acme", created_from=None, created_to=NOW - HOUR, proven_at=NOW)
    tables.insert(sync_coverage, account="acme", created_from=NOW - HOUR, created_to=None, proven_at=NOW)
    [facts] = ask(tables, read_facts)
    assert facts.coverage == (
        Covered(Interval(after=NOW - HOUR, upto=None), NOW),
        Covered(Interval(after=None, upto=NOW - HOUR), NOW),
    )


def test_drift_is_told_of_all_or_of_some_runs(tables: Tables) -> None:
    tables.run()
    for kind, name, run_id in (("status", "parked", 1), ("field", "tags", 2)):
        tables.insert(sync_drift, account="acme", kind=kind, name=name, run_id=run_id, first_seen_at=NOW)
    assert ask(tables, read_drift) == {"acme": ("field tags", "status parked")}
    assert ask(tables, read_drift, [2]) == {"acme": ("field tags",)}
    assert ask(tables, read_drift, []) == {}
    assert ask(tables, read_facts)[0].drift == ("field tags", "status parked")


# --- Quarantine ---------------------------------------------------------------------------------------


def lines(tables: Tables, **options: Any) -> list[str]:
    def read(connection: Connection) -> list[str]:
        return [render_set_aside(row) for row in read_set_aside(connection, **options)]

    found: list[str] = ask(tables, read)
    return found


def test_the_open_ones_are_listed_and_their_text_is_shown_on_request_alone(tables: Tables) -> None:
    tables.set_aside(raw='{"name":"Jane \x1b[2J"}')
    tables.set_aside(id=None, field="started_at", row_loaded=True)
    tables.set_aside(resolved_at=NOW)
    reason = "status: expected a text, got a number"
    assert lines(tables) == [
        f"acme b-1, row: {reason} (not loaded, seen 2026-03-31 12:00)",
        f"acme (no id), field started_at: {reason} (loaded without it, seen 2026-03-31 12:00)",
    ]
    assert lines(tables, resolved=True)[2].endswith("(resolved 2026-03-31 12:00, seen 2026-03-31 12:00)")
    assert lines(tables, raw=True)[0].endswith('\n    {"name":"Jane �[2J"}')
    assert lines(tables, accounts=["globex"]) == []


def test_json_of_what_is_set_aside_has_the_text_on_request_alone(tables: Tables) -> None:
    tables.set_aside()

    def read(connection: Connection, *, raw: bool) -> dict[str, Any]:
        [row] = read_set_aside(connection, raw=raw)
        return set_aside_as_json(row)

    document = ask(tables, read, raw=False)
    assert (document["seen_at"], document["resolved_at"]) == ("2026-03-31T12:00:00+00:00", None)
    assert "raw" not in document
    assert ask(tables, read, raw=True)["raw"] == '{"id":"b-1"}'
