from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl.transform.rates import (
    completion_rate,
    counts_consistent,
    duration_seconds,
    failure_rate,
    success_rate,
)

MOST = 2**63 - 1
START = datetime(2026, 3, 12, 10, 53, 28, 553000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("completed", "failed", "success", "failure"),
    [(85, 15, 0.85, 0.15), (0, 4, 0.0, 1.0), (4, 0, 1.0, 0.0), (MOST, MOST, 0.5, 0.5)],
)
def test_rates_are_shares_of_the_attempted_calls(
    completed: int, failed: int, success: float, failure: float
) -> None:
    assert success_rate(completed, failed) == success
    assert failure_rate(completed, failed) == failure


@pytest.mark.parametrize(
    ("completed", "failed"), [(0, 0), (None, None), (5, None), (None, 5), (-1, 5), (5, -1), (-5, -5), (-5, 5)]
)
def test_there_is_no_rate_where_nothing_was_attempted_or_a_count_tells_nothing(
    completed: int | None, failed: int | None
) -> None:
    assert success_rate(completed, failed) is None
    assert failure_rate(completed, failed) is None


@pytest.mark.parametrize(
    ("total", "completed", "failed", "rate"),
    [(150, 142, 8, 1.0), (1, 1, 0, 1.0), (50, 0, 0, 0.0), (200, 85, 15, 0.5), (MOST, MOST, MOST, 2.0)],
)
def test_the_completion_rate_is_attempts_per_recipient(
    total: int, completed: int, failed: int, rate: float
) -> None:
    assert completion_rate(total, completed, failed) == rate


def test_the_completion_rate_is_not_clamped() -> None:
    assert completion_rate(10, 9, 3) == 1.2


@pytest.mark.parametrize(
    ("total", "completed", "failed"),
    [(0, 0, 0), (0, 5, 5), (None, 5, 5), (-10, 5, 5), (10, None, 5), (10, 5, None), (10, -1, 5), (10, 5, -1)],
)
def test_there_is_no_completion_rate_without_recipients_or_with_a_count_that_tells_nothing(
    total: int | None, completed: int | None, failed: int | None
) -> None:
    assert completion_rate(total, completed, failed) is None


@pytest.mark.parametrize(
    ("total", "completed", "failed", "consistent"),
    [
        (100, 85, 15, True),
        (100, 0, 0, True),
        (0, 0, 0, True),
        (100, 86, 15, False),
        (MOST, MOST, 1, False),
        (100, -1, 2, False),
        (100, 2, -1, False),
        (-1, 0, 0, False),
        (None, 0, 0, None),
        (100, None, 0, None),
        (100, 0, None, None),
    ],
)
def test_counts_are_consistent_when_none_is_negative_and_the_attempts_do_not_exceed_the_recipients(
    total: int | None, completed: int | None, failed: int | None, consistent: bool | None
) -> None:
    assert counts_consistent(total, completed, failed) is consistent


def test_the_duration_is_the_seconds_from_start_to_end() -> None:
    assert duration_seconds(START, START + timedelta(hours=1, microseconds=500)) == 3600.0005
    assert duration_seconds(START, START) == 0.0


def test_a_re_run_that_keeps_the_old_end_has_no_duration_yet() -> None:
    assert duration_seconds(START, START - timedelta(microseconds=1)) is None


@pytest.mark.parametrize(("started_at", "completed_at"), [(None, None), (START, None), (None, START)])
def test_there_is_no_duration_without_both_ends(
    started_at: datetime | None, completed_at: datetime | None
) -> None:
    assert duration_seconds(started_at, completed_at) is None
