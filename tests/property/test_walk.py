"""The rules of the walk over lists that move while they are walked.

What is drawn is harsher than any real source: a move or three at every request, and caps of a few rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random

import pytest

from etl.extract.page import Page
from etl.extract.walk import UNKNOWN, Walk, _Phase
from etl.interval import NEWEST
from etl.plan import cost_of_walk
from etl.proof import Proof

from support.moving_list import Habits, MovingList, Verdict, judge_walk, place_of

WALKS_A_SEED = 60  # 20 seeds unless more are ordered with --seeds

Draw = Callable[[Random], Habits]


def restless(random: Random) -> Habits:
    """Everything moves, ties and is clamped; a page holds more rows than any group."""
    return Habits(
        rows=random.choice([0, 1, 2, 3, 5, 8, 20, 60, random.randint(0, 300)]),
        tied=random.choice([1, 1, 2, 4, 8]),
        undated=random.choice([0, 0, 0, 0.1]),
        cap=random.choice([10, 20, 50, 100, 1000]),
        caps=(10, 20, 50, 100, 1000, random.randint(10, 40)),
        clamp=random.choice([0, 0, 0, 0.02, 0.1]),
        moves=random.choice([0, 1, 1, 3]),
        insert=random.choice([0, 0.1, 0.5, 1]),
        delete=random.choice([0, 0.1, 0.5, 1]),
        false_empty=random.choice([0, 0, 0.05]),
    )


def cramped(random: Random) -> Habits:
    """Pages of a few rows, so that groups fill them and are wider than the cap.

    About one walk in 60,000 is fooled here, and must be: a group that fills its page to the last row looks
    like one that goes on behind it, when a delete and an insert cancel out between two requests and the ties
    come in an order that hides the same row twice.
    """
    return Habits(
        rows=random.randint(0, 40),
        tied=random.choice([1, 2, 4, 8]),
        cap=random.choice([3, 5, 7]),
        moves=random.choice([0, 1]),
        insert=random.choice([0, 0.1, 0.5]),
        delete=random.choice([0, 0.1, 0.5]),
        false_empty=random.choice([0, 0.05]),
    )


def fickle(random: Random) -> Habits:
    """The cap changes at every answer, or sinks or rises step by step; lists are short: it matters."""
    in_turn = random.random() < 0.4
    caps: Sequence[int] = random.choice([range(1, 8), range(3, 8), (7, 50, 333, 1000)])
    if in_turn:
        steps = random.choices([1, 2, 3, 4, 5, 7, 10, 15, 25, 50, 100, 1000], k=3)
        caps = sorted(steps, reverse=random.random() < 0.5)
    return Habits(
        rows=random.choice([0, 1, 2, 3, 5, 8, 13, 20, 30, random.randint(0, 100)]),
        tied=random.choice([1, 1, 2, 4, 8]),
        undated=random.choice([0, 0, 0, 0.1]),
        cap=caps[0] if in_turn else random.choice(caps),
        caps=tuple(caps),
        clamp=random.choice([0.1, 0.3]) if in_turn else random.choice([0.3, 1, 1]),
        in_turn=in_turn,
        moves=random.choice([0, 1, 2, 3]),
        insert=random.choice([0, 0.1, 0.5, 1]),
        delete=random.choice([0, 0.1, 0.5, 1]),
        false_empty=random.choice([0, 0, 0.05, 0.2]),
    )


def quiet(random: Random) -> Habits:
    """As a busy account is: something happens at every tenth request."""
    return Habits(
        rows=random.choice([1, 2, 3, 10, 50, random.randint(0, 600)]),
        tied=random.choice([1, 2, 4, 8]),
        cap=random.choice([50, 100, 333, 1000]),
        moves=1,
        insert=0.1,
        delete=random.choice([0, 0.03]),
        false_empty=random.choice([0, 0.01]),
    )


def verdict_on(draw: Draw, seed: int, walk_class: type[Walk] = Walk) -> Verdict:
    """One walk over one list, all of it following from the seed."""
    random = Random(seed)
    source = MovingList(draw(random), random)
    walk = walk_class(
        limit=random.choice([10, 50, 1000]),
        until=any_place(source, random) if random.random() < 0.1 else None,
        expected_rows=random.choice([len(source.stayed), UNKNOWN]),
    )
    return judge_walk(walk, source, random, most_ahead=random.choice([0, 0, 1, 3]))


def verdict_on_stretch(draw: Draw, seed: int) -> Verdict:
    """One walk that begins in the middle, about where a search would have found the place."""
    random = Random(seed)
    source = MovingList(draw(random), random)
    begin_above = any_place(source, random)
    newer = sum(begin_above is not None and place_of(row) > begin_above for row in source.stayed.values())
    walk = Walk(
        limit=random.choice([10, 50, 1000]),
        start=max(0, newer + random.randint(-20, 5)) if begin_above else 0,
        begin_above=begin_above,
        until=random.choice([None, any_place(source, random)]),
        capacity=random.choice([0, 10]),
        expected_rows=UNKNOWN,
    )
    return judge_walk(walk, source, random, most_ahead=random.choice([0, 1]), begin_above=begin_above)


def any_place(source: MovingList, random: Random) -> datetime | None:
    """The created_at of any row that has one."""
    places = [place for row in source.stayed.values() if (place := place_of(row)) != NEWEST]
    return random.choice(places) if places else None


def walks_of(seed: int) -> range:
    return range(seed * WALKS_A_SEED, (seed + 1) * WALKS_A_SEED)


@pytest.mark.parametrize("draw", [restless, cramped, fickle, quiet])
def test_no_walk_claims_what_was_not_so_misses_a_row_or_takes_one_twice(draw: Draw, seed: int) -> None:
    faults = {number: verdict_on(draw, number).faults for number in walks_of(seed)}
    assert {number: fault for number, fault in faults.items() if fault} == {}


@pytest.mark.parametrize("draw", [restless, cramped, fickle, quiet])
def test_no_walk_from_the_middle_does_either(draw: Draw, seed: int) -> None:
    faults = {number: verdict_on_stretch(draw, number).faults for number in walks_of(seed)}
    assert {number: fault for number, fault in faults.items() if fault} == {}


@pytest.mark.parametrize(("verdict", "number"), [(verdict_on_stretch, 3_002_482), (verdict_on, 3_003_451)])
def test_a_cap_that_sinks_to_two_rows_and_then_to_one_is_not_the_end(
    verdict: Callable[[Draw, int], Verdict], number: int
) -> None:
    """Lists that once fooled a walk."""
    assert verdict(fickle, number).faults == []


class PushedList(MovingList):
    """Before every so-many-th answer rows appear on top, and nothing else happens."""

    def __init__(self, rows: int, *, every: int, phase: int, count: int) -> None:
        self._pace = (every, phase, count)
        super().__init__(Habits(rows=rows, cap=100), Random(rows))

    def _move(self) -> None:
        every, phase, count = self._pace
        if (self.requests + phase) % every == 0:
            for _ in range(count):
                self._create(1)


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("every", [1, 2, 3, 4])
@pytest.mark.parametrize("rows", [40, 600])
def test_a_walk_ends_below_a_list_that_is_pushed_at_a_pace(rows: int, every: int, is_known: bool) -> None:
    for phase in range(every):
        for count in (1, 2, 3):
            source = PushedList(rows, every=every, phase=phase, count=count)
            walk = Walk(limit=1000, expected_rows=rows if is_known else UNKNOWN)
            verdict = judge_walk(walk, source, Random(phase))
            assert (verdict.walk.complete, verdict.faults) == (True, []), (phase, count)


def test_a_walk_ends_without_a_proof_only_where_there_is_none(seed: int) -> None:
    """On a quiet list that means: the source lists nothing any more, though it did when the walk began."""
    for number in walks_of(seed):
        verdict = verdict_on(quiet, number)
        if not verdict.walk.complete and verdict.walk.stopped != "the list turned empty during the walk":
            assert len(verdict.source.stayed) < 4, (number, verdict.walk.stopped)


# -- lists that stand still -------------------------------------------------------------------------


def still(rows: int, *, cap: int, limit: int = 1000, tied: int = 1, is_known: bool = True) -> Verdict:
    random = Random(rows + cap)
    source = MovingList(Habits(rows=rows, cap=cap, tied=tied), random)
    expected = len(source.stayed) if is_known else UNKNOWN
    verdict = judge_walk(Walk(limit=limit, expected_rows=expected), source, random, most_ahead=0)
    assert verdict.faults == []
    assert verdict.walk.complete
    assert len(verdict.proven) == len(source.stayed)
    return verdict


@pytest.mark.parametrize(
    ("rows", "cap", "requests"),
    [
        (20_000, 1000, 22),
        (2500, 7, 507),
        (2500, 50, 55),
        (2500, 333, 9),
        (2500, 1000, 4),
        (999, 1000, 2),
        (500, 1000, 2),
        (20, 1000, 2),
        (19, 1000, 4),
    ],
)
def test_a_known_list_that_stands_still_costs_its_pages_and_one_request_more(
    rows: int, cap: int, requests: int
) -> None:
    assert still(rows, cap=cap).source.requests == requests


@pytest.mark.parametrize(
    ("rows", "requests"),
    [(0, 2), (1, 4), (3, 4), (19, 4), (20, 3), (500, 3), (1000, 4), (2500, 5), (20_000, 23)],
)
def test_an_unknown_list_that_stands_still_costs_two_requests_more_at_the_most(
    rows: int, requests: int
) -> None:
    assert still(rows, cap=1000, is_known=False).source.requests == requests


@pytest.mark.parametrize("rows", [3, 10, 100, 199, 200, 201, 390, 391, 392, 1500])
@pytest.mark.parametrize("cap", [50, 200, 1000])
def test_the_plan_foretells_what_a_walk_costs(rows: int, cap: int) -> None:
    """To two requests: where the last page is full, and where the list ends in the overlap of two."""
    assert abs(still(rows, cap=cap).source.requests - cost_of_walk(rows, cap)) <= 2


@pytest.mark.parametrize("tied", [2, 5, 9])
@pytest.mark.parametrize("cap", [20, 100, 1000])
def test_groups_narrower_than_a_page_cost_few_requests_more(tied: int, cap: int) -> None:
    verdict = still(2000, cap=cap, tied=tied)
    assert verdict.source.requests <= 2000 / (cap - 2 * tied) * 1.1 + 5


# -- the judge itself -------------------------------------------------------------------------------


class BelievesNoMore(Walk):
    """Takes a page that adds nothing for the end."""

    def _is_end(self, page: Page) -> bool:
        return True


class BelievesShortPages(Walk):
    """Takes a page with fewer rows than were asked for for the end."""

    def _advance(self, page: Page) -> Proof | None:
        return self._finish(page) if page.length < page.limit else super()._advance(page)


class BelievesEmptyPages(Walk):
    """Takes an empty answer behind a page for the end."""

    def _look_past(self, page: Page) -> None:
        super()._look_past(page)
        self._offset = page.end

    def _receive_nothing(self, page: Page) -> None:
        super()._receive_nothing(page)
        if self._resting is not None and page.offset == self._resting.end:
            self._phase, self._offset = _Phase.READING_AGAIN, self._resting.offset


class LinksAnything(Walk):
    """Does not look whether a page begins above what is proven."""

    def _is_linked(self, page: Page) -> bool:
        return True


class TakesTheTailGroup(Walk):
    """Believes that a page shows all that share its last created_at."""

    def _prove(self, page: Page) -> Proof | None:
        proof = super()._prove(page)
        return proof and Proof(interval=proof.interval, rows=page.rows, observed_at=proof.observed_at)


class GoesOnBehindThePage(Walk):
    """Pages by offset alone, as one does, and links as one does not."""

    def _is_linked(self, page: Page) -> bool:
        return True

    def _step(self, page: Page, pushed_by: int = 0) -> None:
        super()._step(page, pushed_by)
        self._offset = page.end


@pytest.mark.parametrize(
    ("mutant", "complaint"),
    [
        (BelievesNoMore, "says that it is complete and misses"),
        (BelievesShortPages, "says that it is complete and misses"),
        (BelievesEmptyPages, "says that it is complete and misses"),
        (LinksAnything, "says that it is complete and misses"),
        (GoesOnBehindThePage, "says that it is complete and misses"),
        (TakesTheTailGroup, "twice"),
        (TakesTheTailGroup, "where the list held"),
    ],
)
def test_a_walk_with_a_rule_less_is_found_out(mutant: type[Walk], complaint: str) -> None:
    faults = (fault for number in range(2000) for fault in verdict_on(cramped, number, mutant).faults)
    assert any(complaint in fault for fault in faults)


class NeverEnds(Walk):
    """Looks for the end for ever."""

    def _is_end(self, page: Page) -> bool:
        self._patience.note_progress()
        return False


def test_a_walk_without_an_end_is_found_out() -> None:
    random = Random(0)
    source = MovingList(Habits(rows=5), random)
    assert any("does not end" in fault for fault in judge_walk(NeverEnds(limit=50), source, random).faults)


def test_a_moving_list_moves_in_every_way() -> None:
    """Otherwise the walks above would prove little."""
    lists = [verdict_on(restless, number) for number in range(300)]
    assert sum(verdict.walk.complete for verdict in lists) > 150
    assert sum(verdict.walk.stopped is not None for verdict in lists) > 20
    assert any(len(verdict.source.stayed) == 0 for verdict in lists)
    assert any(len(verdict.proven) > len(verdict.source.stayed) > 0 for verdict in lists)
