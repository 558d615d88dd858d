"""What a backfill has to read: a window, less what an earlier attempt at it has read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl.coverage import Covered
from etl.interval import NEWEST, RESOLUTION, Interval
from etl.jobs.backfill import Window, plan_backfill, steps_left
from etl.model import RunMode
from etl.plan import Stretch
from etl.state.runs import CutOff

from support.clocks import START as NOW

DAY = timedelta(days=1)
SINCE = NOW - 30 * DAY
UNTIL = NOW - 10 * DAY
WINDOW = Window(since=SINCE, until=UNTIL)
BEGAN = NOW - timedelta(minutes=5)


def window(*statuses: str) -> Window:
    return Window(since=SINCE, until=UNTIL, statuses=statuses)


def covered(after: int, upto: int, at: datetime) -> Covered:
    return Covered(Interval(after=NOW - after * DAY, upto=NOW - upto * DAY), at)


# -- the window -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "is_inside"),
    [(SINCE - RESOLUTION, False), (SINCE, True), (UNTIL - RESOLUTION, True), (UNTIL, False), (NEWEST, False)],
)
def test_a_window_holds_its_beginning_and_not_its_end(place: datetime, is_inside: bool) -> None:
    assert (place in WINDOW.interval) is is_inside


def test_a_window_without_an_end_holds_all_that_is_newer_and_has_a_time() -> None:
    interval = Window(since=SINCE).interval
    assert NOW + 1000 * DAY in interval
    assert NEWEST not in interval


def test_a_window_may_begin_with_the_calendar() -> None:
    beginning = datetime.min.replace(tzinfo=UTC)
    assert beginning + RESOLUTION in Window(since=beginning).interval


@pytest.mark.parametrize("until", [SINCE, SINCE - DAY])
def test_a_window_that_ends_before_it_begins_is_refused(until: datetime) -> None:
    with pytest.raises(ValueError, match="holds nothing: expected an end that is later than the beginning"):
        Window(since=SINCE, until=until)


@pytest.mark.parametrize(
    ("since", "until"), [(SINCE.replace(tzinfo=None), None), (SINCE, UNTIL.replace(tzinfo=None))]
)
def test_a_window_of_times_without_a_zone_is_refused(since: datetime, until: datetime | None) -> None:
    with pytest.raises(ValueError, match="needs times with a zone"):
        Window(since=since, until=until)


def test_the_same_window_has_the_same_name_however_its_statuses_are_listed() -> None:
    name = "2026-02-12T12:00:00+00:00 to 2026-03-04T12:00:00+00:00, failed, paused"
    assert str(window("paused", "failed")) == str(window("failed", "paused", "failed")) == name
    assert str(Window(since=SINCE)) == "2026-02-12T12:00:00+00:00 to now"


# -- what is left of it ---------------------------------------------------------------------------


def test_a_backfill_reads_its_window_whatever_was_proven_before() -> None:
    assert steps_left(WINDOW, None, [covered(300, 0, NOW)]) == (Stretch(interval=WINDOW.interval),)


def test_what_an_attempt_that_was_cut_off_has_proven_is_not_read_again() -> None:
    before = CutOff(BEGAN, {})
    coverage = [
        covered(12, 9, BEGAN),
        covered(18, 14, BEGAN + timedelta(minutes=1)),
        covered(40, 20, BEGAN - RESOLUTION),  # before the attempt
    ]
    assert steps_left(WINDOW, before, coverage) == (
        Stretch(interval=Interval(after=NOW - 14 * DAY, upto=NOW - 12 * DAY)),
        Stretch(interval=Interval(after=SINCE - RESOLUTION, upto=NOW - 18 * DAY)),
    )


def test_each_status_is_read_from_where_it_was_cut_off() -> None:
    whole = WINDOW.interval
    assert whole.after is not None
    before = CutOff(BEGAN, {"failed": whole.after, "paused": NOW - 15 * DAY})
    assert steps_left(window("failed", "paused", "draft", "paused"), before, [covered(300, 0, NOW)]) == (
        Stretch(interval=Interval(after=whole.after, upto=NOW - 15 * DAY), status="paused"),
        Stretch(interval=whole, status="draft"),
    )


def test_proofs_of_one_attempt_count_for_the_next() -> None:
    steps = steps_left(WINDOW, None, [])
    first = plan_backfill("acme", WINDOW, steps, now=NOW)
    assert (first.mode, first.full_since, first.window) == (RunMode.BACKFILL, NOW, str(WINDOW))
    second = plan_backfill("acme", WINDOW, steps, before=CutOff(BEGAN, {"failed": SINCE}), now=NOW)
    assert (second.full_since, second.reached) == (BEGAN, {"failed": SINCE})


def test_the_reads_of_a_backfill_can_be_read() -> None:
    plan = plan_backfill("acme", window("failed"), steps_left(window("failed"), None, ()), now=NOW)
    assert plan.reads == (
        "read what was created from 2026-02-12 12:00:00 until 2026-03-04 12:00:00 and is failed",
    )
    plan = plan_backfill("acme", WINDOW, steps_left(Window(since=SINCE), None, ()), now=NOW)
    assert plan.reads == ("read what was created from 2026-02-12 12:00:00 until now",)
