"""The report's pure parts, on whatever there may be."""

from __future__ import annotations

import unicodedata
from datetime import date
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from etl.report.figures import Tally
from etl.report.safe_text import harmless
from etl.report.trend import Step, derive_trend

tallies = st.builds(
    Tally,
    campaigns=st.integers(0, 100),
    recipients=st.integers(0, 10**6),
    completed=st.integers(0, 10**6),
    failed=st.integers(0, 10**6),
)


@given(st.dictionaries(st.dates(date(2024, 1, 1), date(2026, 1, 1)), tallies, min_size=1))
def test_a_trend_loses_no_campaign_and_leaves_no_gap(days: dict[date, Tally]) -> None:
    trend = derive_trend(sorted(days.items()))
    assert sum((bucket.tally for bucket in trend.buckets), Tally()) == sum(days.values(), Tally())
    starts = [bucket.first_day for bucket in trend.buckets]
    assert starts == sorted(set(starts))
    longest = {Step.DAY: 1, Step.WEEK: 7, Step.MONTH: 31}[trend.step]
    assert all((b - a).days <= longest for a, b in pairwise(starts))
    assert len(starts) <= 62


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    shown = harmless(text)
    assert not {"Cc", "Cs", "Zl", "Zp"} & {unicodedata.category(character) for character in shown}
