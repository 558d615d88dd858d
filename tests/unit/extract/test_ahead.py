from __future__ import annotations

import threading
from collections.abc import Iterable
from random import Random

import pytest

from etl.clock import SystemClock
from etl.errors import PermanentSourceError, StoppedError
from etl.extract.ahead import Fetch, follow, serves, worthwhile
from etl.extract.page import Page
from etl.extract.walk import UNKNOWN, Read, Walk
from etl.proof import Proof

from support.clocks import FakeClock
from support.moving_list import Habits, MovingList
from support.pages import at, page, words


class Shelf:
    """A source that stands still, counts, and can be asked by several threads."""

    def __init__(self, rows: int, *, cap: int = 1000, tied: int = 1) -> None:
        self._list = MovingList(Habits(rows=rows, cap=cap, tied=tied), Random(5))
        self._lock = threading.Lock()
        self.reads: list[Read] = []
        self.rows = len(self._list.stayed)

    def fetch(self, read: Read) -> Page:
        with self._lock:
            self.reads.append(read)
            return self._list.answer(read)


def ids(proofs: Iterable[Proof | None]) -> list[str | None]:
    return [row.id for proof in proofs if proof is not None for row in proof.rows]


def walk_over(shelf: Shelf, *, most_at_once: int = 8, known: bool = True) -> Walk:
    """Walk the list to its end; every row is to be there, once."""
    walk = Walk(limit=1000, expected_rows=shelf.rows if known else UNKNOWN)
    expected = shelf.rows if known else 0
    clock = FakeClock()
    found = ids(follow(walk, shelf.fetch, clock=clock, most_at_once=most_at_once, expected_rows=expected))
    assert len(found) == len(set(found)) == shelf.rows
    assert walk.complete
    return walk


@pytest.mark.parametrize("most_at_once", [1, 2, 8, 64])
@pytest.mark.parametrize(("rows", "cap", "tied"), [(0, 1000, 1), (1, 1000, 1), (300, 50, 1), (300, 50, 9)])
def test_every_row_comes_once_however_many_pages_are_fetched_ahead(
    rows: int, cap: int, tied: int, most_at_once: int
) -> None:
    walk_over(Shelf(rows, cap=cap, tied=tied), most_at_once=most_at_once)


def test_rows_come_newest_first_however_the_pages_arrive() -> None:
    shelf = Shelf(500, cap=50)
    walk = Walk(limit=1000, expected_rows=500)
    first_pages = threading.Event()

    def fetch(read: Read) -> Page:
        if len(shelf.reads) == 2:  # the second page waits until those behind it are there
            shelf.reads.append(read)
            first_pages.wait(60)
        found = shelf.fetch(read)
        if len(shelf.reads) > 5:
            first_pages.set()
        return found

    found = ids(follow(walk, fetch, clock=FakeClock(), most_at_once=8, expected_rows=500))
    assert found == [str(number) for number in range(500, 0, -1)]


@pytest.mark.parametrize("most_at_once", [1, 8])
def test_fetching_ahead_costs_no_request_more_while_the_list_stands_still(most_at_once: int) -> None:
    for rows, cap, requests in [
        (5000, 250, 22),
        (2500, 50, 55),
        (2500, 333, 9),
        (2500, 1000, 4),
        (500, 1000, 2),
    ]:
        shelf = Shelf(rows, cap=cap)
        walk_over(shelf, most_at_once=most_at_once)
        assert len(shelf.reads) == requests, (rows, cap)


def test_wide_groups_cost_no_more_than_one_round_of_guesses_for_every_few_pages() -> None:
    alone, ahead = Shelf(5000, cap=250, tied=30), Shelf(5000, cap=250, tied=30)
    walk_over(alone, most_at_once=1)
    walk_over(ahead, most_at_once=8)
    assert len(alone.reads) == 23
    assert len(ahead.reads) <= 23 + 7 + 2


def test_guesses_have_to_be_earned_where_it_is_not_known_how_far_the_list_goes() -> None:
    shelf = Shelf(2500, cap=50)
    walk = walk_over(shelf, known=False)
    assert walk.pages <= len(shelf.reads) <= walk.pages + 8


