from __future__ import annotations

from itertools import pairwise

import pytest

from etl.extract.lengths import FEW
from etl.extract.patience import MOST_IDLE, MOST_REPEATS, MOST_STEPS_BACK
from etl.extract.walk import (
    MOST_WIDENINGS,
    UNKNOWN,
    Read,
    Walk,
)
from etl.interval import NEWEST, Interval
from etl.proof import Proof

from support.pages import at, between, page, words


def give(walk: Walk, text: str = "") -> Proof | None:
    """Answer what the walk asks for with these rows."""
    read = walk.read
    assert read is not None, "the walk has ended"
    return walk.receive(page(text, offset=read.offset, limit=read.limit))


def walked(*texts: str, limit: int = 4, capacity: int = 0, expected_rows: int = 0) -> Walk:
    """A walk that was answered so."""
    walk = Walk(limit=limit, capacity=capacity, expected_rows=expected_rows)
    for text in texts:
        give(walk, text)
    return walk


def listed(count: int) -> str:
    """So many rows, newest first, each created a second before the one above it."""
    return " ".join(f"{chr(0x4E00 + number)}{number}" for number in range(count, 0, -1))


def asked(walk: Walk, *texts: str) -> list[int | None]:
    """Where the walk asks while it is answered so."""
    offsets = []
    for text in texts:
        offsets.append(asks_at(walk))
        give(walk, text)
    return offsets


def asks_at(walk: Walk) -> int | None:
    return walk.read.offset if walk.read else None


# -- going down -----------------------------------------------------------------------------------


def test_a_walk_begins_at_the_top_of_its_list() -> None:
    assert Walk(limit=50, status="running").read == Read(offset=0, limit=50, status="running")


def test_a_page_proves_all_above_its_tail_group() -> None:
    proof = give(Walk(limit=4), "e5 d4 c3 b3")
    assert words(proof) == "e5 d4"
    assert proof is not None
    assert proof.interval == between(3, None)


def test_the_next_page_begins_with_the_last_row_above_the_tail_group() -> None:
    assert asks_at(walked("e5 d4 c3 b3")) == 1
    assert asks_at(walked("e5 d4 c3 b2")) == 2


def test_a_linked_page_proves_from_its_tail_group_up_to_the_frontier() -> None:
    walk = walked("e5 d4 c3 b3")
    proof = give(walk, "d4 c3 b3 a2")
    assert words(proof) == "c3 b3"
    assert proof is not None
    assert proof.interval == between(2, 3)


def test_a_proof_is_of_the_instant_of_its_page() -> None:
    walk = Walk(limit=4)
    proof = walk.receive(page("b2 a1", observed_at=at(77)))
    assert proof is not None
    assert proof.observed_at == at(77)


def test_rows_that_inserts_pushed_down_are_taken_once() -> None:
    walk = walked("f6 e5 d4 c3")
    assert words(give(walk, "f6 e5 d4 c3")) == ""
    assert words(give(walk, "d4 c3 b2 a1")) == "c3 b2"


def test_a_row_without_a_place_goes_along_with_what_its_page_proves() -> None:
    walk = Walk(limit=5)
    assert words(give(walk, "e5 x? d4 c3 b3")) == "e5 x? d4"


def test_rows_without_created_at_stand_above_all_others() -> None:
    walk = Walk(limit=4)
    proof = give(walk, "d* c* b2 a1")
    assert words(proof) == "d* c* b2"
    assert proof is not None
    assert proof.interval == between(1, None)


def test_a_page_of_rows_without_created_at_proves_none_of_them() -> None:
    walk = Walk(limit=3)
    proof = give(walk, "c* b* a*")
    assert words(proof) == ""
    assert proof is not None
    assert proof.interval == Interval(after=NEWEST, upto=None)


def test_a_page_as_long_as_was_asked_for_is_asked_for_longer_where_rows_of_its_group_stand_behind_it() -> (
    None
):
    """Tied rows change places, so that the one behind the page may be one that it showed."""
    walk = walked("e5 d3 c3 b3", "d3")
    assert walk.read == Read(offset=0, limit=8)
    give(walk, "e5 d3 c3 b3 a3")
    assert not walk.stopped


# -- back again -----------------------------------------------------------------------------------


