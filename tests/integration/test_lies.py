"""A source that contradicts itself or what it promises: it is named, and the table is not corrupted by it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from etl.model import RunStatus
from etl.sandbox import Response, SandboxOptions
from etl.sandbox.faults import Fault

from support.databases import Database
from support.pipeline import Pipeline, changes

BATCHES = 40
OPTIONS = SandboxOptions(batches=BATCHES, tie_groups=0)
Rows = list[dict[str, Any]]


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, OPTIONS, page_size=10, fetch_ahead=1)


def rewritten(rewrite: Callable[[Rows], Rows]) -> Fault:
    """The true answer with other rows, or with the same ones in another order."""

    def fault(true: Response) -> Response:
        rows = json.loads(true.body)["batches"]
        return replace(true, body=json.dumps({"batches": rewrite(rows)}).encode())

    return fault


def lie(pipeline: Pipeline, rewrite: Callable[[Rows], Rows]) -> None:
    pipeline.sandbox.faults.script = lambda number, _: rewritten(rewrite)


def test_rows_that_stand_twice_in_a_page_are_taken_once_and_told(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    lie(pipeline, lambda rows: [row for row in rows for _ in range(2)])
    summary = pipeline.sync()
    assert caplog.text.count("rows stand twice in one page") == 1
    assert set(changes(summary)) <= {"inserted"}
    pipeline.sandbox.faults.clear()
    assert pipeline.sync().complete
    assert pipeline.differences() == []
    assert {row["version"] for id_ in pipeline.alive() for row in pipeline.history(id_)} == {1}


def test_the_first_of_two_rows_of_one_id_in_a_page_counts(pipeline: Pipeline) -> None:
    lie(pipeline, lambda rows: [*rows[:1], *({**row, "name": "a twin"} for row in rows[:1]), *rows[1:]])
    pipeline.sync()
    assert "a twin" not in {row["name"] for row in pipeline.alive().values()}


def test_a_created_at_that_changes_is_told_and_makes_neither_a_twin_nor_a_delete(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.sync()
    assert "source.contradicted" not in caplog.text
    listed = pipeline.truth.listed()
    for victim, move in ((listed[30], timedelta(days=400)), (listed[3], timedelta(days=-400))):
        assert victim.created_at is not None
        pipeline.truth.change(victim.id, created_at=victim.created_at + move)
    summary = pipeline.sync()
    assert (summary.status, changes(summary)) == (
        RunStatus.SUCCEEDED,
        {"updated": 2, "unchanged": BATCHES - 2},
    )
    assert pipeline.differences() == []
    assert caplog.text.count("the created_at of a batch changed") == 1
    assert changes(pipeline.sync()) == {"unchanged": BATCHES}
    assert caplog.text.count("source.contradicted") == 1


def test_a_batch_that_a_first_sync_meets_at_two_places_is_loaded_once(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    newest = pipeline.truth.listed()[0]
    assert newest.created_at is not None
    moved_to = newest.created_at - timedelta(days=400)

    def before(number: int, _: object) -> None:
        if number == 3:
            pipeline.truth.change(newest.id, created_at=moved_to)

    pipeline.sandbox.before = before
    summary = pipeline.sync()
    assert (summary.status, changes(summary)) == (
        RunStatus.SUCCEEDED,
        {"inserted": BATCHES, "updated": 1},
    )
    assert [row["version"] for row in pipeline.history(newest.id)] == [1, 2]
    assert pipeline.differences() == []
    assert caplog.text.count("the created_at of a batch changed") == 1


def test_a_batch_without_created_at_below_others_is_loaded_and_told(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    victim = pipeline.truth.listed()[-3]
    pipeline.sandbox.rows.corrupt(victim.id, {"created_at": None})
    summary = pipeline.sync()
    assert (summary.status, changes(summary)) == (RunStatus.SUCCEEDED, {"inserted": BATCHES})
    assert pipeline.row(victim.id)["created_at"] is None
    assert caplog.text.count("without created_at stands below others") == 1
    assert pipeline.sync().deleted == 0


def test_batches_of_another_user_are_told_and_the_account_s_own_are_not_deleted(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.sync()
    own = pipeline.alive()
    lie(pipeline, lambda rows: [{**row, "id": f"x{row['id']}", "user_id": "somebody else"} for row in rows])
    summary = pipeline.sync()
    assert summary.status is RunStatus.FAILED
    assert "are gone from the source" in str(summary.error)
    assert caplog.text.count("is it another account's key?") == 1
    assert "somebody else" not in caplog.text
    assert {id_: row for id_, row in pipeline.alive().items() if id_ in own} == own


def test_pages_out_of_order_are_named_and_load_nothing_wrong(pipeline: Pipeline) -> None:
    lie(pipeline, lambda rows: rows[::-1])
    summary = pipeline.sync()
    assert summary.status is RunStatus.INCOMPLETE
    assert "is not ordered by a readable created_at" in str(summary.error)
    pipeline.sandbox.faults.clear()
    assert pipeline.sync().complete
    assert pipeline.differences() == []


def test_a_cap_that_changes_from_page_to_page_costs_requests_and_no_row(pipeline: Pipeline) -> None:
    def clamped(number: int, _: object) -> None:
        pipeline.sandbox.cap = 4 + number * 7 % 6

    pipeline.sandbox.before = clamped
    summary = pipeline.sync()
    assert (summary.status, summary.inserted) == (RunStatus.SUCCEEDED, BATCHES)
    assert pipeline.differences() == []


def test_a_source_that_gives_the_same_page_at_every_offset_is_named(pipeline: Pipeline) -> None:
    first: list[Response] = []

    def same(true: Response) -> Response:
        first.append(true)
        return first[0]

    pipeline.sandbox.faults.script = lambda number, _: same
    summary = pipeline.sync()
    assert summary.status is RunStatus.INCOMPLETE
    assert summary.requests < 200
    assert "pages in a row added nothing" in str(summary.error)
    assert (summary.inserted, summary.deleted) == (len(pipeline.alive()), 0)


def test_a_list_that_never_ends_is_named(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, page_size=10, fetch_ahead=1, max_pages=12)
    oldest = pipeline.truth.listed()[-1]
    assert oldest.created_at is not None
    begin = oldest.created_at

    pages = count()

    def invented(true: Response) -> Response:
        first = next(pages) * 8
        rows = [
            {"id": f"i{at}", "status": "draft", "created_at": (begin - timedelta(hours=at)).isoformat()}
            for at in range(first, first + 10)
        ]
        return replace(true, body=json.dumps({"batches": rows}).encode())

    pipeline.sandbox.faults.script = lambda number, _: invented
    summary = pipeline.sync()
    assert (summary.status, summary.deleted) == (RunStatus.INCOMPLETE, 0)
    assert "the list does not end" in str(summary.error)


@pytest.mark.parametrize("chance", range(4))
def test_answers_that_a_proxy_hands_to_other_requests_cost_no_row_for_good(
    database: Database, chance: int
) -> None:
    """Nothing in an answer says what was asked for: what it hides looks gone until it is seen again."""
    pipeline = Pipeline(database, OPTIONS, page_size=10, fetch_ahead=1, delete_guard_share=1.0)
    pipeline.sync()
    known = pipeline.alive().keys()
    rng, answers = random.Random(chance), [b""]

    def handed_on(true: Response) -> Response:
        answers.append(true.body)
        return replace(true, body=answers[-2]) if answers[-2] and rng.random() < 0.5 else true

    pipeline.sandbox.faults.script = lambda number, _: handed_on
    for _ in range(3):
        pipeline.sync()
    pipeline.sandbox.faults.clear()
    for _ in range(2):
        assert pipeline.sync().complete
    assert pipeline.alive().keys() == known
    assert pipeline.differences() == []
    changes_of = {tuple(row["change"] for row in pipeline.history(batch_id)) for batch_id in known}
    assert changes_of <= {("inserted",), *(("inserted", *("deleted", "revived") * n) for n in range(1, 4))}