def test_no_more_pages_are_asked_for_at_once_than_is_allowed() -> None:
    shelf = Shelf(2000, cap=50)
    most = 3
    at_once: list[int] = []
    under_way: set[Read] = set()
    lock = threading.Lock()

    def fetch(read: Read) -> Page:
        with lock:
            under_way.add(read)
            at_once.append(len(under_way))
        found = shelf.fetch(read)
        with lock:
            under_way.discard(read)
        return found

    walk = Walk(limit=1000, expected_rows=2000)
    assert len(ids(follow(walk, fetch, clock=FakeClock(), most_at_once=most, expected_rows=2000))) == 2000
    assert max(at_once) <= most


def test_with_one_request_at_a_time_nothing_is_fetched_ahead() -> None:
    shelf = Shelf(500, cap=50)
    walk = walk_over(shelf, most_at_once=1)
    assert len(shelf.reads) == walk.pages


def test_a_page_that_is_there_already_is_not_asked_for_again() -> None:
    shelf = Shelf(500, cap=1000)
    walk = Walk(limit=1000, expected_rows=500)
    first = shelf.fetch(Read(offset=0, limit=1000))
    proofs = follow(walk, shelf.fetch, clock=FakeClock(), most_at_once=8, first=first)
    assert len(ids(proofs)) == 500
    assert [read.offset for read in shelf.reads] == [0, 498]


def test_a_page_that_cannot_be_had_ends_the_walk_and_what_was_proven_stays() -> None:
    shelf = Shelf(500, cap=50)

    def fetch(read: Read) -> Page:
        if read.offset > 200:
            raise PermanentSourceError("refused")
        return shelf.fetch(read)

    walk = Walk(limit=1000, expected_rows=500)
    proven: list[str | None] = []
    with pytest.raises(PermanentSourceError, match="refused"):
        for proof in follow(walk, fetch, clock=FakeClock(), most_at_once=8, expected_rows=500):
            proven += ids([proof])
    assert proven == [str(number) for number in range(500, 500 - len(proven), -1)]
    assert len(proven) > 200
    assert not walk.complete


def test_a_guess_that_fails_in_vain_does_no_harm() -> None:
    shelf = Shelf(500, cap=50)

    def fetch(read: Read) -> Page:
        if read.offset > 500:
            raise PermanentSourceError("nothing is there")
        return shelf.fetch(read)

    walk = Walk(limit=1000, expected_rows=500)
    assert len(ids(follow(walk, fetch, clock=FakeClock(), most_at_once=64, expected_rows=900))) == 500


@pytest.mark.parametrize("most_at_once", [1, 8])
def test_a_walk_stops_between_two_pages_when_the_process_is_asked_to(most_at_once: int) -> None:
    shelf = Shelf(500, cap=50)
    clock = FakeClock()
    proofs = follow(Walk(limit=1000), shelf.fetch, clock=clock, most_at_once=most_at_once)
    next(proofs)
    clock.stopped = True
    with pytest.raises(StoppedError):
        next(proofs)


def test_a_walk_that_waits_for_a_page_stops_when_the_process_is_asked_to() -> None:
    clock = SystemClock()
    asked, never = threading.Event(), threading.Event()

    def fetch(read: Read) -> Page:
        asked.set()
        never.wait(60)
        return page()

    def stop() -> None:
        asked.wait(60)
        clock.stop.set()

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(StoppedError):
        list(follow(Walk(limit=1000), fetch, clock=clock, most_at_once=1))
    never.set()


def test_while_a_page_is_waited_for_that_is_told() -> None:
    comes = threading.Event()

    def fetch(read: Read) -> Page:
        comes.wait(60)
        return page("b2 a1")

    told = follow(Walk(limit=1000), fetch, clock=FakeClock(), most_at_once=1)
    assert next(told) is None
    comes.set()
    assert words(next(proof for proof in told if proof is not None)) == "b2"


@pytest.mark.parametrize(("most_at_once", "asked"), [(1, 1), (2, 2)])
def test_the_next_page_is_on_its_way_while_use_is_made_of_a_proof(most_at_once: int, asked: int) -> None:
    """Unless only one thing may be done at a time."""
    shelf = Shelf(500, cap=50)
    second = threading.Event()

    def fetch(read: Read) -> Page:
        found = shelf.fetch(read)
        if read.offset > 0:
            second.set()
        return found

    proofs = follow(Walk(limit=1000), fetch, clock=FakeClock(), most_at_once=most_at_once)
    next(proof for proof in proofs if proof is not None)
    assert second.wait(60 if asked == 2 else 0) is (asked == 2)
    assert len(shelf.reads) == asked