@pytest.mark.parametrize("moved", ["c3 b2 a1", "b2 a1", "c3 c3 b2"])
def test_a_page_that_does_not_begin_above_the_frontier_proves_nothing(moved: str) -> None:
    walk = walked("f6 e5 d4 c3")
    assert give(walk, moved) is None
    assert walk.frontier == at(3)
    assert asks_at(walk) == 1


def test_a_row_without_created_at_at_the_top_of_a_page_further_down_links_nothing() -> None:
    """Rows without one are newer than all only at the top of the list."""
    walk = walked("f6 e5 d4 c3")
    assert give(walk, "x* c3 b2 a1") is None
    assert asks_at(walk) == 1
    assert words(give(walk, "e5 d4 x? c3 b2")) == "x? c3"


def test_rows_without_created_at_link_as_far_down_as_the_list_begins_with_such() -> None:
    walk = walked("x* y* f6 e6")
    assert asks_at(walk) == 1
    assert words(give(walk, "y* f6 e6 d5")) == "f6 e6"


def test_steps_back_go_further_and_further() -> None:
    walk = walked(listed(20), limit=20)
    asked = [asks_at(walk) or 0]
    for _ in range(5):
        give(walk, "b0 a0")
        asked.append(asks_at(walk) or 0)
    steps = [before - after for before, after in pairwise(asked)]
    assert all(step >= 2**at for at, step in enumerate(steps[:-1]))
    assert asked[-1] <= 1


def test_steps_back_begin_anew_after_a_link() -> None:
    walk = walked("f6 e5 d4 c3", "b2 a1", "b2 a1")
    assert asks_at(walk) == 0
    give(walk, "e5 d4 c3 b2")
    assert asks_at(walk) == 2
    give(walk, "b2 a1")
    assert asks_at(walk) == 1


def test_a_page_at_the_top_is_linked_whatever_it_shows() -> None:
    walk = walked("f6 e5 d4 c3", "b2 a1", "b2 a1")
    assert asks_at(walk) == 0
    assert words(give(walk, "c3 b2 a1")) == "c3 b2"


def test_a_walk_that_can_never_be_linked_gives_up() -> None:
    walk = Walk(limit=4, max_pages=10_000)
    walk.receive(page("f6 e5 d4 c3", limit=4))
    while walk.read is not None:  # as if the list were endless upwards
        walk.receive(page("b2 a1", offset=2**40, limit=4))
    assert walk.pages == MOST_STEPS_BACK + 2
    assert walk.stopped == "the list keeps moving up: no page could be linked to the one before"
    assert not walk.complete


# -- the end --------------------------------------------------------------------------------------


def test_the_end_is_a_page_of_two_rows_where_pages_were_long() -> None:
    walk = walked("f6 e5 d4 c3", "d4 c3 b2", capacity=FEW)
    assert asks_at(walk) == 3
    last = give(walk, "c3 b2")
    assert walk.complete
    assert walk.read is None
    assert words(last) == "b2"
    assert last is not None
    assert last.interval == between(None, 2)


LONG = " ".join(f"x{number}" for number in range(31, 6, -1))


def test_where_the_table_has_rows_below_nothing_past_two_rows_is_not_enough() -> None:
    """A cap that sinks to two rows and then to one shows the same."""
    pages = (LONG, "x8 x7", "x7")
    assert walked(*pages, limit=1000, expected_rows=UNKNOWN).complete
    walk = walked(*pages, limit=1000, expected_rows=30)
    assert not walk.complete
    give(walk, "x8 x7")
    assert walk.complete


def test_rows_that_went_away_with_all_above_them_are_forgotten_once_the_list_stands_still() -> None:
    """Else a page that is cut far above the end would show all that is known there: nothing."""
    walk = walked(LONG, "x10 x9", "x9", "x11", "", "", "x11", limit=1000, expected_rows=30)
    assert not walk.complete
    for text in ("", "", "x11"):
        give(walk, text)
    assert walk.complete


def test_where_the_list_seems_to_end_the_walk_takes_steps_as_short_as_can_be() -> None:
    walk = walked(listed(200), limit=200)
    assert asks_at(walk) == 191
    give(walk, listed(9))
    assert asks_at(walk) == 191 + 7


def test_two_rows_are_not_the_end_where_pages_were_short() -> None:
    walk = walked("f6 e5 d4 c3", "d4 c3 b2", "c3 b2")
    assert not walk.complete


def test_two_rows_are_not_the_end_where_a_page_was_cut_short() -> None:
    walk = walked(listed(40), limit=1000, expected_rows=UNKNOWN)
    give(walk, " ".join(listed(50).split()[48:]))
    assert not walk.complete


