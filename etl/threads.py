"""What threads of one process need to share something fairly, and to do things together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, TypeVar

from etl.errors import StoppedError

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class FairLock:
    """A lock that goes to whoever has waited longest; Python's own goes to whoever is quickest.

    A thread that has it most of the time would else have it all the time.
    """

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._is_held = False

    def __enter__(self) -> None:
        with self._looking:
            if not self._is_held:
                self._is_held = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        gate.acquire()  # until it is handed over

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        with self._looking:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_held = False


class Together(Generic[Asked, Given]):
    """Does in one call what several threads ask for at the same time.

    `act` gets all that was asked for by then and returns what each is given, in that order. What is asked for
    meanwhile goes into the next call.
    """

    def __init__(self, act: Callable[[Sequence[Asked]], Sequence[Given]]) -> None:
        self._act = act
        self._turn = threading.Lock()
        self._asked: deque[tuple[Asked, Future[Given]]] = deque()
        self._is_closed = False

    def ask(self, what: Asked) -> Given:
        """Raises what `act` raises, for all that it was called for, and StoppedError once this is closed."""
        given: Future[Given] = Future()
        self._asked.append((what, given))
        with self._turn:
            if not given.done():
                self._call()
        return given.result()

    def close(self) -> None:
        """Wait for the call that is under way, and make no more."""
        with self._turn:
            self._is_closed = True

    def _call(self) -> None:
        asked = [self._asked.popleft() for _ in range(len(self._asked))]
        try:
            if self._is_closed:
                raise StoppedError("nobody waits for this any more")
            results = self._act([what for what, _ in asked])
        except BaseException as error:  # noqa: BLE001 - handed to whoever asked
            for _, given in asked:
                given.set_exception(error)
        else:
            for (_, given), result in zip(asked, results, strict=True):
                given.set_result(result)