@pytest.mark.parametrize("most_at_once", [1, 8])
def test_a_walk_over_so_many_pages_asks_for_none_more(most_at_once: int) -> None:
    shelf = Shelf(500, cap=50)
    proofs = follow(Walk(limit=1000), shelf.fetch, clock=FakeClock(), most_at_once=most_at_once, most_pages=3)
    assert len([proof for proof in proofs if proof is not None]) == len(shelf.reads) == 3


# -- which guesses are worth a request ----------------------------------------------------------------


def walk_after(pages: int, fetch: Fetch) -> Walk:
    walk = Walk(limit=1000, expected_rows=UNKNOWN)
    for _ in range(pages):
        assert walk.read is not None
        walk.receive(fetch(walk.read))
    return walk


@pytest.fixture
def long_list() -> Shelf:
    return Shelf(5000, cap=50)


def test_guesses_among_the_rows_that_are_known_are_worth_a_request(long_list: Shelf) -> None:
    walk = walk_after(2, long_list.fetch)
    assert walk.read == Read(offset=95, limit=1000)
    assert [read.offset for read in worthwhile(walk, 8, 300)] == [142, 189, 236, 283]
    assert [read.offset for read in worthwhile(walk, 2, 300)] == [142, 189]


@pytest.mark.parametrize(("pages", "earned"), [(1, 0), (11, 0), (12, 1), (24, 2), (60, 5)])
def test_every_few_pages_earn_a_guess_beyond_them(long_list: Shelf, pages: int, earned: int) -> None:
    assert len(worthwhile(walk_after(pages, long_list.fetch), 8, 0)) == earned


def test_no_guess_beyond_the_known_rows_is_risked_before_the_walk_is_there(long_list: Shelf) -> None:
    walk = walk_after(24, long_list.fetch)
    assert all(read.offset < 1200 for read in worthwhile(walk, 8, 1200))


@pytest.mark.parametrize(("pages", "earned"), [(1, 0), (2, 1), (23, 1), (24, 8)])
def test_where_it_costs_little_one_guess_is_earned_at_once_and_all_soon(
    long_list: Shelf, pages: int, earned: int
) -> None:
    assert len(worthwhile(walk_after(pages, long_list.fetch), 8, UNKNOWN)) == earned


def test_after_a_wrong_guess_all_have_to_be_earned(long_list: Shelf) -> None:
    walk = walk_after(24, long_list.fetch)
    assert len(worthwhile(walk, 8, 5000)) == 8
    assert worthwhile(walk, 8, 5000, wrong_at=20) == []
    assert len(worthwhile(walk, 8, 5000, wrong_at=12)) == 1


@pytest.mark.parametrize(
    ("offset", "is_good"), [(191, True), (190, True), (183, True), (182, False), (192, False)]
)
def test_a_page_fetched_ahead_serves_when_it_begins_where_it_should_or_a_little_above(
    offset: int, is_good: bool
) -> None:
    walk = Walk(limit=200, capacity=200)
    assert serves(Read(offset=offset, limit=200), Read(offset=191, limit=200), walk) is is_good


@pytest.mark.parametrize("early", [Read(offset=9, limit=100), Read(offset=9, limit=200, status="paused")])
def test_a_page_of_another_limit_or_list_never_serves(early: Read) -> None:
    assert not serves(early, Read(offset=9, limit=200), Walk(limit=200, capacity=200))


def test_the_end_is_told_by_pages_that_were_asked_for_when_the_walk_was_there() -> None:
    asked: list[int] = []
    answers = {0: "b2 a1", 2: ""}

    def fetch(read: Read) -> Page:
        asked.append(read.offset)
        return page(answers[read.offset], offset=read.offset, observed_at=at(len(asked)))

    walk = Walk(limit=1000, expected_rows=UNKNOWN)
    proofs = list(follow(walk, fetch, clock=FakeClock(), most_at_once=8, expected_rows=UNKNOWN))
    proven = [proof for proof in proofs if proof is not None]
    assert [words(proof) for proof in proven] == ["b2", "a1"]
    assert asked == [0, 2, 2, 0]
    assert proven[-1].observed_at == at(2)