def test_a_short_page_is_not_the_end() -> None:
    walk = walked("f6 e5 d4 c3", "d4 c3 b2")
    assert not walk.complete
    assert walk.frontier == at(2)


def test_a_page_that_adds_nothing_is_not_the_end() -> None:
    walk = walked("f6 e5 d4 c3", "f6 e5 d4 c3")
    assert not walk.complete
    assert asks_at(walk) == 4


def test_two_rows_are_not_the_end_where_more_are_known() -> None:
    walk = walked("e5 d4 c3", "d4 c3", capacity=FEW, expected_rows=5)
    assert not walk.complete
    give(walk, "c3 b2 a1")
    assert not walk.complete


def test_a_source_that_clamps_each_page_shorter_than_the_one_before_ends_no_walk() -> None:
    walk = walked("i9 h8 g7 f6 e5 d4", "e5 d4 c3", "d4 c3", limit=1000)
    while walk.read is not None and walk.pages < 20:
        give(walk, "" if walk.read.offset > 6 else "d4 c3" if walk.read.offset == 5 else "c3")
        assert not walk.complete or walk.pages > 8


def test_an_empty_answer_is_asked_for_again() -> None:
    walk = walked("f6 e5 d4 c3", "")
    assert asks_at(walk) == 2
    assert words(give(walk, "d4 c3 b2 a1")) == "c3 b2"


def test_two_empty_answers_mean_that_the_list_moved_up() -> None:
    walk = walked("f6 e5 d4 c3", "", "")
    assert not walk.complete
    assert asks_at(walk) == 1


def test_an_empty_list_is_believed_when_it_is_seen_twice() -> None:
    walk = Walk(limit=4)
    assert asked(walk, "", "") == [0, 0]
    assert walk.complete
    assert walk.is_empty


def test_an_empty_list_is_not_believed_when_it_is_seen_once() -> None:
    walk = walked("")
    assert not walk.complete
    assert not walk.is_empty


def test_two_empty_answers_with_a_page_between_them_show_nothing() -> None:
    walk = Walk(limit=4, start=2, begin_above=at(5))
    assert asked(walk, "", "b2 a1", "") == [2, 2, 0]
    assert not walk.complete
    assert words(give(walk, "f6 e5 d4 c3")) == "f6 e5 d4"


def test_a_list_that_turned_empty_ends_the_walk_without_a_proof() -> None:
    walk = walked("b2 a1")
    while walk.read is not None:
        give(walk)
    assert walk.stopped == "the list turned empty during the walk"
    assert not walk.complete
    assert not walk.is_empty


def test_a_page_that_gives_no_step_is_looked_past_from_its_last_row_on() -> None:
    walk = Walk(limit=4, capacity=FEW, expected_rows=UNKNOWN)
    assert asked(walk, "b2 a1") == [0]
    assert asks_at(walk) == 1
    last = give(walk, "a1")
    assert walk.complete
    assert words(last) == "a1"
    assert last is not None
    assert last.interval == between(None, 1)


def test_a_page_that_ends_with_a_group_is_read_again_too() -> None:
    walk = Walk(limit=4, capacity=FEW)
    assert asked(walk, "c2 b1 a1", "b1", "c2 b1 a1") == [0, 2, 0]
    assert walk.complete


def test_a_page_of_few_rows_is_looked_past_where_nothing_can_be() -> None:
    walk = Walk(limit=4)
    assert asked(walk, "c3 b2 a1", "", "") == [0, 3, 3]
    assert asks_at(walk) == 0
    assert words(give(walk, "c3 b2 a1")) == "a1"
    assert walk.complete


def test_few_rows_are_not_all_of_them_where_one_went_and_another_came_meanwhile() -> None:
    walk = Walk(limit=4)
    assert asked(walk, "c3 b2 a1", "", "", "d3 b2 a1") == [0, 3, 3, 0]
    assert not walk.complete


def test_few_rows_further_down_are_looked_past_twice() -> None:
    walk = walked("f6 e5 d4 c3", "d4 c3 b2", "c3 b2")
    for _ in range(2):
        assert not walk.complete
        assert asked(walk, "", "", "c3 b2") == [5, 5, 3]
    assert walk.complete


