"""When a campaign under way ends, at its pace so far."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from etl.report.figures import Tally
from etl.report.running import expect_end

from support.summaries import NOW, campaign

HOUR = timedelta(hours=1)


def end(
    completed: int, failed: int, recipients: int, started: datetime | None = NOW - HOUR
) -> datetime | None:
    tally = Tally(campaigns=1, completed=completed, failed=failed, recipients=recipients)
    return expect_end(campaign("Reminders", started_at=started, tally=tally), NOW)


def test_who_needed_an_hour_for_a_third_needs_two_for_the_rest() -> None:
    assert end(20, 10, 90) == NOW + 2 * HOUR


@pytest.mark.parametrize(
    ("completed", "failed", "recipients"), [(0, 0, 90), (60, 30, 90), (80, 30, 90), (5, 0, 0)]
)
def test_without_calls_or_without_any_left_no_end_is_claimed(
    completed: int, failed: int, recipients: int
) -> None:
    assert end(completed, failed, recipients) is None


@pytest.mark.parametrize("started", [None, NOW, NOW + HOUR])
def test_without_a_start_that_was_there_is_no_pace(started: datetime | None) -> None:
    assert end(30, 0, 90, started) is None


def test_an_end_beyond_all_measure_is_not_told() -> None:
    assert end(1, 0, 10**18) is None
