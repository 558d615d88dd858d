"""Pages that come right after each other are loaded in one transaction: all their rows are there, or none."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from sqlalchemy import Connection, event

from etl.sandbox import SandboxOptions, World

from support.databases import Database
from support.pipeline import Killed, OnPage, Pipeline

UNHURRIED = 0.03  # seconds from one load to the next, in which what was asked for arrives


class Commits:
    """What was committed of a run: how many pages each time."""

    def __init__(self) -> None:
        self.pages = [0]

    def note(self, pages: int) -> None:
        self.pages.append(pages)
        time.sleep(UNHURRIED)

    @property
    def sizes(self) -> list[int]:
        return [later - earlier for earlier, later in pairwise(self.pages)]


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """So many pages that from one of them on the next ones are fetched ahead."""
    return Pipeline(database, SandboxOptions(batches=1200, tie_groups=0), page_size=30)


def test_some_pages_are_committed_together_and_no_row_is_missing(pipeline: Pipeline) -> None:
    commits = Commits()
    assert pipeline.sync(full=False, progress=OnPage(commits.note)).complete
    assert 1 < max(commits.sizes) <= 4
    assert pipeline.differences() == []
    assert all(len(pipeline.history(batch_id)) == 1 for batch_id in list(pipeline.alive())[::40])


@pytest.mark.parametrize("pages", [1, 30])
def test_of_a_handful_that_is_not_committed_nothing_is_there(pipeline: Pipeline, pages: int) -> None:
    commits = Commits()

    def die(_connection: Connection) -> None:
        if commits.pages[-1] >= pages:
            raise Killed

    engine = pipeline.database.engine
    event.listen(engine, "commit", die)
    try:
        with pytest.raises(Killed):
            pipeline.sync(full=False, progress=OnPage(commits.note))
    finally:
        event.remove(engine, "commit", die)
    assert any(size > 1 for size in commits.sizes) or pages == 1
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
