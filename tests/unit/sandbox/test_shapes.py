from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from etl.sandbox.batch import Batch
from etl.sandbox.shapes import documented, documented_time, observed, postgres_time, to_json

SECOND = datetime(2026, 3, 12, 10, 32, 39, tzinfo=UTC)


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [
        (0, "2026-03-12T10:32:39+00:00"),
        (500_000, "2026-03-12T10:32:39.5+00:00"),
        (338_896, "2026-03-12T10:32:39.338896+00:00"),
        (553_000, "2026-03-12T10:32:39.553+00:00"),
        (10, "2026-03-12T10:32:39.00001+00:00"),
    ],
)
def test_postgres_cuts_trailing_zeros(microsecond: int, text: str) -> None:
    assert postgres_time(SECOND.replace(microsecond=microsecond)) == text


def test_documented_times_have_milliseconds_and_z() -> None:
    assert documented_time(SECOND) == "2026-03-12T10:32:39.000Z"
    assert documented_time(SECOND.replace(microsecond=338_896)) == "2026-03-12T10:32:39.338Z"


def test_times_of_another_zone_are_told_in_utc() -> None:
    moment = SECOND.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert postgres_time(moment) == "2026-03-12T10:32:39+00:00"
    assert documented_time(moment) == "2026-03-12T10:32:39.000Z"


def test_an_observed_row_is_byte_for_byte_as_the_source_sends_it() -> None:
    batch = Batch(
        id="8b8e4857-6e73-4865-8f5f-f2ca823f9eac",
        user_id="11111111-1111-4111-8111-111111111111",
        name="تذكير بالموعد 2396",
        caller_id="+14155550100",
        agent_id="aaaaaaaa-0000-4000-8000-000000000002",
        status="recurring",
        window_start_time="09:00:00",
        window_end_time="17:00:00",
        window_days=(1, 2, 3, 4, 5),
        max_concurrency=2,
        total_recipients=134,
        purpose="Remind about the appointment",
        goal="Confirm, reschedule or cancel — «goal» 2396",
        created_at=datetime(2026, 2, 22, 12, 33, 9, 565158, UTC),
        updated_at=datetime(2026, 2, 24, 5, 49, 11, 310_000, UTC),
        recurrence_type="monthly",
        recurrence_interval=2,
        recurrence_end_date=datetime(2026, 5, 23, tzinfo=UTC),
        recurrence_run_count=4,
    )
    assert to_json(observed(batch)).decode() == (
        '{"id":"8b8e4857-6e73-4865-8f5f-f2ca823f9eac","user_id":"11111111-1111-4111-8111-111111111111",'
        '"name":"تذكير بالموعد 2396","caller_id":"+14155550100",'
        '"agent_id":"aaaaaaaa-0000-4000-8000-000000000002",'
        '"status":"recurring","send_now":true,"scheduled_at":null,"window_start_time":"09:00:00",'
        '"window_end_time":"17:00:00","window_days":[1,2,3,4,5],"max_concurrency":2,"reserved_concurrency":5,'
        '"total_recipients":134,"completed_count":0,"failed_count":0,"template_id":null,'
        '"purpose":"Remind about the appointment","goal":"Confirm, reschedule or cancel — «goal» 2396",'
        '"created_at":"2026-02-22T12:33:09.565158+00:00","updated_at":"2026-02-24T05:49:11.31+00:00",'
        '"started_at":null,"completed_at":null,"recurrence_type":"monthly","recurrence_interval":2,'
        '"recurrence_end_date":"2026-05-23T00:00:00+00:00","recurrence_max_runs":null,"recurrence_run_count":4,'
        '"parent_batch_id":null,"occurrence_number":null}'
    )


def test_a_documented_row_is_byte_for_byte_as_the_vendor_documents_it() -> None:
    batch = Batch(
        id="a2b3c4d5-6789-0123-4567-890123456789",
        user_id="u",
        name="Follow-up Campaign",
        caller_id="c",
        status="scheduled",
        total_recipients=50,
        created_at=datetime(2024, 2, 14, 16, tzinfo=UTC),
        scheduled_at=datetime(2024, 2, 16, 10, tzinfo=UTC),
    )
    assert to_json(documented(batch)) == (
        b'{"id":"a2b3c4d5-6789-0123-4567-890123456789","name":"Follow-up Campaign","status":"scheduled",'
        b'"total_recipients":50,"completed_count":0,"failed_count":0,"created_at":"2024-02-14T16:00:00.000Z",'
        b'"scheduled_at":"2024-02-16T10:00:00.000Z"}'
    )


def test_what_postgres_can_hold_and_python_cannot_is_sent_as_it_is() -> None:
    batch = Batch(id="b", user_id="u", name="n", caller_id="c", created_at=None, completed_at="infinity")
    assert observed(batch)["completed_at"] == "infinity"


def test_columns_beyond_the_thirty_come_last() -> None:
    batch = Batch(id="b", user_id="u", name="n", caller_id="c", created_at=None, extra={"region": "eu"})
    assert list(observed(batch))[-1] == "region"
