"""Any place of any list is found, in few requests, also while the list moves."""

from __future__ import annotations

from math import log2
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from etl.extract.page import Page
from etl.extract.search import MOST_PROBES, Search
from etl.extract.walk import UNKNOWN, Read, Walk
from etl.interval import NEWEST, RESOLUTION
from etl.proof import Row

from support.pages import BEGIN, at

seeds = st.integers(0, 2**32)
caps = st.sampled_from([5, 7, 20, 100])


class Crowd:
    """A list with as many rows as are asked for, in dense and thin stretches of time, some of them tied."""

    def __init__(self, random: Random, rows: int, cap: int, *, undated: int = 0, moves: bool = False) -> None:
        self.requests = 0
        self._random = random
        self._cap = cap
        self._moves = moves
        thinning = random.choice((1, 1, 4))
        seconds = sorted((int(random.random() ** thinning * 20 * rows) for _ in range(rows)), reverse=True)
        places = [NEWEST] * undated + [at(second) for second in seconds]
        self.rows = [Row(b"", number, str(number), place) for number, place in enumerate(places)]

    def answer(self, read: Read) -> Page:
        assert read.offset >= 0
        self.requests += 1
        if self._moves:
            self._move()
        shown = tuple(self.rows[read.offset :][: min(self._cap, read.limit)])
        return Page(offset=read.offset, limit=read.limit, length=len(shown), observed_at=BEGIN, rows=shown)

    def _move(self) -> None:
        for _ in range(self._random.randint(0, 3)):
            if self.rows and self._random.random() < 0.5:
                del self.rows[self._random.randrange(len(self.rows))]
            else:
                number = 10**6 + self.requests * 10 + len(self.rows) % 10
                self.rows.insert(0, Row(b"", number, str(number), at(10**6 + self.requests)))


def find(search: Search, crowd: Crowd) -> Page:
    while (read := search.read) is not None:
        search.receive(crowd.answer(read))
    assert search.found is not None, search.stopped
    return search.found


@given(seeds, st.integers(1, 3000), caps, st.sampled_from([None, "right", "wrong"]), st.integers(0, 30))
@example(seed=42409, rows=17, cap=5, kind_of_guess="wrong", undated=19)  # below the last row; the end is near
@example(seed=548300, rows=9, cap=5, kind_of_guess=None, undated=9)  # the dearest of 40,000
def test_any_place_is_found_in_few_requests(
    seed: int, rows: int, cap: int, kind_of_guess: str | None, undated: int
) -> None:
    random = Random(seed)
    crowd = Crowd(random, rows, cap, undated=min(undated, rows))
    target = at(random.randrange(-5, 20 * rows + 5))
    newer = sum(row.place is not None and row.place > target for row in crowd.rows)
    guess = {None: None, "right": newer, "wrong": random.randrange(2 * rows)}[kind_of_guess]
    page = find(Search(target, limit=1000, guess=guess), crowd)
    assert page.offset == 0 or page.places[0] > target
    assert page.places[-1] <= target or page.end == len(crowd.rows)
    assert crowd.requests <= 12 + 2 * log2(1 + (rows + undated) / cap)


@given(seeds, st.integers(1, 1000), caps)
def test_a_right_guess_is_found_at_once_where_pages_are_as_long_as_is_asked(
    seed: int, rows: int, limit: int
) -> None:
    random = Random(seed)
    crowd = Crowd(random, rows, limit)
    target = random.choice(crowd.rows).place
    assert target is not None
    tied = sum(row.place == target for row in crowd.rows)
    newer = sum(row.place is not None and row.place > target for row in crowd.rows)
    page = find(Search(target, limit=limit, guess=newer), crowd)
    if tied < limit // 2:
        assert crowd.requests == 1
    assert page.places[-1] <= target


@given(seeds, st.integers(1, 1000), caps)
def test_a_walk_from_what_was_found_proves_a_window_of_a_list_that_moves(
    seed: int, rows: int, cap: int
) -> None:
    random = Random(seed)
    crowd = Crowd(random, rows, cap, moves=True)
    since, until = sorted(random.sample(range(-1, 20 * rows + 5), 2))
    stayed = {row.id for row in crowd.rows if row.place is not None and at(since) <= row.place < at(until)}
    search = Search(at(until) - RESOLUTION, limit=1000)
    while (read := search.read) is not None:
        search.receive(crowd.answer(read))
    if search.found is None:
        assert crowd.requests > MOST_PROBES
        return
    walk = Walk(
        limit=1000,
        start=search.found.offset,
        begin_above=at(until) - RESOLUTION,
        until=at(since) - RESOLUTION,
        expected_rows=UNKNOWN,
    )
    proofs = [walk.receive(search.found)]
    while (read := walk.read) is not None:
        proofs.append(walk.receive(crowd.answer(read)))
    shown = {row.id for proof in proofs if proof for row in proof.rows}
    stayed &= {row.id for row in crowd.rows}
    assert walk.stopped or stayed <= shown


def test_a_window_in_the_middle_of_a_long_list_is_found_in_a_few_requests() -> None:
    for seed in range(20):
        crowd = Crowd(Random(seed), 12_000, 1000)
        find(Search(crowd.rows[6000].place or BEGIN, limit=1000), crowd)
        assert crowd.requests <= 6