def test_a_list_that_ends_with_rows_without_created_at_has_an_end_too() -> None:
    walk = walked("d4 c3 b2 a1 x? y?", "b2 a1 x? y?", "y?", limit=6, capacity=FEW)
    assert words(give(walk, "b2 a1 x? y?")) == "a1 x? y?"
    assert walk.complete


def test_a_row_without_a_place_above_the_last_does_not_hold_up_the_end() -> None:
    walk = walked("d4 c3 b2 x? a1", "b2 x? a1", "a1", limit=6, capacity=FEW)
    assert words(give(walk, "b2 x? a1")) == "x? a1"
    assert walk.complete


def test_what_is_proven_by_a_look_past_a_page_was_so_then() -> None:
    walk = Walk(limit=4)
    for second, text in enumerate(("a1", "", "")):
        walk.receive(page(text, offset=0 if text else 1, limit=4, observed_at=at(second)))
    last = walk.receive(page("a1", limit=4, observed_at=at(77)))
    assert last is not None
    assert last.observed_at == at(1)


def test_what_is_proven_by_the_page_before_a_look_past_it_was_so_when_it_was_read() -> None:
    walk = walked(listed(40), limit=1000, expected_rows=UNKNOWN)
    last_rows = " ".join(listed(40).split()[-2:])
    walk.receive(page(last_rows, offset=38, limit=1000, observed_at=at(77)))
    proof = walk.receive(page(last_rows.split()[-1], offset=39, limit=1000, observed_at=at(78)))
    assert walk.complete
    assert proof is not None
    assert proof.observed_at == at(77)


def test_an_empty_answer_behind_the_last_page_shows_nothing() -> None:
    walk = walked("b2 a1", capacity=FEW, expected_rows=UNKNOWN)
    assert asked(walk, "", "") == [1, 1]
    assert not walk.complete
    assert asks_at(walk) == 0


def test_a_row_behind_the_last_page_is_not_missed() -> None:
    walk = Walk(limit=2)
    assert asked(walk, "c3 b2", "a1", "c3 b2 a1", "", "", "c3 b2 a1") == [0, 2, 0, 3, 3, 0]
    assert walk.complete


def test_a_row_that_shows_up_in_the_last_group_is_not_missed() -> None:
    walk = walked("c3 b1", capacity=FEW, expected_rows=UNKNOWN)
    assert asked(walk, "b1 a1") == [1]
    assert asked(walk, "c3 b1 a1", "a1") == [0, 2]
    assert words(give(walk, "c3 b1 a1")) == "b1 a1"
    assert walk.complete


def test_behind_a_single_row_the_walk_looks_twice() -> None:
    walk = walked("a1")
    assert asked(walk, "", "") == [1, 1]
    assert asks_at(walk) == 0
    assert words(give(walk, "a1")) == "a1"
    assert walk.complete


def test_a_page_that_shows_a_single_row_is_looked_past_where_nothing_can_be() -> None:
    """The source may have cut it there, and the row alone again, too."""
    walk = walked("c2 b1 a1", "a1", "c2", capacity=FEW)
    assert asks_at(walk) == 1
    give(walk, "b1")
    assert not walk.complete


def test_a_row_of_the_last_group_that_goes_away_does_not_hold_up_the_end() -> None:
    walk = walked("d4 c3 b1 a1", capacity=FEW, expected_rows=UNKNOWN)
    assert asked(walk, "c3 b1", "b1", "c3 b1") == [1, 2, 1]
    assert asked(walk, "b1") == [2]
    assert walk.complete


def test_a_last_group_that_goes_away_does_not_hold_up_the_end() -> None:
    walk = walked("e5 d4 c3 b1 a1", limit=5, capacity=FEW, expected_rows=UNKNOWN)
    assert asked(walk, "d4 c3", "c3", "d4 c3") == [2, 3, 2]
    last = give(walk, "c3")
    assert last is not None
    assert (last.interval, last.rows) == (between(None, 1), ())
    assert walk.complete


def test_inserts_that_push_the_last_rows_down_are_not_taken_for_a_wide_group() -> None:
    walk = walked("b1 a1")
    for text in ("a1", "c2 b1 a1", "b1 a1") * 4:
        if walk.read is not None:
            give(walk, text)
    assert walk.stopped is None


# -- what shares one instant ----------------------------------------------------------------------


