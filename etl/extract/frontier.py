"""The border of what a walk has proven: an instant, and the rows that share it, all or some of them seen."""

from __future__ import annotations

from datetime import datetime

from etl.extract.page import Page
from etl.interval import NEWEST, OLDEST

Identities = frozenset[str | int]


class Frontier:
    """Everything newer than `place` is proven; None before the first page."""

    def __init__(self) -> None:
        self.place: datetime | None = None
        self._undated = 0  # rows without created_at at the top of the list
        self.known: Identities = frozenset()  # rows at the place, as all pages together showed them

    def is_linked_to(self, page: Page) -> bool:
        """Whether nothing can hide between what is proven, or the top of the list, and the page."""
        if page.offset == 0:
            self._undated = page.undated
            return True
        return self.place is not None and self.top(page) > self.place

    def top(self, page: Page) -> datetime:
        """The newest created_at of a page; none at all is newer still only where the list begins so."""
        begins = page.offset <= self._undated
        return next((place for place in page.places if begins or place != NEWEST), OLDEST)

    def is_added_to_by(self, page: Page) -> bool:
        """Whether the page shows a row that no page before it did."""
        if self.place is None:
            return True
        return page.places[-1] < self.place or not page.identities_at(self.place) <= self.known

    def move_to(self, page: Page) -> bool:
        """Go down to the page's tail group; False when the page ends no lower than the pages before."""
        tail = page.places[-1]
        group = page.identities_at(tail)
        if self.place is None or tail < self.place:
            self.place, self.known = tail, group
            return True
        if tail == self.place:
            self.known |= group
        return False

    def forget_all_but(self, page: Page) -> None:
        """Rows of the group that the page does not show went away."""
        if self.place is not None:
            self.known = page.identities_at(self.place)
