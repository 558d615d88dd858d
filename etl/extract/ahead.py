"""Fetches the pages of a walk, some of them before they are asked for.

Where the next pages begin can be guessed as soon as the size of a page is known. Links are checked in
order all the same, so a wrong guess costs a request and never a row. How many are risked grows with the
pages that were right, unless it is known how far the list goes; after a wrong one it grows from nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait

from etl.clock import Clock
from etl.extract.page import Page
from etl.extract.walk import UNKNOWN, Read, Walk
from etl.proof import Proof

Fetch = Callable[[Read], Page]

_PAGES_PER_GUESS = 12  # beyond what is known, so many pages must have been right for each guess
# Where a guess costs little: so many for the first, and for all, as beside them a few in vain do not count.
_PAGES_OF_A_LIST = 2
_PAGES_OF_A_LONG_LIST = 24
HEAD_START_SECONDS = 0.003  # more than a thread takes to have its request counted, and less than a load
_LOOK_UP_SECONDS = 0.1  # how often a wait for a page looks whether to stop


def follow(
    walk: Walk,
    fetch: Fetch,
    *,
    clock: Clock,
    most_at_once: int,
    expected_rows: int = 0,
    head_start_seconds: float = 0.0,
    first: Page | None = None,
    most_pages: int | None = None,
) -> Iterator[Proof | None]:
    """Drive the walk to its end, or over so many pages, and yield what it proves, page by page.

    None tells that the next page is still to be waited for. `first` is a page already there. While use is
    made of a proof the next page is on its way, by `head_start_seconds` at the most, unless only one thing
    may be done at a time.
    """
    ahead = Ahead(fetch, clock)
    proof = walk.receive(first) if first is not None else None
    while (read := walk.read) is not None:
        if proof is not None and most_pages is not None and walk.pages >= most_pages:
            break
        if proof is not None and most_at_once == 1:
            yield proof
            proof = None
        early = None if walk.nears_end else ahead.take(read, walk)
        future = early or ahead.start(read)
        for guess in worthwhile(walk, most_at_once - 1, expected_rows, wrong_at=ahead.wrong_at):
            ahead.start_once(guess)
        if proof is not None:
            ahead.give_way(future, head_start_seconds)
            yield proof
        if not future.done():
            yield None
        proof = walk.receive(ahead.wait_for(future))
    if proof is not None:
        yield proof


def worthwhile(walk: Walk, most: int, expected_rows: int, *, wrong_at: int = 0) -> list[Read]:
    """The guesses that are worth a request: among the rows that are known or, beyond, earned by right ones.

    `wrong_at`: the pages that the walk had when a guess was wrong. From then on all have to be earned, since
    where wide groups of equal times shift the pages, each shift would cost all guesses that are under way.
    UNKNOWN as `expected_rows`: nothing is known, and a guess in vain costs little.
    """
    is_cheap = expected_rows == UNKNOWN
    is_short = is_cheap and walk.pages < _PAGES_OF_A_LONG_LIST
    known = 0 if wrong_at or is_short else expected_rows
    is_beyond = walk.read is not None and walk.read.offset >= known
    earned = _earned(walk.pages - wrong_at, is_cheap=is_cheap) if is_beyond else 0
    guesses = walk.guesses(most)
    return [guess for at, guess in enumerate(guesses) if at < earned or guess.offset < known]


def _earned(right_pages: int, *, is_cheap: bool) -> int:
    first = int(is_cheap and right_pages >= _PAGES_OF_A_LIST)
    return max(first, right_pages // _PAGES_PER_GUESS)


def serves(early: Read, read: Read, walk: Walk) -> bool:
    """Whether a page fetched ahead can be linked like the one asked for.

    One that begins further down, if only by a row, begins in the group of equal times that is to be linked.
    """
    is_like = (early.limit, early.status) == (read.limit, read.status)
    return is_like and 0 <= read.offset - early.offset <= walk.margin


class Ahead:
    """Pages under way, each on a thread of its own that does not keep the process alive."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._under_way: dict[Read, Future[Page]] = {}
        self.wrong_at = 0  # pages that the walk had when a guess was wrong

    def take(self, read: Read, walk: Walk) -> Future[Page] | None:
        """The page under way that serves for `read`, if there is one."""
        serving = [early for early in self._under_way if serves(early, read, walk)]
        if not serving:
            self._forget_wrong(read, walk)
            return None
        nearest = max(serving, key=lambda early: early.offset)
        self._forget_before(nearest)
        return self._under_way.pop(nearest)

    def start_once(self, read: Read) -> None:
        if read not in self._under_way:
            self._under_way[read] = self.start(read)

    def start(self, read: Read) -> Future[Page]:
        future: Future[Page] = Future()
        threading.Thread(target=self._run, args=(read, future), daemon=True).start()
        return future

    def give_way(self, future: Future[Page], seconds: float) -> None:
        """Let what is under way be sent before the use that is made of a page.

        Where pages and requests are written in turns, no request can be counted while a page is loaded, so
        whoever has not come that far waits for all of the load: then pages come one by one, where several
        loaded together would cost less.
        """
        if seconds > 0:
            wait([future, *self._under_way.values()], timeout=seconds)

    def wait_for(self, future: Future[Page]) -> Page:
        """The page, or its error. Raises StoppedError when the process is asked to stop."""
        self._clock.check_stopped()
        while not wait([future], timeout=_LOOK_UP_SECONDS).done:
            self._clock.check_stopped()
        return future.result()

    def _run(self, read: Read, future: Future[Page]) -> None:
        try:
            future.set_result(self._fetch(read))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the page
            future.set_exception(error)

    def _forget_before(self, read: Read) -> None:
        """Drop what the walk has passed, so that no more than a few pages are ever held."""
        for passed in [r for r in self._under_way if r.offset < read.offset]:
            del self._under_way[passed]

    def _forget_wrong(self, read: Read, walk: Walk) -> None:
        """A page that overlaps the one asked for and cannot serve was a wrong guess; so are all behind it."""
        if any(abs(early.offset - read.offset) < walk.stride for early in self._under_way):
            self.wrong_at = walk.pages
            self._under_way.clear()