def test_rows_that_inserts_keep_pushing_are_the_end_once_fewer_of_them_are_left() -> None:
    walk = walked("a9 b8 c7 d6", "c7 d6 e5", "c7 d6 e5", "d6 e5", capacity=FEW, expected_rows=UNKNOWN)
    assert asked(walk, "d6 e5") == [6]
    assert not walk.complete
    give(walk, "b8 c7 d6 e5")
    assert walk.complete


def test_a_cap_that_falls_twice_and_leaves_just_the_overlap_is_not_the_end() -> None:
    walk = walked(listed(50), limit=50, expected_rows=UNKNOWN)
    overlap = listed(50).split()[47:]
    assert asked(walk, " ".join(overlap), " ".join(overlap[1:])) == [47, 48]
    assert not walk.complete


def test_a_filtered_list_that_turned_empty_is_at_its_end() -> None:
    walk = Walk(limit=4, status="running")
    give(walk, "987")
    while not walk.complete:
        give(walk)
    assert (walk.stopped, walk.is_empty) == (None, False)


def test_a_group_that_fills_the_page_is_asked_for_at_once() -> None:
    walk = walked("c1 b1", limit=2)
    assert asks_at(walk) == 2
    give(walk, "a1")
    assert walk.read == Read(offset=0, limit=4)
    assert words(give(walk, "c1 b1 a1 z0")) == "c1 b1 a1"


def test_a_group_all_of_which_is_known_is_asked_for_at_once_too() -> None:
    walk = walked("d2 c1 b1", limit=3)
    assert asked(walk, "b1") == [3]
    assert walk.read == Read(offset=0, limit=6)


def test_a_group_wider_than_the_source_s_cap_ends_the_walk_with_a_word_why() -> None:
    walk = walked("c1 b1", "a1", "b1 c1", "a1", limit=2)
    assert walk.stopped == (
        "2 or more batches share one created_at and the source gives no more than 2 rows a page:"
        " that none of them is missed cannot be proven"
    )


def test_a_page_is_not_asked_to_grow_for_ever() -> None:
    walk = Walk(limit=2)
    group = " ".join(f"{chr(0x4E00 + number)}1" for number in range(1000)).split()
    limits = set()
    while (read := walk.read) is not None:
        limits.add(read.limit)
        give(walk, " ".join(group[read.offset :][: read.limit]))
    assert max(limits) == 2 * 2**MOST_WIDENINGS
    assert walk.stopped is not None
    assert walk.stopped.startswith("128 or more batches share one created_at")


def test_a_group_wider_than_the_cap_is_told_by_what_stands_above_it_too() -> None:
    walk = walked("d2 c1 b1", "a1", "d2 c1 b1", "a1", limit=3)
    assert str(walk.stopped).startswith(
        "2 or more batches share one created_at and the source gives no more than 3 rows a page:"
    )
    assert walk.is_hopeless


def test_a_full_page_is_not_asked_to_grow_for_ever_where_the_row_behind_it_is_known() -> None:
    walk = Walk(limit=2)
    limits = set()
    while (read := walk.read) is not None:
        limits.add(read.limit)
        shown = [f"{chr(0x4E00 + number)}1" for number in range(read.limit)]
        give(walk, " ".join(shown if read.offset == 0 else shown[:2]))
    assert max(limits) == 2 * 2**MOST_WIDENINGS
    assert not walk.complete


def test_a_page_that_is_shorter_than_was_asked_for_is_not_asked_for_longer() -> None:
    walk = walked("e5 d3 c3 b3", "d3", limit=7)
    assert walk.read == Read(offset=0, limit=7)


# -- sources that make no sense ----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a1 b2", "a?", "a? b?"])
def test_a_page_that_is_in_no_order_is_asked_for_again_and_then_given_up(text: str) -> None:
    walk = Walk(limit=4)
    for _ in range(MOST_REPEATS):
        assert asks_at(walk) == 0
        assert give(walk, text) is None
    assert walk.stopped == "the page at offset 0 is not ordered by a readable created_at"


def test_a_page_out_of_order_between_good_ones_costs_a_request() -> None:
    walk = walked("f6 e5 d4 c3", "a1 b2")
    assert words(give(walk, "d4 c3 b2 a1")) == "c3 b2"


def test_a_source_that_takes_no_notice_of_the_offset_ends_the_walk() -> None:
    walk = Walk(limit=4)
    while walk.read is not None:
        give(walk, "f6 e5 d4 c3")
    assert walk.pages == MOST_IDLE + 3
    assert walk.stopped == "52 pages in a row added nothing: the list moves faster than it is read"


