"""The table of fields: what a batch holds at the source, what this tool adds, and how each field is read.

Named and typed once, in the two classes; the columns and the rules of reading follow from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time
from types import NoneType
from typing import Annotated, Any, Final, NamedTuple, get_args, get_type_hints

import msgspec

from etl.transform.timestamps import (
    EXPECTED_TIME,
    EXPECTED_TIME_OF_DAY,
    parse_time,
    parse_time_of_day,
    parse_times_of_day,
    settle_times,
)
from etl.transform.values import LEAST, MOST, describe, find_fault

# id and status are keys of indexes, and PostgreSQL refuses an index entry beyond 2,704 bytes.
KEY_LENGTH: Final = 255

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_LENGTH)]
Whole = Annotated[int, msgspec.Meta(ge=LEAST, le=MOST)]
Days = list[Whole]


class Source(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A batch as the source shows it; a field that it leaves out is null.

    id and status lead, since nothing without a default may follow what has one.
    """

    id: Key
    status: Key
    user_id: str | None = None
    name: str | None = None
    caller_id: str | None = None
    agent_id: str | None = None
    send_now: bool | None = None
    scheduled_at: datetime | None = None
    window_start_time: time | None = None
    window_end_time: time | None = None
    window_days: Days | None = None
    max_concurrency: Whole | None = None
    reserved_concurrency: Whole | None = None
    total_recipients: Whole | None = None
    completed_count: Whole | None = None
    failed_count: Whole | None = None
    template_id: str | None = None
    purpose: str | None = None
    goal: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    recurrence_type: str | None = None
    recurrence_interval: Whole | None = None
    recurrence_end_date: datetime | None = None
    recurrence_max_runs: Whole | None = None
    recurrence_run_count: Whole | None = None
    parent_batch_id: str | None = None
    occurrence_number: Whole | None = None

    def __repr__(self) -> str:
        """Name the batch and no more: names and numbers of customers stay out of logs and tracebacks."""
        return f"{type(self).__name__}(id={self.id!r}, …)"


class Record(Source, frozen=True, gc=False):
    """A batch as the tables hold it: what the source shows, what follows from that, and what is unknown."""

    success_rate: float | None = None
    failure_rate: float | None = None
    completion_rate: float | None = None
    duration_seconds: float | None = None
    counts_consistent: bool | None = None
    extra: dict[str, Any] | None = None

    @property
    def values(self) -> tuple[Any, ...]:
        """The values in the order of `COLUMNS`, as a bulk load takes them."""
        return msgspec.structs.astuple(self)


SOURCE_COLUMNS: Final = Source.__struct_fields__
DERIVED_COLUMNS: Final = Record.__struct_fields__[len(SOURCE_COLUMNS) :]
COLUMNS: Final = SOURCE_COLUMNS + DERIVED_COLUMNS

# Without these a row says nothing that could be relied on; any other field can be done without.
ESSENTIAL: Final = frozenset("id status created_at total_recipients completed_count failed_count".split())


class Kind(NamedTuple):
    """How fields of one type are read: as which JSON type, and by which parser from there.

    In rows of the usual shape as `at_once`, and then those of many rows together by `settle`: it comes to the
    same, in less time.
    """

    wire: Any
    expected: str
    parse: Callable[[str], Any] | None = None
    at_once: Any = None
    settle: Callable[[Sequence[Any]], Sequence[Any]] | None = None


KINDS: Final[dict[Any, Kind]] = {
    Key: Kind(Key, f"a string of 1 to {KEY_LENGTH} characters without NUL"),
    str: Kind(str, "a string of text without NUL"),
    bool: Kind(bool, "true or false"),
    Whole: Kind(Whole, "an integer within 64 bits"),
    Days: Kind(Days, "a list of integers within 64 bits"),
    datetime: Kind(str, EXPECTED_TIME, parse_time, at_once=datetime, settle=settle_times),
    time: Kind(str, EXPECTED_TIME_OF_DAY, parse_time_of_day, settle=parse_times_of_day),
}


class Field(NamedTuple):
    """One field of the source."""

    name: str
    kind: Kind
    nullable: bool

    @property
    def wire(self) -> Any:
        return self._nullable(self.kind.wire)

    @property
    def at_once(self) -> Any:
        return self._nullable(self.kind.at_once or self.kind.wire)

    def _nullable(self, type_: Any) -> Any:
        return type_ | None if self.nullable else type_

    def read(self, value: object) -> Any:
        """Read a JSON value; raises ValueError, which says what was seen and expected but not the value."""
        try:
            if find_fault(value) is None:
                known = msgspec.convert(value, self.wire)
                return known if known is None or self.kind.parse is None else self.kind.parse(known)
        except ValueError:
            pass
        raise ValueError(f"{self.name} holds {describe(value)}; expected {self.kind.expected}")


def fields_of(source: type[msgspec.Struct]) -> Iterator[Field]:
    for name, hint in get_type_hints(source, include_extras=True).items():
        parts = get_args(hint)
        nullable = NoneType in parts
        yield Field(name, KINDS[parts[0] if nullable else hint], nullable)


FIELDS: Final = tuple(fields_of(Source))
