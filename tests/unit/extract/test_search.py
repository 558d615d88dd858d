"""The search for a place in the list, probe by probe."""

from __future__ import annotations

from datetime import datetime

import pytest

from etl.extract.patience import MOST_REPEATS
from etl.extract.search import MOST_PROBES, Search
from etl.extract.walk import Read
from etl.interval import NEWEST

from support.pages import at, page

PAGE = 10


def listed(count: int) -> list[str]:
    """So many rows, newest first, each created a second before the one above it."""
    return [f"{chr(0x4E00 + number)}{number}" for number in range(count, 0, -1)]


def offsets_of(search: Search, rows: list[str], *, most: int = MOST_PROBES + 1) -> list[int]:
    """Answer out of these rows until the search has ended; where it looked."""
    offsets: list[int] = []
    while (read := search.read) is not None and len(offsets) < most:
        offsets.append(read.offset)
        shown = rows[read.offset : read.offset + PAGE]
        search.receive(page(" ".join(shown), offset=read.offset, limit=read.limit))
    return offsets


def found_places(search: Search) -> tuple[datetime, datetime]:
    """The first and the last created_at of the page that was found."""
    assert search.found is not None, search.stopped
    return search.found.places[0], search.found.places[-1]


def test_a_right_guess_is_found_with_the_first_page() -> None:
    search = Search(at(41), limit=PAGE, guess=59)
    assert offsets_of(search, listed(100)) == [57]  # a little above, so that a small error costs nothing
    assert found_places(search) == (at(43), at(34))


def test_a_guess_that_is_off_by_a_page_costs_one_more() -> None:
    for guess in (47, 71):
        search = Search(at(41), limit=PAGE, guess=guess)
        assert len(offsets_of(search, listed(100))) == 2
        assert found_places(search)[0] > at(41) >= found_places(search)[1]


@pytest.mark.parametrize("second", [1, 2, 500, 998, 999, 1000])
def test_any_place_is_found_without_a_guess(second: int) -> None:
    search = Search(at(second), limit=PAGE)
    assert len(offsets_of(search, listed(1000))) <= 9
    first, last = found_places(search)
    assert first > at(second) or second == 1000
    assert last <= at(second)


def test_what_is_newer_than_all_is_found_at_the_top() -> None:
    search = Search(at(5000), limit=PAGE)
    assert offsets_of(search, listed(100)) == [0]


def test_what_is_older_than_all_is_found_at_the_end() -> None:
    search = Search(at(-1), limit=PAGE)
    assert len(offsets_of(search, listed(95))) <= 8
    assert search.found is not None
    assert search.found.end == 95


def test_the_list_of_a_status_is_searched_as_such() -> None:
    search = Search(at(5), limit=PAGE, status="failed")
    assert search.read == Read(offset=0, limit=PAGE, status="failed")


def test_an_empty_list_is_asked_twice() -> None:
    search = Search(at(5), limit=PAGE)
    assert offsets_of(search, []) == [0, 0]
    assert search.found is not None
    assert search.found.rows == ()


def test_an_empty_answer_in_the_middle_of_the_list_is_not_believed_at_once() -> None:
    search = Search(at(41), limit=PAGE, guess=59)
    search.receive(page("", offset=57, limit=PAGE))
    assert offsets_of(search, listed(100)) == [57]


def test_a_guess_behind_the_end_comes_back() -> None:
    search = Search(at(41), limit=PAGE, guess=400)
    assert offsets_of(search, listed(100))[:2] == [398, 398]
    assert found_places(search)[0] > at(41) >= found_places(search)[1]


def test_a_list_without_readable_times_is_not_asked_again_and_again() -> None:
    search = Search(at(41), limit=PAGE)
    assert offsets_of(search, [f"{row[0]}?" for row in listed(100)]) == [0] * MOST_REPEATS
    assert search.stopped == "the page at offset 0 has no readable created_at"
    patient = Search(at(41), limit=PAGE, guess=59)
    for _ in range(MOST_REPEATS - 1):
        patient.receive(page("a? b?", offset=57))
    assert offsets_of(patient, listed(100)) == [57]  # it was the answer's fault, not the list's
    assert found_places(patient) == (at(43), at(34))


def test_batches_without_created_at_stand_above_every_place() -> None:
    rows = [f"{chr(0x5E00 + number)}*" for number in range(35)] + listed(30)
    search = Search(at(12), limit=PAGE)
    assert len(offsets_of(search, rows)) <= 8
    assert found_places(search)[0] > at(12) >= found_places(search)[1]
    search = Search(NEWEST, limit=PAGE)
    assert offsets_of(search, rows) == [0]


def test_a_page_that_one_group_of_equal_times_fills_is_passed() -> None:
    rows = listed(60)
    rows[20:45] = [f"{chr(0x5E00 + number)}40" for number in range(25)]
    search = Search(at(10), limit=PAGE)
    assert len(offsets_of(search, rows)) <= 8
    assert found_places(search)[0] > at(10) >= found_places(search)[1]


def test_a_search_that_the_list_runs_away_from_gives_up() -> None:
    search = Search(at(5), limit=PAGE)
    for number in range(MOST_PROBES + 1):
        read = search.read
        assert read is not None, number
        search.receive(page(" ".join(listed(100)[:PAGE]), offset=read.offset, limit=read.limit))
    assert search.read is None
    assert f"was not found in {MOST_PROBES} pages" in str(search.stopped)


def test_behind_a_page_that_is_shorter_than_others_the_list_may_end() -> None:
    search = Search(at(-1), limit=PAGE)
    assert offsets_of(search, listed(7)) == [0, 7, 7, 5]


def test_where_a_jump_went_beyond_the_end_the_rest_is_halved() -> None:
    """Thirty batches at the rate of one a second, then one an hour."""
    rows = [*listed(30)[:20], *(f"{chr(0x5E00 + number)}{-3600 * number}" for number in range(80))]
    search = Search(at(-3600 * 40), limit=PAGE)
    assert len(offsets_of(search, rows)) <= 10
    assert found_places(search)[0] > at(-3600 * 40) >= found_places(search)[1]
