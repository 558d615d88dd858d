"""The tables, read for those who ask from outside: never by too many at once, and never for long in vain."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from etl.engine import reading
from etl.errors import DestinationError
from etl.migrate import current_version

# The server has more threads: while these wait for a database that is away, the others still answer.
_MOST_AT_ONCE = 2
_LONGEST_WAIT_SECONDS = 3.0


class Reading:
    """Gives connections that read one moment of the tables. Any thread may use it."""

    def __init__(self, engine: Engine, *, patience_seconds: float = _LONGEST_WAIT_SECONDS) -> None:
        self._engine = engine
        self._patience_seconds = patience_seconds
        self._turns = threading.BoundedSemaphore(_MOST_AT_ONCE)

    @contextmanager
    def tables(self) -> Iterator[Connection | None]:
        """A connection, or None where no sync has made the tables yet; raises DestinationError."""
        if not self._turns.acquire(timeout=self._patience_seconds):
            raise DestinationError("the database is busy, or out of reach, with what others have asked for")
        try:
            if current_version(self._engine) is None:
                yield None
            else:
                with reading(self._engine) as connection:
                    yield connection
        finally:
            self._turns.release()
