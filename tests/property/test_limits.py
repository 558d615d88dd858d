"""Whatever a source puts into its headers, nothing raises and no wait is longer than a clock can wait."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import TIMEOUT_MAX

from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl.extract.limits import read_limits

NOW = datetime(2024, 2, 15, 9, 30, tzinfo=UTC)
DAY = 86_400.0
NAMES = ["date", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]

zones = st.sampled_from(["GMT", "+0000", "-2359", "+9999", "-99999", "+99999999999999999999", "", "XYZ"])
dates = st.builds(
    lambda day, year, hour, zone: f"Thu, {day:02} Feb {year:04} {hour:02}:30:00 {zone}",
    st.integers(0, 40),
    st.integers(0, 99_999),
    st.integers(0, 30),
    zones,
)
numbers = st.integers().map(str) | st.floats().map(str) | st.integers(0, 2 * 10**18).map(str)
odd = st.text(alphabet="0123456789 :+-,.eEJanFebThuGMT١²\0\n", max_size=30)
headers = st.dictionaries(st.sampled_from(NAMES), dates | numbers | odd | st.text(max_size=20), max_size=5)


@settings(max_examples=500)
@given(headers)
@example({"date": "0 JAN 0 0:0 2400000000000"})
@example({"date": "0 JAN 0:0 2200000000"})
@example({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1707989400000000"})
@example({"retry-after": "1e300"})
@example({"x-ratelimit-limit": "0\x1f"})
def test_any_headers_are_read_or_passed_over(given_headers: dict[str, str]) -> None:
    limits = read_limits(given_headers, NOW)
    for seconds in (limits.reset_seconds, limits.retry_after_seconds):
        assert seconds is None or 0 <= seconds <= DAY < TIMEOUT_MAX
    for count in (limits.limit, limits.remaining):
        assert count is None or 0 <= count < 2**63
