"""What has to hold of any bytes that come as an answer, made by hypothesis or by a fuzzer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from etl.extract.page import read_page
from etl.extract.split import MalformedBodyError, split_rows
from etl.transform.fields import KEY_LENGTH
from etl.transform.records import Parsed, Rejection, parse_record, row_hash, values_hash
from etl.transform.values import LEAST, MOST

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
MOST_NESTED = 200  # far deeper than a row may be; Python's own parser follows to here


def check_answer(body: bytes) -> None:
    """The body is refused as a whole, or cut into rows each of which is loaded or set aside with a reason."""
    try:
        rows = split_rows(body)
    except MalformedBodyError:
        return
    check_elements(body, rows)
    page = read_page(body, offset=0, limit=1000, observed_at=NOW)
    assert page.length == len(rows)
    assert {row.row_hash for row in page.rows} <= {row_hash(raw) for raw in rows}
    for raw in rows:
        check_row(raw)


def check_elements(body: bytes, rows: list[bytes]) -> None:
    """Where Python's own parser reads the body, it finds the same elements."""
    listed = _read(body)
    if isinstance(listed, dict) and isinstance(listed.get("batches"), list):
        assert [_spelled(_read(raw)) for raw in rows] == [_spelled(each) for each in listed["batches"]]


def check_row(raw: bytes) -> None:
    outcome = parse_record(raw)
    if isinstance(outcome, Rejection):
        assert outcome.reason
        return
    check_record(outcome)


def check_record(parsed: Parsed) -> None:
    """Both databases can hold every value, and what was noted can be printed."""
    for value in parsed.record.values:
        check_storable(value)
    assert 0 < len(parsed.record.id) <= KEY_LENGTH
    assert LEAST <= values_hash(parsed.record) <= MOST
    for told in (*parsed.unknown_fields, *(f"{note.field}{note.reason}" for note in parsed.notes)):
        assert told.encode().decode().isprintable()


def check_storable(value: Any) -> None:
    match value:
        case bool() | float() | None:
            pass
        case str():
            assert b"\0" not in value.encode()
        case int():
            assert LEAST <= value <= MOST
        case datetime():
            assert value.tzinfo is UTC
        case list():
            for each in value:
                check_storable(each)
        case dict():
            for name, each in value.items():
                check_storable(name)
                check_storable(each)


def _read(body: bytes) -> Any:
    """What Python's parser makes of it; None where it is too strict for that, or not strict enough."""
    try:
        text = body.decode()
        return json.loads(text) if text.count("[") + text.count("{") < MOST_NESTED else None
    except ValueError:
        return None


def _spelled(value: Any) -> str:
    """A value to compare by: NaN is like NaN."""
    return json.dumps(value, sort_keys=True)
