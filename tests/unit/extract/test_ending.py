"""What makes the end of a list sure: short pages, or the page again; fewer where no page was ever cut."""

from __future__ import annotations

import pytest

from etl.extract.ending import ENOUGH, Ending
from etl.extract.lengths import Lengths
from etl.extract.page import Page

from support.pages import page

BEFORE = page("d4 c3 b2 a1", offset=9, limit=20)
LONG = " ".join(f"{chr(0x4E00 + number)}{number}" for number in range(20, 0, -1))


def among_long_pages() -> Ending:
    """Pages were of twenty rows, and none was cut shorter."""
    return Ending(Lengths(20))


def among_cut_pages() -> Ending:
    """The same, but for one that the source cut to a single row."""
    lengths = Lengths(20)
    lengths.note_cut(page("e5", limit=20))
    return Ending(lengths)


def short(length: int) -> Page:
    """A page that shows the last rows."""
    return page(" ".join(LONG.split()[-length:]), offset=9, limit=20)


def sights(ending: Ending, *lengths: int) -> list[bool]:
    """Whether it is sure after each of these short pages."""
    seen = []
    for length in lengths:
        ending.note_short(short(length))
        seen.append(ending.is_sure)
    return seen


BUT_ONE = [1, 2] * (ENOUGH // 2 - 1) + [1]


# -- short pages ----------------------------------------------------------------------------------


def test_three_short_pages_are_enough_where_no_page_was_cut() -> None:
    assert sights(among_long_pages(), 3, 2, 3) == [False, False, True]


def test_where_pages_are_cut_each_short_one_is_a_small_part_of_enough() -> None:
    assert sights(among_cut_pages(), *BUT_ONE, 2) == [False] * (ENOUGH - 1) + [True]


def test_short_pages_of_one_length_are_one_sight() -> None:
    assert not any(sights(among_long_pages(), *[3] * ENOUGH))


def test_a_page_as_long_as_pages_are_shows_no_end() -> None:
    assert sights(among_long_pages(), 3, 20, 2, 3) == [False, False, False, True]


def test_once_the_list_goes_on_all_begins_anew() -> None:
    ending = among_cut_pages()
    sights(ending, *BUT_ONE)
    ending.forget()
    assert sights(ending, 2, *BUT_ONE) == [False] * (ENOUGH - 1) + [True]


def test_after_nothing_stood_past_it_a_page_counts_whatever_its_length() -> None:
    ending = among_cut_pages()
    seen = []
    for _ in range(ENOUGH):
        ending.note_nothing_past()
        seen += sights(ending, 1)
    assert seen == [False] * (ENOUGH - 1) + [True]


@pytest.mark.parametrize(("length", "is_shortest"), [(1, True), (2, True), (3, False)])
def test_two_rows_are_the_fewest_that_a_page_of_a_walk_can_have(length: int, is_shortest: bool) -> None:
    assert among_long_pages().is_shortest(short(length)) is is_shortest
    assert not among_cut_pages().is_shortest(short(length))


# -- the page again -------------------------------------------------------------------------------


def test_once_is_enough_where_no_page_was_cut() -> None:
    ending = among_long_pages()
    ending.note_again(BEFORE, BEFORE)
    assert ending.is_sure


def test_once_is_enough_where_the_page_is_the_whole_list() -> None:
    ending = among_cut_pages()
    whole = page("d4 c3 b2 a1", limit=20)
    ending.note_again(whole, whole)
    assert ending.is_sure


def test_a_page_that_is_not_where_it_was_is_a_short_page_like_any_other() -> None:
    ending = among_cut_pages()
    for length in BUT_ONE:
        ending.note_again(short(length), BEFORE)
    assert not ending.is_sure
    ending.note_again(short(2), BEFORE)
    assert ending.is_sure


def is_sure_after_two_looks(again: Page, before: Page = BEFORE) -> bool:
    """After nothing stood past the page before, each time."""
    ending = among_cut_pages()
    ending.note_again(again, before)
    assert not ending.is_sure
    ending.note_again(again, before)
    return ending.is_sure


@pytest.mark.parametrize("offset", [1, 9])
def test_a_page_that_is_where_it_was_speaks_for_the_end(offset: int) -> None:
    before = page("d4 c3 b2 a1", offset=offset, limit=20)
    assert is_sure_after_two_looks(page("d4 c3 b2 a1", offset=offset, limit=20), before)


@pytest.mark.parametrize(("words", "offset"), [("e5 d4 c3 b2 a1", 9), ("c3 b2 a1", 10), ("f6 d4 b2 a1", 9)])
def test_one_that_inserts_pushed_does_too(words: str, offset: int) -> None:
    assert is_sure_after_two_looks(page(words, offset=offset, limit=20))


def test_one_that_inserts_pushed_near_the_top_does_too() -> None:
    before = page("d4 c3 b2 a1", offset=1, limit=20)
    assert is_sure_after_two_looks(page("e5 d4 c3 b2 a1", offset=1, limit=20), before)


@pytest.mark.parametrize(
    ("words", "offset"),
    [
        ("c3 b2 a1", 9),  # moved up
        (LONG, 9),  # as long as a page can be
    ],
)
def test_one_that_moved_up_or_may_be_cut_does_not(words: str, offset: int) -> None:
    assert not is_sure_after_two_looks(page(words, offset=offset, limit=20))


def test_the_top_of_the_list_is_the_same_only_with_the_same_rows() -> None:
    before = page("d4 c3 b2 a1", limit=20)
    assert not is_sure_after_two_looks(page("e5 d4 c3 b2 a1", limit=20), before)
