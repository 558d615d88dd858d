from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.transform.rates import (
    completion_rate,
    counts_consistent,
    duration_seconds,
    failure_rate,
    success_rate,
)

counts = st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 300)
times = st.none() | st.datetimes(timezones=st.just(UTC))


@given(counts, counts)
def test_success_and_failure_are_shares_that_make_a_whole_or_are_both_missing(
    completed: int | None, failed: int | None
) -> None:
    success, failure = success_rate(completed, failed), failure_rate(completed, failed)
    if success is None or failure is None:
        assert success is failure
    else:
        assert 0 <= success <= 1
        assert success + failure == pytest.approx(1)


@given(counts, counts, counts)
def test_consistent_counts_have_a_completion_rate_between_0_and_1(
    total: int | None, completed: int | None, failed: int | None
) -> None:
    rate = completion_rate(total, completed, failed)
    assert rate is None or rate >= 0
    if counts_consistent(total, completed, failed):
        assert (rate is None) == (total == 0)
        assert rate is None or rate <= 1
    elif rate is not None:
        assert rate >= 1


@given(times, times)
def test_a_duration_is_never_negative(started_at: datetime | None, completed_at: datetime | None) -> None:
    seconds = duration_seconds(started_at, completed_at)
    assert seconds is None or seconds >= 0
