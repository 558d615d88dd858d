from __future__ import annotations

from datetime import datetime

import pytest

from etl.load.deletes import find_missing
from etl.load.stored import Stored
from etl.proof import Proof, Row

from support.pages import at, between, row

OBSERVED_AT = at(100)
LONG_AGO = at(50)


def proof_of(words: str) -> Proof:
    return Proof(
        interval=between(1, 5), rows=tuple(row(word) for word in words.split()), observed_at=OBSERVED_AT
    )


def stored(of_id: str, *, changed_at: datetime = LONG_AGO, deleted_at: datetime | None = None) -> Stored:
    return Stored(of_id, 0, 0, 1, changed_at, deleted_at)


def test_what_the_table_has_alive_and_the_page_does_not_show_is_missing() -> None:
    assert find_missing(proof_of("d4 b2"), [stored("d4"), stored("c3"), stored("b2")]) == ["c3"]


def test_a_page_without_rows_shows_that_all_are_gone() -> None:
    assert find_missing(proof_of(""), [stored("d4"), stored("c3")]) == ["d4", "c3"]


def test_what_is_marked_deleted_is_not_missed_again() -> None:
    assert find_missing(proof_of("d4"), [stored("d4"), stored("c3", deleted_at=at(60))]) == []


@pytest.mark.parametrize(("changed_at", "missing"), [(at(99), ["c3"]), (OBSERVED_AT, ["c3"]), (at(101), [])])
def test_a_page_tells_nothing_of_what_was_seen_after_it(changed_at: datetime, missing: list[str]) -> None:
    assert find_missing(proof_of("d4"), [stored("d4"), stored("c3", changed_at=changed_at)]) == missing


def test_a_row_without_an_id_may_be_any_batch_so_that_none_is_missing() -> None:
    proof = proof_of("d4")
    nameless = Row(b"{}", 7, None, at(3))
    with_nameless = Proof(interval=proof.interval, rows=(*proof.rows, nameless), observed_at=OBSERVED_AT)
    assert find_missing(with_nameless, [stored("d4"), stored("c3")]) == []


def test_a_row_whose_place_cannot_be_told_is_shown_all_the_same() -> None:
    assert find_missing(proof_of("d4 c?"), [stored("d4"), stored("c?")]) == []
