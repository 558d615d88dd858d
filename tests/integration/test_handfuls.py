"""Pages that come right after each other are loaded in one transaction: all their rows are there, or none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import Connection, event

from etl.sandbox import SandboxOptions, World

from support.databases import Database
from support.pipeline import Killed, OnPage, Pipeline

AT_ONCE = 0.001  # seconds an answer takes


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """400 batches in pages of 20, which come so quickly that some are in hand together."""
    options = SandboxOptions(batches=400, tie_groups=20, tie_size=3, latency_seconds=AT_ONCE)
    return Pipeline(database, options, page_size=20)


def test_some_pages_are_committed_together_and_no_row_is_missing(pipeline: Pipeline) -> None:
    committed = [0]
    assert pipeline.sync(full=False, progress=OnPage(committed.append)).complete
    assert 1 < max(later - earlier for earlier, later in pairwise(committed)) <= 4
    assert pipeline.differences() == []
    assert all(len(pipeline.history(batch_id)) == 1 for batch_id in list(pipeline.alive())[::40])


@pytest.mark.parametrize("commits", [1, 2, 4])
def test_of_a_handful_that_is_not_committed_nothing_is_there(pipeline: Pipeline, commits: int) -> None:
    committed = [0]

    def die(_connection: Connection) -> None:
        if len(committed) > commits:
            raise Killed

    engine = pipeline.database.engine
    event.listen(engine, "commit", die)
    try:
        with pytest.raises(Killed):
            pipeline.sync(full=False, progress=OnPage(committed.append))
    finally:
        event.remove(engine, "commit", die)
    proven = [covered.interval for covered in pipeline.coverage()]
    assert proven
    assert pipeline.alive().keys() == {
        batch.id
        for batch in pipeline.truth.listed()
        if batch.created_at is not None and any(batch.created_at in interval for interval in proven)
    }
    second = pipeline.sync(full=False)
    assert second.complete
    assert pipeline.differences() == []


def test_a_list_that_moves_under_a_handful_loses_no_row_and_deletes_none(pipeline: Pipeline) -> None:
    assert pipeline.sync().complete

    def move(number: int, world: World) -> None:
        account = world["default"]
        if number % 3 == 0:
            account.create()
            account.delete(account.listed()[7 * number % 300].id)

    pipeline.sandbox.before = move
    for _ in range(3):
        pipeline.sync()
    pipeline.sandbox.before = None
    pipeline.clock.pass_time(7_200)  # nothing is gone on with by then
    assert pipeline.sync().complete
    assert pipeline.differences() == []
    assert pipeline.alive().keys() == {batch.id for batch in pipeline.truth.listed()}
