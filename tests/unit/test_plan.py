"""Which reads a sync takes, by what is known: values in, values out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from etl.coverage import Covered, add_proof
from etl.interval import NEWEST, RESOLUTION, Interval
from etl.model import RunMode
from etl.plan import (
    FullWalk,
    Head,
    Known,
    LiveBatches,
    Part,
    Plan,
    Stretch,
    cost_of_stretch,
    cost_of_walk,
    plan_sync,
)
from etl.transform.statuses import LIVE_STATUSES

from support.clocks import START as NOW

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EVERY_QUARTER = timedelta(minutes=15)
LIVE = dict.fromkeys(LIVE_STATUSES, 10)
LIVE_STEP = LiveBatches(statuses=LIVE_STATUSES)


def days_ago(days: int | None) -> datetime | None:
    return None if days is None else NOW - days * DAY


def between(after: int | None, upto: int | None) -> Interval:
    """What was created between so many days ago and so many; None for the beginning, and for now."""
    return Interval(after=days_ago(after), upto=days_ago(upto))


def part(after: int | None, upto: int, *, age: timedelta = HOUR, rows: int = 20_000) -> Part:
    return Part(covered=Covered(between(after, upto), NOW - age), rows=rows)


def known(*parts: Part, **values: Any) -> Known:
    """An account that was synced a quarter of an hour ago, and is as the parts say."""
    given: dict[str, Any] = {
        "account": "acme",
        "now": NOW,
        "rows": sum(one.rows for one in parts),
        "page_rows": 1000,
        "live": LIVE,
        "parts": parts,
        "last_started_at": NOW - EVERY_QUARTER,
        "max_age": DAY,
        **values,
    }
    return Known(**given)


@pytest.mark.parametrize(
    ("age", "mode"), [(HOUR, RunMode.INCREMENTAL), (DAY, RunMode.FULL), (None, RunMode.FULL)]
)
def test_batches_without_created_at_make_a_sync_walk_everything_in_time(
    age: timedelta | None, mode: RunMode
) -> None:
    whole_at = None if age is None else NOW - age
    assert plan_sync(known(part(None, 1), undated=2, whole_at=whole_at)).mode is mode


def test_all_is_walked_before_batches_without_created_at_are_too_old() -> None:
    whole_at = NOW - DAY + EVERY_QUARTER
    assert plan_sync(known(part(None, 1), undated=1, whole_at=whole_at)).mode is RunMode.FULL
    assert plan_sync(known(part(None, 1), undated=0, whole_at=whole_at)).mode is RunMode.INCREMENTAL


# -- everything, or parts -------------------------------------------------------------------------


def test_a_first_sync_walks_the_whole_list_and_nobody_knows_its_cost() -> None:
    plan = plan_sync(known(last_started_at=None))
    assert (plan.mode, plan.steps, plan.requests) == (RunMode.FULL, (FullWalk(),), None)
    assert plan.full_since == NOW


def test_of_a_long_list_its_head_and_what_is_alive_are_read() -> None:
    plan = plan_sync(known(part(None, 1)))
    assert (plan.mode, plan.steps) == (RunMode.INCREMENTAL, (Head(until=days_ago(1)), LIVE_STEP))
    assert plan.requests == 6
    assert plan.full_since is None


def test_by_a_doubtful_clock_everything_is_read_and_nothing_is_gone_on_with() -> None:
    facts = known(part(None, 1), full_since=NOW - HOUR)
    for full in (False, True):
        plan = plan_sync(facts, full=full, doubtful=True)
        assert (plan.mode, plan.steps, plan.full_since) == (RunMode.FULL, (FullWalk(),), NOW)
        assert "no age can be told" in plan.reason


@pytest.mark.parametrize(
    ("rows", "mode"),
    [
        (0, RunMode.FULL),
        (1, RunMode.FULL),
        (4_000, RunMode.FULL),
        (5_000, RunMode.INCREMENTAL),
        (20_000, RunMode.INCREMENTAL),
    ],
)
def test_everything_is_read_where_parts_would_not_be_cheaper(rows: int, mode: RunMode) -> None:
    plan = plan_sync(known(part(None, 1, rows=rows)))
    assert plan.mode == mode
    assert plan.requests is not None
    assert plan.requests <= cost_of_walk(rows, 1000)


def test_many_live_batches_make_a_walk_over_everything_the_cheaper_one() -> None:
    live = {**LIVE, "running": 15_000}
    assert plan_sync(known(part(None, 1), live=live)).requests == 21
    assert plan_sync(known(part(None, 1), live={**live, "paused": 4_000})).mode == RunMode.FULL


def test_a_status_that_this_version_does_not_know_is_read_as_one_that_changes() -> None:
    plan = plan_sync(known(part(None, 1), live={**LIVE, "parked": 3}))
    assert plan.steps[1] == LiveBatches(statuses=(*LIVE_STATUSES, "parked"))
    assert plan.requests == 7


def test_what_is_asked_for_in_full_is_read_in_full() -> None:
    plan = plan_sync(known(part(None, 1)), full=True)
    assert (plan.mode, plan.steps, plan.requests) == (RunMode.FULL, (FullWalk(),), 22)
    assert (plan.full_since, plan.rows) == (NOW, 20_000)


# -- what no proof covers -------------------------------------------------------------------------


def test_what_no_proof_covers_is_read_from_the_newest_down() -> None:
    plan = plan_sync(known(part(20, 1), part(40, 30), part(None, 50)))
    assert plan.steps == (
        Head(until=days_ago(1)),
        Stretch(interval=between(30, 20)),
        Stretch(interval=between(50, 40)),
        LIVE_STEP,
    )
    assert plan.requests == 8


def test_a_first_walk_that_was_cut_off_just_now_is_gone_on_with() -> None:
    plan = plan_sync(known(part(90, 1, age=HOUR / 2), full_since=NOW - HOUR / 2))
    assert plan.mode == RunMode.FULL
    assert plan.steps == (Head(until=days_ago(1)), Stretch(interval=between(None, 90)))
    assert (plan.full_since, plan.requests) == (NOW - HOUR / 2, None)


def test_one_that_was_cut_off_long_ago_is_read_to_its_end_and_what_is_alive_is_read_again() -> None:
    plan = plan_sync(known(part(90, 1, age=5 * HOUR)))
    assert plan.mode == RunMode.INCREMENTAL
    assert plan.steps == (Head(until=days_ago(1)), Stretch(interval=between(None, 90)), LIVE_STEP)
    assert plan.requests is None


def test_a_full_sync_that_was_cut_off_just_now_does_not_read_again_what_it_proved() -> None:
    since = NOW - HOUR / 2
    parts = part(60, 1, age=HOUR / 3), part(90, 60, age=9 * HOUR), part(None, 90, age=HOUR / 4)
    plan = plan_sync(known(*parts, full_since=since), full=True)
    assert (plan.mode, plan.full_since) == (RunMode.FULL, since)
    assert plan.steps == (Head(until=days_ago(1)), Stretch(interval=between(90, 60)))


def test_one_that_proved_nothing_is_begun_anew() -> None:
    plan = plan_sync(known(part(None, 1, age=9 * HOUR), full_since=NOW - HOUR / 2), full=True)
    assert (plan.steps, plan.full_since) == ((FullWalk(),), NOW)


def test_a_full_sync_that_was_cut_off_is_not_for_an_incremental_one_to_end() -> None:
    parts = part(60, 1, age=HOUR / 3), part(None, 60, age=9 * HOUR)
    plan = plan_sync(known(*parts, full_since=NOW - HOUR / 2))
    assert (plan.mode, plan.steps) == (RunMode.INCREMENTAL, (Head(until=days_ago(1)), LIVE_STEP))


# -- slices of what was proven long ago -----------------------------------------------------------


def slices(plan: Plan) -> list[tuple[Interval, int | None]]:
    """Which parts, and how many pages of each; None for all of it."""
    return [(step.interval, step.most_pages) for step in plan.steps if isinstance(step, Stretch)]


@pytest.mark.parametrize(
    ("age", "pages"),
    [
        (HOUR, 0),
        (DAY / 2 - HOUR / 60, 0),
        (DAY / 2, 1),  # 21 pages in 47 syncs
        (18 * HOUR, 1),
        (22 * HOUR, 3),  # in seven
        (DAY - 3 * EVERY_QUARTER, 11),  # in two
    ],
)
def test_what_was_proven_long_ago_is_proven_again_over_the_second_half_of_its_time(
    age: timedelta, pages: int
) -> None:
    plan = plan_sync(known(part(100, 1, age=HOUR, rows=50_000), part(None, 100, age=age)))
    assert slices(plan) == ([(between(None, 100), pages)] if pages else [])
    assert plan.requests == 6 + pages


def test_the_last_sync_that_is_in_time_reads_all_that_is_left_to_its_very_end() -> None:
    age = DAY - 2 * EVERY_QUARTER
    plan = plan_sync(known(part(100, 1, age=HOUR, rows=50_000), part(None, 100, age=age)))
    assert slices(plan) == [(between(None, 100), None)]
    assert plan.requests == 6 + 21 + 1  # and one to show the end


def test_the_end_of_the_list_is_not_left_for_later_by_itself() -> None:
    """A single page never proves it: read page by page, the last would be read for ever."""
    facts = known(part(100, 1, age=HOUR, rows=50_000), part(None, 100, age=13 * HOUR, rows=300))
    assert slices(plan_sync(facts)) == [(between(None, 100), None)]


def test_the_oldest_proof_is_renewed_first() -> None:
    parts = (
        part(10, 1, age=HOUR, rows=50_000),
        part(20, 10, age=20 * HOUR, rows=3_000),
        part(30, 20, age=23 * HOUR, rows=1_500),
        part(None, 30, age=21 * HOUR, rows=1_000),
    )
    plan = plan_sync(known(*parts))
    assert slices(plan) == [(between(30, 20), None), (between(None, 30), 1)]
    assert plan.requests == 6 + 2 + 1  # the part ends in the middle of the list: no page to show an end


def test_after_a_long_pause_all_that_is_due_is_read_at_once() -> None:
    facts = known(part(100, 1, age=HOUR, rows=50_000), part(None, 100, age=13 * HOUR, rows=5_000))
    paused = replace(facts, last_started_at=NOW - 12 * HOUR)
    assert slices(plan_sync(paused)) == [(between(None, 100), None)]
    assert slices(plan_sync(replace(facts, last_started_at=None))) == [(between(None, 100), None)]


def test_where_everything_is_due_at_once_a_walk_over_everything_is_cheaper() -> None:
    plan = plan_sync(known(part(None, 1, age=DAY)))
    assert (plan.mode, plan.requests) == (RunMode.FULL, 22)


@pytest.mark.parametrize("every", [timedelta(minutes=1), EVERY_QUARTER, HOUR, 5 * HOUR])
@pytest.mark.parametrize("pages", [6, 60, 600])
def test_no_proof_grows_older_than_it_may_however_often_syncs_run(every: timedelta, pages: int) -> None:
    """A list of so many days, each of them a page, synced for three days."""
    coverage = [Covered(between(None, 1), NOW)]
    costs = []
    for number in range(1, 3 * DAY // every + 1):
        now = NOW + number * every
        parts = [Part(covered=one, rows=950 * rows_of(one.interval, pages)) for one in coverage]
        plan = plan_sync(
            known(*parts, now=now, page_rows=1000, last_started_at=now - every, rows=950 * pages)
        )
        costs.append(plan.requests or 0)
        for step in plan.steps:
            coverage = proven(coverage, step, now, oldest=NOW - (pages + 1) * DAY)
        assert min(one.proven_at for one in coverage) >= now - DAY
    assert max(costs) <= cost_of_walk(950 * pages, 1000)
    if every <= HOUR and pages > 6:
        assert max(costs) <= 6 + 2 * pages * every / (DAY / 2) + 2
    assert len(coverage) <= 100


def rows_of(interval: Interval, pages: int) -> int:
    """Days, which are pages, in an interval."""
    oldest = NOW - (pages + 1) * DAY
    return ((interval.upto or NOW) - (interval.after or oldest)) // DAY


def proven(coverage: list[Covered], step: object, now: datetime, *, oldest: datetime) -> list[Covered]:
    """What is proven after a step, where a page holds a day."""
    if isinstance(step, FullWalk):
        return [Covered(between(None, 1), now)]
    if not isinstance(step, Stretch):
        return coverage
    interval = step.interval
    assert interval.upto is not None
    if step.most_pages is not None:
        after = interval.upto - step.most_pages * DAY
        assert after > oldest
        interval = Interval(after=after, upto=interval.upto)
    return add_proof(coverage, Covered(interval, now), since=now)


# -- what it costs, and how it reads --------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "page_rows", "requests"),
    [
        (0, 1000, 2),
        (1, 1000, 2),
        (1000, 1000, 2),
        (1001, 1000, 3),
        (20_000, 1000, 22),
        (90, 10, 11),
        (5, 1, 6),
    ],
)
def test_a_walk_costs_its_pages_and_one_to_show_the_end(rows: int, page_rows: int, requests: int) -> None:
    assert cost_of_walk(rows, page_rows) == requests


@pytest.mark.parametrize(("page_rows", "step"), [(10, 9), (19, 18), (20, 18), (100, 94), (1000, 991)])
def test_a_page_overlaps_the_one_before_by_a_row_and_a_twentieth_of_it_nine_at_most(
    page_rows: int, step: int
) -> None:
    assert cost_of_walk(page_rows + step, page_rows) == 3
    assert cost_of_walk(page_rows + step + 1, page_rows) == 4


@pytest.mark.parametrize(
    ("rows", "page_rows", "requests"), [(0, 1000, 1), (950, 1000, 1), (951, 1000, 2), (100, 100, 2)]
)
def test_a_stretch_costs_its_pages(rows: int, page_rows: int, requests: int) -> None:
    assert cost_of_stretch(rows, page_rows) == requests


@pytest.mark.parametrize(("page_rows", "lead"), [(10, 2), (100, 25), (1000, 50)])
def test_a_stretch_is_looked_for_a_quarter_of_a_page_too_high_fifty_rows_at_most(
    page_rows: int, lead: int
) -> None:
    assert cost_of_stretch(page_rows - lead, page_rows) == 1
    assert cost_of_stretch(page_rows - lead + 1, page_rows) == 2


def test_a_plan_can_be_read() -> None:
    plan = plan_sync(known(part(20, 1), part(None, 50, age=20 * HOUR, rows=3_000)))
    assert plan.reads == (
        "read what was created since 2026-03-13 12:00:00",
        "read what was created from 2026-01-23 12:00:00 until 2026-02-22 12:00:00",
        "read the batches that are draft, scheduled, running, paused, recurring, then look up those that no"
        " longer are",
        "read what was created from the beginning until 2026-01-23 12:00:00, pages: 1",
    )
    assert plan.reason == "23,000 batches are known, the oldest proof is of 2026-03-13 16:00:00"
    assert plan_sync(known()).reads == ("walk the whole list, newest to oldest",)


@pytest.mark.parametrize(
    ("stretch", "text"),
    [
        (Stretch(interval=between(None, None)), "from the beginning until now"),
        (
            Stretch(interval=between(30, None), status="paused"),
            "from 2026-02-12 12:00:00 until now and is paused",
        ),
        (Stretch(interval=Interval(after=None, upto=NEWEST - RESOLUTION)), "from the beginning until now"),
        (
            Stretch(interval=between(30, 20), status="paused", most_pages=2),
            "until 2026-02-22 12:00:00 and is paused, pages: 2",
        ),
    ],
)
def test_a_stretch_is_told_by_its_ends_its_status_and_its_size(stretch: Stretch, text: str) -> None:
    assert text in str(stretch)


@pytest.mark.parametrize(
    ("facts", "full", "reason"),
    [
        (known(), False, "nothing is known of the list yet"),
        (known(), True, "nothing is known of the list yet"),
        (known(part(None, 1)), True, "asked for"),
        (known(part(None, 1), missing=3), True, "asked for"),
        (
            known(part(None, 1), missing=1_234),
            False,
            "1,234 batches were gone in a run that failed: all is looked at again",
        ),
        (
            known(part(None, 1, rows=4_000)),
            False,
            "4,000 batches are 6 requests, reading parts would be no fewer",
        ),
        (
            known(part(90, 1), full_since=NOW - HOUR),
            False,
            "an earlier walk was cut off: what it proved is not read again",
        ),
        (
            known(part(None, 1, age=9 * HOUR), full_since=NOW - HOUR),
            True,
            "an earlier walk was cut off before it had proved anything",
        ),
        (
            known(part(None, 1)),
            False,
            "20,000 batches are known, the oldest proof is of 2026-03-14 11:00:00",
        ),
    ],
)
def test_a_plan_says_why_and_for_whom(facts: Known, full: bool, reason: str) -> None:
    plan = plan_sync(facts, full=full)
    assert (plan.reason, plan.account) == (reason, "acme")
