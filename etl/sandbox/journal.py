"""What was asked and what was answered, for tests to count and for people to read. It holds no key."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from etl.sandbox.messages import Wire

_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request. `rows` were in the true answer, which a fault may have replaced."""

    number: int  # from 1
    account: str | None  # none: the key opened nothing
    action: object = None
    status_filter: object = None
    limit: object = None  # as sent; None: not sent
    offset: object = None
    rows: int = 0
    answered: int  # status code
    wire: Wire = Wire.WHOLE


class Journal:
    """The latest requests, and counts of all."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_REMEMBERED)
        self.count = 0
        self.by_status: Counter[int] = Counter()

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __getitem__(self, at: int) -> Entry:
        return self._entries[at]

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self.count += 1
        self.by_status[entry.answered] += 1

    def clear(self) -> None:
        """Forget all; requests keep their numbers."""
        self._entries.clear()
        self.count = 0
        self.by_status.clear()
