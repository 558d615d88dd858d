"""What threads of one process need to share something fairly, and to do things together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Generic, TypeVar

from etl.errors import StoppedError

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class FairLock:
    """A lock that goes to somebody who waits for it, before whoever just had it gets it again.

    Python's own goes to whoever is quickest: who needs it most of the time would have it all the time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = threading.Lock()  # held by the one that gets it next

    def __enter__(self) -> None:
        with self._next:
            self._lock.acquire()

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._lock.release()


class Together(Generic[Asked, Given]):
    """Does in one call what several threads ask for at the same time, and what can wait until somebody asks.

    `act` gets all that was said by then and returns what each is given, in that order. What is asked for
    meanwhile goes into the next call.
    """

    def __init__(self, act: Callable[[Sequence[Asked]], Sequence[Given]]) -> None:
        self._act = act
        self._turn = threading.Lock()
        self._told: deque[Asked] = deque()
        self._asked: deque[tuple[Asked, Future[Given]]] = deque()
        self._is_closed = False

    def ask(self, what: Asked) -> Given:
        """Raises what `act` raises, to all that it was called for, and StoppedError once this is closed."""
        given: Future[Given] = Future()
        self._asked.append((what, given))
        with self._turn:
            if not given.done():
                self._call()
        return given.result(timeout=0)  # there by now, unless an interrupt took whoever was to give it

    def tell(self, what: Asked) -> None:
        """Have it done before what is asked for next, or at the end; nobody hears what comes of it."""
        self._told.append(what)

    def close(self) -> None:
        """Do what was told, after the call that is under way, and no more. Raises what `act` raises."""
        with self._turn:
            self._is_closed = True
            if told := _take_all(self._told):
                self._act(told)

    def _call(self) -> None:
        asked = _take_all(self._asked)
        try:
            if self._is_closed:
                raise StoppedError("nobody waits for this any more")
            told = _take_all(self._told)
            results = self._act([*told, *(what for what, _ in asked)])[len(told) :]
        except BaseException as error:  # noqa: BLE001 - handed to whoever asked
            for _, given in asked:
                given.set_exception(error)
        else:
            for (_, given), result in zip(asked, results, strict=True):
                given.set_result(result)


def _take_all(queue: deque[Any]) -> list[Any]:
    """What is there by now; more may come meanwhile."""
    return [queue.popleft() for _ in range(len(queue))]
