from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from etl.report.scope import Scope


def test_a_moment_is_shown_as_the_clocks_of_the_zone_show_it() -> None:
    shown = Scope(zone=ZoneInfo("Asia/Kolkata")).local(datetime(2024, 2, 15, 9, tzinfo=UTC))
    assert shown.isoformat() == "2024-02-15T14:30:00+05:30"


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("America/New_York", datetime(1, 1, 1, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(9999, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_a_moment_that_the_zone_has_no_year_for_is_shown_in_utc(zone: str, moment: datetime) -> None:
    assert Scope(zone=ZoneInfo(zone)).local(moment) == moment
