"""Days of a zone as shifts: what a database adds to find the day of an instant there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from etl.report.days import Shift, derive_shifts

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_shift_ends_at_the_second_at_which_the_clocks_are_put() -> None:
    shifts = derive_shifts(BERLIN, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    assert shifts == (
        Shift(datetime(2026, 3, 29, 1, tzinfo=UTC), timedelta(hours=1)),
        Shift(datetime(2026, 10, 25, 1, tzinfo=UTC), timedelta(hours=2)),
        Shift(None, timedelta(hours=1)),
    )


def test_where_the_clocks_are_never_put_one_shift_is_enough() -> None:
    shifts = derive_shifts(
        ZoneInfo("Asia/Kolkata"), datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert shifts == (Shift(None, timedelta(hours=5, minutes=30)),)


@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
)
def test_the_ends_of_all_time_are_no_fault(moment: datetime) -> None:
    assert len(derive_shifts(BERLIN, moment, moment)) == 1
