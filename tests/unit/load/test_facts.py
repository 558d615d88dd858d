from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl.interval import EVERYTHING, OLDEST, Interval
from etl.load.facts import Facts

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = Interval(after=NOON, upto=NOON + HOUR)
EARLIER = Interval(after=NOON - HOUR, upto=NOON)
ACROSS = Interval(after=NOON - HOUR, upto=NOON + HOUR)
BOTTOM = Interval(after=None, upto=NOON - HOUR)


def facts(*, is_first: bool = True, reached: datetime = NOON) -> Facts:
    return Facts(is_first=is_first, has_missing=False, has_set_aside=False, reached=reached)


@pytest.mark.parametrize("interval", [EARLIER, BOTTOM])
def test_below_what_a_first_run_has_read_there_is_nothing(interval: Interval) -> None:
    assert facts().is_untouched(interval)


@pytest.mark.parametrize("interval", [LATER, ACROSS, EVERYTHING, Interval(after=NOON - HOUR, upto=None)])
def test_where_a_first_run_has_been_there_may_be_batches(interval: Interval) -> None:
    assert not facts().is_untouched(interval)


@pytest.mark.parametrize("interval", [EARLIER, BOTTOM])
def test_an_account_that_was_read_before_may_have_batches_anywhere(interval: Interval) -> None:
    assert not facts(is_first=False).is_untouched(interval)
    assert not facts(reached=OLDEST).is_untouched(interval)
