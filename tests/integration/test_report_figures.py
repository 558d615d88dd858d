"""Every figure of the report is the views' own, days are the zone's, changes are the history's."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Table, func, select

from etl.engine import reading
from etl.report.change_queries import read_changes
from etl.report.changes import Changes, Move
from etl.report.figures import Tally
from etl.report.page import render_page
from etl.report.queries import read_campaigns, read_sums
from etl.report.scope import Scope
from etl.report.summary import Summary, read_summary
from etl.report.words import percent
from etl.sandbox import SandboxOptions
from etl.views import report_campaigns, report_daily, report_freshness, report_status

from support.databases import Database
from support.pipeline import Pipeline
from support.rows import HOUR, NOW, Tables

DAY = timedelta(days=1)
SINCE = NOW - DAY
EARLIER = NOW - 2 * DAY


@pytest.fixture
def tables(database: Database) -> Tables:
    return Tables(database)


# --- The views' figures -------------------------------------------------------------------------------


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """Two accounts after two syncs, with all that makes sums hard."""
    options = SandboxOptions(batches=150, accounts=("acme", "globex"), null_created_at=2, null_counts=5)
    pipeline = Pipeline(database, options)
    pipeline.sync_all()
    finished = pipeline.truth.listed("completed")
    pipeline.truth.rerun(finished[0].id)
    pipeline.truth.delete(finished[1].id)
    pipeline.sync_all()
    return pipeline


def summary_of(pipeline: Pipeline, scope: Scope) -> Summary:
    with reading(pipeline.database.engine) as connection:
        return read_summary(connection, scope, now=pipeline.clock.now(), max_age=DAY, top=8, least_calls=20)


def rows(pipeline: Pipeline, view: Table) -> list[dict[str, object]]:
    with reading(pipeline.database.engine) as connection:
        return [dict(row) for row in connection.execute(select(view)).mappings()]


def tally(row: dict[str, object]) -> Tally:
    names = ("campaigns", "total_recipients", "completed_count", "failed_count")
    campaigns, recipients, completed, failed = (int(str(row[name])) for name in names)
    return Tally(campaigns=campaigns, recipients=recipients, completed=completed, failed=failed)


def test_statuses_accounts_and_the_total_are_those_of_the_view(pipeline: Pipeline) -> None:
    of_view = rows(pipeline, report_status)
    whole = summary_of(pipeline, Scope())
    assert whole.sums.total == sum(map(tally, of_view), Tally())
    for account in ("acme", "globex"):
        sums = summary_of(pipeline, Scope(accounts=(account,))).sums
        own = {row["status"]: row for row in of_view if row["account"] == account}
        assert sums.statuses == {status: tally(row) for status, row in own.items()}
        assert whole.sums.accounts[account] == sums.total
        for status, found in sums.statuses.items():
            assert (found.attempted, found.success_rate, found.completion_rate) == (
                own[status]["attempted_count"],
                own[status]["success_rate"],
                own[status]["completion_rate"],
            )


def test_days_are_those_of_the_view(pipeline: Pipeline) -> None:
    for account in ("acme", "globex"):
        days = dict(summary_of(pipeline, Scope(accounts=(account,))).sums.days)
        own = [row for row in rows(pipeline, report_daily) if row["account"] == account]
        assert days == {row["day"]: tally(row) for row in own if row["campaigns"]}


def test_campaigns_best_worst_and_running_are_those_of_the_view(pipeline: Pipeline) -> None:
    summary = summary_of(pipeline, Scope())
    of_view = {(row["account"], row["id"]): row for row in rows(pipeline, report_campaigns)}
    running = [one.campaign for one in summary.under_way.shown]
    assert summary.under_way.count == sum(row["status"] == "running" for row in of_view.values())
    assert running
    for campaign in (*summary.ranking.best, *summary.ranking.worst, *running):
        row = of_view[campaign.account, campaign.id]
        assert campaign.tally.success_rate == row["success_rate"]
        assert campaign.tally.attempted == row["attempted_count"]
        assert (campaign.name, campaign.started_at) == (row["name"], row["started_at"])
    with reading(pipeline.database.engine) as connection:
        assert {(row.account, row.id) for row in read_campaigns(connection, Scope())} == set(of_view)


def test_the_age_of_the_figures_is_that_of_the_view(pipeline: Pipeline) -> None:
    summary = summary_of(pipeline, Scope())
    of_view = {row["account"]: row for row in rows(pipeline, report_freshness)}
    assert {one.facts.account for one in summary.accounts} == set(of_view)
    for health in summary.accounts:
        row = of_view[health.facts.account]
        assert health.facts.last_complete is not None
        assert health.facts.last_complete.finished_at == row["last_complete_at"]
        assert health.oldest_proof_at == row["oldest_proof_at"]


def test_the_page_shows_the_figures_of_the_view(pipeline: Pipeline) -> None:
    page = render_page(summary_of(pipeline, Scope(accounts=("acme",))))
    section = page.partition('<h2 id="statuses">')[2].partition("</section>")[0]
    cells = [re.sub(r"<[^>]*>", "|", line) for line in re.findall(r"<tr>.*?</tr>", section)[1:]]
    shown = {tuple(filter(None, line.split("|"))) for line in cells}
    assert shown == {
        (
            str(row["status"]),
            f"{row['campaigns']:,}",
            f"{row['total_recipients']:,}",
            f"{row['attempted_count']:,}",
            percent(row["success_rate"]),  # type: ignore[arg-type]
            percent(row["completion_rate"]),  # type: ignore[arg-type]
        )
        for row in rows(pipeline, report_status)
        if row["account"] == "acme"
    }


def test_a_count_below_nothing_adds_nothing_as_in_the_view(tables: Tables) -> None:
    tables.batch(-5, 3, total_recipients=-1)
    tables.batch(7, 1)
    sums = tables.ask(read_sums, Scope(), least_calls=1)
    with reading(tables.engine) as connection:
        [row] = connection.execute(select(report_status)).mappings()
    assert sums.total == tally(dict(row)) == Tally(campaigns=2, recipients=100, completed=7, failed=4)


# --- Days ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_a_day_is_one_of_the_zone_also_when_its_clocks_are_put(tables: Tables, name: str) -> None:
    zone = ZoneInfo(name)
    moments = [
        datetime(2026, month, day, hour, minute, 59, 999999, tzinfo=UTC)
        for month, day in ((3, 28), (3, 29), (10, 25), (11, 1), (4, 4), (1, 1))
        for hour in range(0, 24, 3)
        for minute in (29, 59)
    ]
    for moment in moments:
        tables.batch(1, created_at=moment)
    days: dict[date, int] = {}
    for moment in moments:
        local = moment.astimezone(zone).date()
        days[local] = days.get(local, 0) + 1
    sums = tables.ask(read_sums, Scope(zone=zone), least_calls=1)
    assert {day: found.campaigns for day, found in sums.days} == days


@pytest.mark.parametrize("name", ["UTC", "Pacific/Kiritimati", "America/St_Johns"])
def test_leap_days_and_the_ends_of_years_are_days_like_others(tables: Tables, name: str) -> None:
    zone = ZoneInfo(name)
    days: dict[date, int] = {}
    for first in (datetime(2024, 2, 28, tzinfo=UTC), datetime(2024, 12, 30, 12, tzinfo=UTC)):
        for moment in (first + timedelta(hours=hours) for hours in range(0, 60, 7)):
            tables.batch(1, created_at=moment)
            local = moment.astimezone(zone).date()
            days[local] = days.get(local, 0) + 1
    assert date(2024, 2, 29) in days
    sums = tables.ask(read_sums, Scope(zone=zone), least_calls=1)
    assert {day: found.campaigns for day, found in sums.days} == days
    with reading(tables.engine) as connection:
        listed = connection.scalars(select(report_daily.c.day).order_by(report_daily.c.day)).all()
    assert {date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 12, 31), date(2025, 1, 1)} <= {
        *listed
    }


def test_times_at_the_ends_of_all_time_do_no_harm_in_any_zone(tables: Tables) -> None:
    for moment in (datetime.min.replace(tzinfo=UTC), NOW, datetime.max.replace(tzinfo=UTC)):
        tables.batch(1, created_at=moment)
        for name in ("Pacific/Kiritimati", "America/Adak"):
            sums = tables.ask(read_sums, Scope(zone=ZoneInfo(name)), least_calls=1)
            assert sum(found.campaigns for _, found in sums.days) == sums.total.campaigns


def test_a_scope_can_be_of_some_statuses(tables: Tables) -> None:
    for status in ("running", "completed", "draft"):
        tables.batch(1, status=status)
    sums = tables.ask(read_sums, Scope(statuses=("running", "draft")), least_calls=1)
    assert set(sums.statuses) == {"running", "draft"}


# --- Changes ------------------------------------------------------------------------------------------


def changes(tables: Tables, scope: Scope | None = None) -> Changes:
    found: Changes = tables.ask(read_changes, scope or Scope(), since=SINCE, most_events=3)
    return found


def test_nothing_that_happened_is_nothing(tables: Tables) -> None:
    tables.seen({"observed_at": EARLIER, "completed_count": 5})
    assert changes(tables).nothing


def test_calls_made_since_are_what_the_counts_grew_by(tables: Tables) -> None:
    tables.seen(
        {"observed_at": EARLIER - HOUR, "completed_count": 1, "started_at": EARLIER},
        {"observed_at": EARLIER, "completed_count": 10, "failed_count": 1},
        {"observed_at": SINCE, "completed_count": 12, "failed_count": 1},
        {"observed_at": NOW, "completed_count": 20, "failed_count": 4},
        created_at=EARLIER,
    )
    found = changes(tables)
    assert (found.completed, found.failed, found.success_rate) == (10, 3, 10 / 13)
    assert (found.created, found.loaded, found.run_again, found.moves) == (0, 0, 0, ())


def test_a_run_that_began_again_counts_from_nothing(tables: Tables) -> None:
    tables.seen(
        {"observed_at": EARLIER, "completed_count": 90, "status": "completed", "started_at": EARLIER},
        {"observed_at": SINCE + HOUR, "completed_count": 5, "status": "running", "started_at": NOW},
        {"observed_at": NOW, "completed_count": 95},
        created_at=EARLIER,
    )
    found = changes(tables)
    assert (found.completed, found.run_again) == (95, 1)
    assert found.moves == (Move(before="completed", after="running", times=1),)


def test_a_count_that_the_source_corrects_downwards_takes_no_calls_back(tables: Tables) -> None:
    tables.seen({"observed_at": EARLIER, "completed_count": 90}, {"observed_at": NOW, "completed_count": 80})
    assert changes(tables).attempted == 0


def test_of_batches_first_seen_since_only_the_new_ones_made_their_calls_since(tables: Tables) -> None:
    tables.seen({"observed_at": NOW, "completed_count": 7}, created_at=SINCE)
    tables.seen({"observed_at": NOW, "completed_count": 3}, {"observed_at": NOW, "completed_count": 4})
    tables.seen({"observed_at": NOW, "completed_count": 1000}, created_at=EARLIER)
    tables.seen({"observed_at": NOW, "completed_count": 1000}, created_at=None)
    found = changes(tables)
    assert (found.created, found.loaded, found.completed) == (2, 2, 11)
    assert len(found.events) == 2  # a first sync is no news of every old campaign


def test_what_went_and_what_came_back_is_counted_and_told(tables: Tables) -> None:
    gone = tables.seen({"observed_at": EARLIER}, {"observed_at": NOW - HOUR, "change": "deleted"})
    back = tables.seen(
        {"observed_at": EARLIER - HOUR},
        {"observed_at": EARLIER, "change": "deleted"},
        {"observed_at": NOW, "change": "revived", "completed_count": 9},
    )
    found = changes(tables)
    assert (found.gone, found.returned, found.attempted) == (1, 1, 0)
    assert [(event.id, event.change) for event in found.events] == [(back, "revived"), (gone, "deleted")]


def test_the_newest_events_are_shown_and_the_others_counted(tables: Tables) -> None:
    for hours in range(5):
        tables.seen(
            {"observed_at": EARLIER, "status": "scheduled"},
            {"observed_at": NOW - hours * HOUR, "status": "running"},
        )
    found = changes(tables)
    assert [event.observed_at for event in found.events] == [NOW, NOW - HOUR, NOW - 2 * HOUR]
    assert found.events_left_out == 2
    assert found.events[0].name == "Campaign 1"


@pytest.mark.parametrize("before", [[], [{"observed_at": EARLIER, "status": "scheduled"}]])
def test_of_events_in_the_same_instant_the_same_are_shown_each_time(
    tables: Tables, before: list[dict[str, Any]]
) -> None:
    for account in "edcba":
        tables.seen(*before, {"observed_at": NOW, "status": "running"}, account=account, created_at=SINCE)
    found = changes(tables)
    assert [event.account for event in found.events] == ["a", "b", "c"]
    assert found.events_left_out == 2


def test_changes_are_those_of_the_scope(tables: Tables) -> None:
    for account in ("acme", "globex"):
        for status in ("draft", "running"):
            tables.seen({"observed_at": NOW, "status": status}, account=account, created_at=SINCE)
    assert changes(tables).created == 4
    assert changes(tables, Scope(accounts=("acme",))).created == 2
    assert changes(tables, Scope(accounts=("acme",), statuses=("draft",))).created == 1
    assert changes(tables, Scope(since=NOW)).created == 0
    assert changes(tables, Scope(until=NOW)).created == 4


def test_calls_are_added_up_exactly_beyond_what_an_integer_column_holds(tables: Tables) -> None:
    for _ in range(3):
        tables.seen({"observed_at": NOW, "completed_count": 2**62}, created_at=NOW)
    with reading(tables.engine) as connection:
        assert connection.execute(select(func.count()).select_from(report_campaigns)).scalar_one() == 3
    assert changes(tables).completed == pytest.approx(3 * 2**62)