def test_a_walk_has_a_limit_to_its_pages() -> None:
    walk = Walk(limit=2, max_pages=3)
    for text in ("f6 e5", "e5 d4", "d4 c3", "c3 b2"):
        give(walk, text)
    assert walk.stopped == "gave up after 3 pages: the list does not end"
    assert walk.read is None


# -- only as far as it is wanted --------------------------------------------------------------------


@pytest.mark.parametrize(("until", "is_complete"), [(4, True), (3, False), (2, False)])
def test_a_walk_until_an_instant_is_complete_when_that_instant_is_proven(
    until: int, is_complete: bool
) -> None:
    walk = Walk(limit=4, until=at(until))
    give(walk, "f6 e5 d4 c3")
    assert walk.complete is is_complete


def test_a_walk_until_an_instant_that_is_older_than_the_list_ends_with_the_list() -> None:
    walk = Walk(limit=1000, expected_rows=2, until=at(0))
    give(walk, "b2 a1")
    while walk.read is not None:
        give(walk, "b2 a1" if walk.read.offset == 0 else "")
    assert walk.complete


def test_a_walk_from_the_middle_does_not_believe_the_upper_edge_of_its_first_page() -> None:
    walk = Walk(limit=4, start=40, begin_above=at(5), capacity=4)
    assert asks_at(walk) == 40
    proof = give(walk, "f6 e6 d4 c3")
    assert proof is not None
    assert at(6) not in proof.interval
    assert words(proof) == "d4"


def test_a_walk_from_the_middle_does_not_begin_at_a_row_without_created_at() -> None:
    walk = Walk(limit=4, start=40, begin_above=at(5), capacity=4)
    assert give(walk, "x* d4 c3 b2") is None
    assert asks_at(walk) == 38


def test_a_walk_from_the_middle_steps_back_until_it_is_above_where_it_is_to_begin() -> None:
    walk = Walk(limit=4, start=40, begin_above=at(5), capacity=4)
    assert give(walk, "d4 c3 b2 a1") is None
    assert asks_at(walk) == 38
    assert words(give(walk, "f6 e5 d4 c3")) == "e5 d4"


def test_a_row_without_a_place_is_none_above_the_tail_group() -> None:
    walk = Walk(limit=4, start=40, begin_above=at(5), capacity=4)
    assert give(walk, "x? f6") is None
    assert asks_at(walk) == 38


# -- pages fetched ahead ----------------------------------------------------------------------------


def test_nothing_is_guessed_before_a_page_is_there() -> None:
    assert Walk(limit=1000, capacity=1000).guesses(8) == []
    assert walked("").guesses(8) == []


def test_guesses_overlap_by_a_row_and_a_margin() -> None:
    walk = walked(listed(200), limit=200)
    assert walk.margin == 8
    assert asks_at(walk) == 191
    assert [guess.offset for guess in walk.guesses(3)] == [382, 573, 764]
    assert all(guess.limit == 200 for guess in walk.guesses(3))


@pytest.mark.parametrize(("length", "margin"), [(7, 0), (20, 1), (50, 2), (160, 8), (5000, 8)])
def test_the_margin_grows_with_the_pages_up_to_a_few_rows(length: int, margin: int) -> None:
    assert Walk(limit=length, capacity=length).margin == margin


def test_a_group_of_equal_times_that_is_no_wider_than_the_margin_shifts_no_page() -> None:
    texts = [listed(40), listed(40).rsplit(maxsplit=1)[0] + " z2"]
    assert {asks_at(walked(text, limit=40)) for text in texts} == {37}


def test_nothing_is_guessed_where_the_list_seems_to_end() -> None:
    walk = Walk(limit=1000, expected_rows=3)
    give(walk, "c3 b2 a1")
    assert walk.guesses(8) == []


def test_what_shows_that_nothing_follows_is_not_to_be_fetched_ahead() -> None:
    walk = Walk(limit=4, capacity=FEW, expected_rows=UNKNOWN)
    nears = []
    for text in ("c2 b1 a1", "a1", "c2 b1 a1"):
        nears.append(walk.nears_end)
        give(walk, text)
    assert nears == [False, True, True]


def test_a_walk_that_has_ended_asks_for_nothing() -> None:
    walk = walked("", "")
    assert walk.read is None
    assert walk.guesses(8) == []
