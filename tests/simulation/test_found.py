"""Stories that the seeds told first: each broke a promise once.

They are told on purpose here, so that no change of what a seed means can lose them.

What is asserted is little, since the judge looks after every call and raises what it finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from etl.model import RunMode, RunSummary

from support.simulation.calls import Window
from support.simulation.habits import Habits
from support.simulation.moments import START
from support.simulation.process import Process, die
from support.simulation.program import Outcome
from support.simulation.site import Site
from support.simulation.stage import Stage, repeatable
from support.simulation.world import Batch

DAY = 86_400.0


@pytest.fixture(autouse=True)
def _repeatable() -> Iterator[None]:
    with repeatable(0):
        yield


def change(stage: Stage, batch: Batch, **fields: object) -> None:
    for name, value in fields.items():
        setattr(batch, name, value)
    stage.world.note(batch)


def is_complete(outcome: Outcome | None) -> bool:
    return isinstance(outcome, RunSummary) and outcome.complete


def oldest_first(stage: Stage) -> list[Batch]:
    return sorted(stage.world.listed, key=lambda batch: batch.place)


def test_a_walk_cut_off_long_ago_is_not_gone_on_with_as_if_nothing_had_changed(site: Site) -> None:
    stage = Stage(site, Habits.still(batches=40))
    proven = oldest_first(stage)[-9]
    change(stage, proven, status="running")
    stage.call("sync", fate={("request", 6): die})
    stage.moments.pass_time(DAY / 3)
    change(stage, proven, status="completed", completed_count=7)
    assert is_complete(stage.call("sync"))
    stage.settle()


def test_what_one_run_found_missing_is_known_to_the_next_however_that_ends(site: Site) -> None:
    stage = Stage(
        site, Habits.still(batches=30, settings={"delete_guard_rows": 0, "delete_guard_share": 0.0})
    )
    stage.call("full")
    change(stage, oldest_first(stage)[-3], is_listed=False)
    stage.moments.pass_time(60)
    stage.call("full")
    stage.moments.pass_time(DAY / 6)
    stage.call("full", fate={("request", 1): die})
    stage.settle()


@pytest.mark.parametrize("batches", [3, 14, 40])
def test_what_is_older_than_the_last_row_is_found_to_be_nothing(site: Site, batches: int) -> None:
    stage = Stage(site, Habits.still(batches=batches))
    stage.call("full")
    oldest = oldest_first(stage)[0].place
    for _ in range(2):
        stage.world.add(created_at=stage.world.now(), name="new")
    window = Window(oldest - timedelta(days=20), oldest - timedelta(days=10), ())
    assert is_complete(stage.call("backfill", window=window))


@pytest.mark.parametrize("batches", [0, 6])
def test_a_run_that_was_taken_over_does_not_succeed_though_it_has_nothing_left_to_load(
    site: Site, batches: int
) -> None:
    stage = Stage(site, Habits.still(batches=batches, settings={"page_size": 1000}))

    def take_over(process: Process) -> None:
        stage.world.add(created_at=stage.world.now(), name="of the other run")
        stage.intrude(process, "sync", "a0", takes_over=True)

    outcome = stage.call("sync", fate={("answer", 2): take_over})
    assert isinstance(outcome, RunSummary)
    assert (outcome.complete, outcome.exit_code) == (False, 5)
    stage.settle()


def test_batches_without_a_time_prove_nothing_about_those_to_come(site: Site) -> None:
    stage = Stage(site, Habits.still(batches=20))
    for _ in range(7):
        stage.world.add(created_at=None, name="undated")
    stage.call("full")
    stage.moments.pass_time(60)
    stage.world.add(created_at=stage.world.now(), name="new")
    assert is_complete(stage.call("sync"))
    stage.settle()


@pytest.mark.parametrize("until", [None, START + timedelta(days=30)])
def test_a_backfill_proves_nothing_about_those_to_come(site: Site, until: object) -> None:
    stage = Stage(site, Habits.still(batches=30))
    stage.call("full")
    stage.clock_errors["first"] = 3600.0
    stage.moments.pass_time(60)
    stage.call("backfill", window=Window(START - timedelta(days=9), until, ()))  # type: ignore[arg-type]
    stage.clock_errors["first"] = 0.0
    stage.moments.pass_time(60)
    stage.world.add(created_at=stage.world.now(), name="new")
    outcome = stage.call("sync")
    assert isinstance(outcome, RunSummary)
    assert (outcome.complete, outcome.inserted) == (True, 1)
    stage.settle()


def test_a_batch_that_goes_after_this_run_has_written_it_is_gone_all_the_same(site: Site) -> None:
    stage = Stage(site, Habits.still(batches=5, settings={"page_size": 8}))
    stage.call("sync", fate={("request", 2): die})
    newest = oldest_first(stage)[-3:]
    change(stage, newest[0], name="edited")
    stage.moments.pass_time(60)

    def remove_newest(_process: Process) -> None:
        for batch in newest:
            change(stage, batch, is_listed=False)

    stage.call("sync", fate={("request", 2): remove_newest})
    stage.settle()


def test_nothing_stays_set_aside_where_the_source_lists_nothing_any_more(site: Site) -> None:
    stage = Stage(site, Habits.still(batches=3))
    change(stage, oldest_first(stage)[1], fault="count is text")
    stage.call("full")
    for batch in stage.world.listed:
        change(stage, batch, is_listed=False)
    stage.settle()


@pytest.mark.parametrize("order", range(5))
def test_ties_above_the_last_group_do_not_hide_the_end(site: Site, order: int) -> None:
    stage = Stage(site, Habits.still(), seed=order)
    for created_at in [START - timedelta(days=9)] * 2 + [START - timedelta(days=1)] * 8:
        stage.world.add(created_at=created_at, name="tied")
    assert is_complete(stage.call("full"))


@pytest.mark.parametrize("newer", range(2, 6))
def test_a_group_as_wide_as_a_page_at_the_end_of_the_list_does_not_hide_it(site: Site, newer: int) -> None:
    """The row behind a page of it may be one that the page shows: ties come in another order each time."""
    stage = Stage(site, Habits.still(batches=0))
    for days in (9,) * 5 + tuple(range(newer, 0, -1)):
        stage.world.add(created_at=START - timedelta(days=days), name="tied or newer")
    assert is_complete(stage.call("full"))
    stage.settle()


def test_a_row_without_a_name_does_not_stay_set_aside_where_deletes_were_held_back(site: Site) -> None:
    stage = Stage(
        site, Habits.still(batches=60, settings={"delete_guard_rows": 0, "delete_guard_share": 0.0})
    )
    for batch in stage.world.listed:
        change(stage, batch, status="completed")
    spoilt, gone, *_ = oldest_first(stage)
    change(stage, spoilt, fault="id is missing")
    stage.call("full")
    change(stage, spoilt, fault=None)
    change(stage, gone, is_listed=False)
    assert not is_complete(stage.call("full"))
    outcome = stage.call("allow-deletes")
    assert isinstance(outcome, RunSummary)
    assert (outcome.mode, outcome.deleted) == (RunMode.FULL, 1)
    stage.check_settled()


@pytest.mark.parametrize(("place", "number"), [("request", 5), ("answer", 5), ("after commit", 15)])
def test_who_is_slow_to_send_or_to_be_answered_draws_on_the_quota_with_the_others(
    site: Site, place: str, number: int
) -> None:
    stage = Stage(site, Habits.still(batches=60, settings={"requests_per_minute": 5}))
    slow: list[Process] = []

    def stand_still(process: Process) -> None:
        slow.append(process)
        stage.intrude(process, "sync", "a0", takes_over=True)

    stage.call("full", fate={(place, number): stand_still})
    assert stage.source.most_within("a0", 60) == 5
    assert ("hang" in slow[0].befell) is (place != "after commit")  # no request outlasts its time-out
