"""How sure it is that the list ends where it seems to.

Each sight of the end can be a counterfeit, so one is never enough, and each next one must not be explained by
what would explain the one before:

*a short page* that adds nothing and ends with the last rows. A clamp to just its length looks the same, so
that the next one counts only where it has another length.
*the page again*, after nothing stood past it. A clamp does not make an answer empty, and a move up does not
leave the page where it was: both would have to happen, and be undone. Where the page is the whole list, its
very rows were there all the time, and nothing could stand past them unseen.

How many are enough depends on what the source does: where pages were long, and none was cut shorter than
another, it would be odd if one was cut just here, and odder if the next was, to another length.
"""

from __future__ import annotations

from etl.extract.lengths import Lengths
from etl.extract.page import Page

ENOUGH = 10  # in short pages of a source that clamps as it likes: each is one chance in the caps it has
_SHORT_PAGE = 1
_SHORT_AMONG_LONG = 4  # a third one is enough: a source may lower its cap twice, and leave just the overlap
_PAGE_AGAIN = 5
_SHORTEST = 2  # rows of a page that is linked: one row above the last group, and one in it


class Ending:
    """What speaks for the end since the last page that added something."""

    def __init__(self, lengths: Lengths) -> None:
        self._lengths = lengths
        self._weight = 0
        self._length = 0  # of the last page that showed the end

    @property
    def is_sure(self) -> bool:
        return self._weight >= ENOUGH

    def forget(self) -> None:
        """The list goes on."""
        self._weight = self._length = 0

    def note_nothing_past(self) -> None:
        """A clamp that stays as it is does not explain that: the next page counts, whatever its length."""
        self._length = 0

    def note_short(self, page: Page) -> None:
        """A page adds nothing and shows the last rows."""
        if page.length < self._lengths.largest and page.length != self._length:
            self._weight += _SHORT_AMONG_LONG if self._lengths.are_steady else _SHORT_PAGE
        self._length = page.length

    def note_again(self, page: Page, before: Page) -> None:
        """The same, after nothing stood past the page before."""
        if not self._is_there(page, before):
            self.note_short(page)
        else:
            is_enough = page.offset == 0 or self._lengths.are_steady
            self._weight += ENOUGH if is_enough else _PAGE_AGAIN

    def _is_there(self, page: Page, before: Page) -> bool:
        """Whether the page is where it was; or further down, where inserts pushed its last rows."""
        is_pushed = page.end >= before.end and page.length < self._lengths.largest and page.offset > 0
        return is_pushed or page.rests_like(before)

    def is_shortest(self, page: Page) -> bool:
        """Whether it is so short that no clamp is likely to have cut it there."""
        return page.length <= _SHORTEST and self._lengths.are_steady
