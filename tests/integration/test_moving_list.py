"""A list that changes while it is read: what was there throughout is in the table and not deleted."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from etl.model import RunStatus
from etl.sandbox import Batch, SandboxOptions, World

from support.databases import Database
from support.pipeline import Pipeline, changes
from support.truth import differences, expected_rows

Move = Callable[[World, random.Random], object]

OPTIONS = SandboxOptions(batches=600, tie_groups=20, tie_size=4, cap=100)


def create(world: World, rng: random.Random) -> None:
    world["default"].create()


def delete(world: World, rng: random.Random) -> None:
    account = world["default"]
    account.delete(rng.choice(account.listed()).id)


def delete_newest(world: World, rng: random.Random) -> None:
    account = world["default"]
    account.delete(account.listed()[0].id)


def change(world: World, rng: random.Random) -> None:
    account = world["default"]
    account.progress(rng.choice(account.listed()).id, completed=1)


def moves(*all_of_them: Move, every: int = 2) -> Callable[[int, World], None]:
    """Before every second answer, all of these happen."""
    rng = random.Random(20260314)

    def before(number: int, world: World) -> None:
        if number % every == 0:
            for move in all_of_them:
                move(world, rng)

    return before


def assert_stayed(pipeline: Pipeline, there_before: list[Batch]) -> None:
    """Every batch that was there throughout is in the table, alive, as it is or was; nothing is made up."""
    stayed = {batch.id for batch in there_before} & {batch.id for batch in pipeline.truth.listed()}
    table = pipeline.alive()
    assert stayed - table.keys() == set()
    untouched = [batch for batch in there_before if pipeline.truth.get(batch.id) is batch]
    assert len(untouched) > 500
    assert differences({b.id: table[b.id] for b in untouched}, expected_rows(untouched)) == []


@pytest.mark.parametrize(
    ("all_moves", "fetch_ahead"),
    [
        ((create,), 1),
        ((create, create, create), 1),
        ((create, create), 8),
        ((create, delete), 1),
        ((create, delete), 8),
        ((delete, delete_newest), 1),
        ((create, delete, change), 8),
    ],
    ids=lambda given: str(given) if isinstance(given, int) else "-".join(move.__name__ for move in given),
)
def test_no_batch_that_stayed_is_missed_or_marked_deleted(
    database: Database, all_moves: tuple[Move, ...], fetch_ahead: int
) -> None:
    pipeline = Pipeline(database, OPTIONS, fetch_ahead=fetch_ahead)
    there_before = pipeline.truth.listed()
    for _ in range(2):
        pipeline.sandbox.before = moves(*all_moves)
        summary = pipeline.sync()
        assert (summary.status, summary.complete) == (RunStatus.SUCCEEDED, True)
        assert_stayed(pipeline, there_before)
    pipeline.sandbox.before = None
    assert pipeline.sync().complete
    assert pipeline.differences() == []


def test_a_block_that_goes_from_above_in_mid_walk_costs_no_row(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, delete_guard_share=0.9)
    pipeline.sync()
    newest = pipeline.truth.listed()[:250]
    beginning = pipeline.sandbox.requests

    def before(number: int, world: World) -> None:
        if number == beginning + 5:
            for batch in newest:
                world["default"].delete(batch.id)

    pipeline.sandbox.before = before
    there_before = pipeline.truth.listed()
    assert pipeline.sync().complete
    assert set(pipeline.alive()) >= {batch.id for batch in there_before[250:]}
    assert pipeline.sync().complete
    assert pipeline.differences() == []


@pytest.mark.parametrize("cap", [7, 50, 333])
def test_a_list_is_walked_whole_whatever_the_servers_cap(database: Database, cap: int) -> None:
    batches = min(700, 12 * cap)
    pipeline = Pipeline(database, SandboxOptions(batches=batches, tie_groups=8, tie_size=3, cap=cap))
    assert changes(pipeline.sync()) == {"inserted": batches}
    assert pipeline.differences() == []
    assert changes(pipeline.sync()) == {"unchanged": batches}


@pytest.mark.parametrize("cap", [1, 2])
def test_a_cap_that_leaves_no_room_for_a_proof_is_told(database: Database, cap: int) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=9, tie_groups=0, cap=cap))
    summary = pipeline.sync()
    assert (summary.status, summary.complete, summary.exit_code) == (RunStatus.INCOMPLETE, False, 1)


@pytest.mark.parametrize("caps", [(100, 40), (40, 100), (100, 13, 70, 9)], ids=str)
@pytest.mark.parametrize("is_known", [False, True], ids=["first-sync", "second-sync"])
def test_a_cap_that_changes_in_mid_walk_loses_nothing(
    database: Database, caps: tuple[int, ...], is_known: bool
) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=250, tie_groups=8, tie_size=3))
    if is_known:
        pipeline.sync()

    def before(number: int, world: World) -> None:
        pipeline.sandbox.cap = caps[number // 3 % len(caps)]

    pipeline.sandbox.before = before
    summary = pipeline.sync()
    assert (summary.status, summary.deleted) == (RunStatus.SUCCEEDED, 0)
    assert pipeline.differences() == []


def test_a_batch_that_is_created_in_mid_walk_is_there_after_the_next_sync(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60), page_size=20)
    pipeline.sandbox.before = lambda number, world: world["default"].create() if number == 3 else None
    assert pipeline.sync().complete
    assert changes(pipeline.sync()) == {"inserted": 1, "unchanged": 60}
    assert pipeline.differences() == []


def test_a_list_that_grows_faster_than_it_is_read_is_told(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60), page_size=10)

    def before(number: int, world: World) -> None:
        for _ in range(12):
            world["default"].create()

    pipeline.sandbox.before = before
    summary = pipeline.sync()
    assert (summary.status, summary.exit_code) == (RunStatus.INCOMPLETE, 1)
    assert summary.error
    pipeline.sandbox.before = None
    pipeline.settings = replace(pipeline.settings, page_size=1000)
    assert pipeline.sync().complete
    assert pipeline.differences() == []
