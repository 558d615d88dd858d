"""What makes the end of a list sure where pages are cut as the source likes: the page again, twice."""

from __future__ import annotations

import pytest

from etl.extract.ending import Ending
from etl.extract.lengths import Lengths
from etl.extract.page import Page

from support.pages import page

BEFORE = page("d4 c3 b2 a1", offset=9, limit=20)


def is_sure_after_two_looks(again: Page, before: Page = BEFORE) -> bool:
    """After nothing stood past the page before, each time."""
    lengths = Lengths(20)
    lengths.note_cut(page("e5", limit=20))
    ending = Ending(lengths)
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
        (
            " ".join(f"{chr(0x4E00 + number)}{number}" for number in range(20, 0, -1)),
            9,
        ),  # as long as a page can be
    ],
)
def test_one_that_moved_up_or_may_be_cut_does_not(words: str, offset: int) -> None:
    assert not is_sure_after_two_looks(page(words, offset=offset, limit=20))


def test_the_top_of_the_list_is_the_same_only_with_the_same_rows() -> None:
    before = page("d4 c3 b2 a1", limit=20)
    assert not is_sure_after_two_looks(page("e5 d4 c3 b2 a1", limit=20), before)
