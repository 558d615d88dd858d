"""Why a batch differs from what the table has of it, case by case."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from etl.coverage import Covered
from etl.interval import Interval
from etl.load.stored import Kept, Stored
from etl.proof import Row
from etl.transform.fields import SOURCE_COLUMNS
from etl.transform.records import Parsed, parse_record, row_hash, values_hash
from etl.verify.explain import Known, compare, explain_gone
from etl.verify.verdict import Difference, Kind

from support.clocks import START as NOW
from support.pages import read_row

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CREATED = NOW - 30 * DAY
PROVEN = NOW - 2 * HOUR
SYNCED = NOW - HOUR


def row(**values: Any) -> Row:
    """A batch as the source shows it: completed, created thirty days ago, unless `values` say otherwise."""
    fields = {
        "id": "b1",
        "status": "completed",
        "name": "Spring",
        "created_at": CREATED.isoformat(),
        "updated_at": (CREATED + HOUR).isoformat(),
        "completed_count": 7,
        **{
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in values.items()
        },
    }
    return read_row(json.dumps(fields).encode())


def kept(
    shown: Row, *, changed_at: datetime = CREATED, deleted_at: datetime | None = None, **columns: Any
) -> Kept:
    """What the table has after it loaded that row; `columns` were changed there by somebody else."""
    parsed = parse_record(shown.raw)
    assert isinstance(parsed, Parsed)
    source = dict(zip(SOURCE_COLUMNS, parsed.record.values, strict=False)) | columns
    stored = Stored(
        id="b1",
        row_hash=shown.row_hash,
        values_hash=values_hash(parsed.record),
        version=1,
        changed_at=changed_at,
        deleted_at=deleted_at,
    )
    return Kept(stored, tuple(source[name] for name in SOURCE_COLUMNS))


def known(**values: Any) -> Known:
    """An account whose batches up to yesterday were proven two hours ago, and synced one hour ago."""
    given: dict[str, Any] = {
        "now": NOW,
        "max_age": DAY,
        "coverage": [Covered(Interval(after=None, upto=NOW - DAY), PROVEN)],
        "synced_at": SYNCED,
        "held": frozenset(),
        "set_aside": {},
        **values,
    }
    return Known(**given)


def told(difference: Difference | None) -> tuple[Kind, bool, datetime | None]:
    assert difference is not None
    return difference.kind, difference.explained, difference.since


# -- no difference --------------------------------------------------------------------------------


def test_what_is_as_it_was_loaded_does_not_differ() -> None:
    assert compare(row(), kept(row()), known()) is None


def test_another_spelling_of_the_same_values_is_no_difference() -> None:
    respelled = row(created_at=CREATED.isoformat().replace("+00:00", "Z"))
    assert respelled.row_hash != row().row_hash
    assert compare(respelled, kept(row()), known()) is None


def test_a_row_that_an_earlier_version_could_read_is_in_the_table_as_it_is() -> None:
    unreadable = row(completed_count="seven")
    table = kept(row())
    as_loaded = table._replace(stored=table.stored._replace(row_hash=unreadable.row_hash))
    assert compare(unreadable, as_loaded, known()) is None


# -- changed --------------------------------------------------------------------------------------


def test_a_change_after_the_last_proof_is_explained_and_its_fields_are_named() -> None:
    difference = compare(row(name="Summer", updated_at=NOW, completed_count=8), kept(row()), known())
    assert told(difference) == (Kind.CHANGED, True, PROVEN)
    assert difference is not None
    assert difference.what == "changed since it was last proven: name, completed_count, updated_at"


def test_a_change_that_moved_no_time_is_taken_for_one_after_the_last_proof() -> None:
    assert told(compare(row(name="Summer"), kept(row()), known())) == (Kind.CHANGED, True, PROVEN)


def test_a_change_that_the_source_dates_before_the_last_proof_is_not_explained() -> None:
    late = row(name="Summer", updated_at=PROVEN - HOUR)
    assert told(compare(late, kept(row()), known())) == (Kind.UNEXPLAINED, False, PROVEN)


@pytest.mark.parametrize(("minutes", "kind"), [(4, Kind.CHANGED), (6, Kind.UNEXPLAINED)])
def test_the_clock_of_the_source_may_be_behind_by_some_minutes(minutes: int, kind: Kind) -> None:
    shown = row(name="Summer", updated_at=PROVEN - timedelta(minutes=minutes))
    assert told(compare(shown, kept(row()), known()))[0] == kind


def test_a_change_that_is_older_than_every_batch_may_stay_unread_is_not_explained() -> None:
    facts = known(coverage=[Covered(Interval(after=None, upto=NOW - DAY), NOW - 25 * HOUR)])
    difference = compare(row(name="Summer"), kept(row()), facts)
    assert told(difference) == (Kind.CHANGED, False, NOW - 25 * HOUR)
    assert difference is not None
    assert difference.what.endswith(", longer ago than every batch is to be proven again")


def test_a_live_batch_was_read_by_the_last_sync() -> None:
    before, after = row(status="running"), row(status="running", completed_count=8)
    assert told(compare(after, kept(before), known())) == (Kind.CHANGED, True, SYNCED)
    silent_for_long = row(status="running", completed_count=8, updated_at=SYNCED - HOUR / 2)
    assert told(compare(silent_for_long, kept(before), known()))[0] == Kind.UNEXPLAINED


def test_a_batch_that_was_seen_to_change_was_right_then() -> None:
    seen = NOW - HOUR / 2
    assert told(compare(row(name="Summer"), kept(row(), changed_at=seen), known())) == (
        Kind.CHANGED,
        True,
        seen,
    )


def test_a_field_that_this_version_does_not_know_can_change_too() -> None:
    difference = compare(row(tags=["new"]), kept(row()), known())
    assert difference is not None
    assert difference.what == "changed since it was last proven: extra"


def test_other_values_for_the_bytes_that_were_loaded_are_nobodys_change() -> None:
    difference = compare(row(), kept(row(), name="tampered with", completed_count=8), known())
    assert told(difference) == (Kind.UNEXPLAINED, False, None)
    assert difference is not None
    assert difference.what == "the table has other values than those that were loaded: name, completed_count"


# -- not in the table -----------------------------------------------------------------------------


def test_a_batch_that_was_created_since_the_last_sync_is_explained() -> None:
    for created in (NOW - HOUR / 2, SYNCED - timedelta(minutes=4)):
        assert told(compare(row(created_at=created), None, known())) == (Kind.CREATED, True, created)


def test_one_that_was_created_before_it_is_not() -> None:
    at_top = row(created_at=SYNCED - timedelta(minutes=6))
    assert told(compare(at_top, None, known())) == (Kind.UNEXPLAINED, False, SYNCED)
    assert told(compare(row(), None, known())) == (Kind.UNEXPLAINED, False, PROVEN)


def test_without_syncs_a_new_batch_is_left_out_for_too_long() -> None:
    facts = known(
        synced_at=NOW - 40 * HOUR, coverage=[Covered(Interval(after=None, upto=NOW - 9 * DAY), PROVEN)]
    )
    created = NOW - 30 * HOUR
    assert told(compare(row(created_at=created), None, facts)) == (Kind.CREATED, False, created)


def test_a_batch_without_created_at_counts_from_the_last_sync() -> None:
    assert told(compare(row(created_at=None), None, known())) == (Kind.CREATED, True, SYNCED)


def test_what_lies_where_no_sync_has_read_is_not_read() -> None:
    gap = [Covered(Interval(after=NOW - 10 * DAY, upto=NOW - DAY), PROVEN)]
    assert told(compare(row(), None, known(coverage=gap))) == (Kind.NOT_READ, False, None)
    assert told(compare(row(), None, known(coverage=[], synced_at=None))) == (Kind.NOT_READ, False, None)
    assert told(compare(row(created_at=NOW), None, known(synced_at=None))) == (Kind.NOT_READ, False, None)


def test_the_first_batch_of_an_account_that_was_empty_is_new() -> None:
    facts = known(coverage=[])
    assert told(compare(row(created_at=NOW - HOUR / 2), None, facts))[:2] == (Kind.CREATED, True)


def test_a_batch_that_is_listed_again_has_returned() -> None:
    deleted = kept(row(), deleted_at=NOW - 5 * DAY)
    assert told(compare(row(), deleted, known())) == (Kind.RETURNED, True, PROVEN)
    deleted = kept(row(), deleted_at=NOW - HOUR / 4)
    assert told(compare(row(), deleted, known())) == (Kind.RETURNED, True, NOW - HOUR / 4)


# -- what cannot be read --------------------------------------------------------------------------


def test_a_row_that_is_set_aside_is_explained() -> None:
    unreadable = row(completed_count="seven")
    facts = known(set_aside={unreadable.row_hash: "b1"})
    for table in (None, kept(row())):
        assert told(compare(unreadable, table, facts))[:2] == (Kind.SET_ASIDE, True)


def test_a_row_that_became_unreadable_or_other_is_a_change_like_any() -> None:
    unreadable = row(completed_count="seven")
    assert told(compare(unreadable, kept(row()), known())) == (Kind.CHANGED, True, PROVEN)
    facts = known(set_aside={row_hash(b"as it was"): "b1"})
    assert told(compare(unreadable, None, facts)) == (Kind.SET_ASIDE, True, PROVEN)
    assert told(compare(row(), None, facts)) == (Kind.SET_ASIDE, True, PROVEN)


# -- not in the list ------------------------------------------------------------------------------


def test_a_batch_that_is_gone_since_the_last_proof_is_explained() -> None:
    assert told(explain_gone("b1", kept(row()), known())) == (Kind.GONE, True, PROVEN)
    facts = known(coverage=[Covered(Interval(after=None, upto=NOW - DAY), NOW - 25 * HOUR)])
    assert told(explain_gone("b1", kept(row()), facts)) == (Kind.GONE, False, NOW - 25 * HOUR)


def test_one_that_a_sync_has_seen_to_be_gone_is_not() -> None:
    assert told(explain_gone("b1", kept(row()), known(held=frozenset({"b1"}))))[:2] == (Kind.HELD, False)
