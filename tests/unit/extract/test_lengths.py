"""What the lengths of pages tell."""

from __future__ import annotations

import pytest

from etl.extract.lengths import Lengths

from support.pages import page


def after_a_short_page() -> Lengths:
    lengths = Lengths(0)
    lengths.note(page("c3 b2 a1", offset=5, limit=10), adds=True)
    return lengths


@pytest.mark.parametrize(("offset", "places"), [(7, 1), (8, 2), (6, 0), (5, 0)])
def test_the_end_has_moved_by_as_many_places_as_its_last_rows_have(offset: int, places: int) -> None:
    assert after_a_short_page().pushed_by(page("b2 a1", offset=offset, limit=10)) == places


def test_other_last_rows_do_not_tell_that_the_end_has_moved() -> None:
    assert after_a_short_page().pushed_by(page("b2 z1", offset=9, limit=10)) == 0


def test_behind_a_page_of_full_length_nobody_knows_of_an_end() -> None:
    lengths = Lengths(0)
    lengths.note(page("c3 b2 a1", offset=5, limit=3), adds=True)
    assert lengths.pushed_by(page("b2 a1", offset=9, limit=3)) == 0
