"""The report's pure parts, on whatever there may be."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from etl.report.days import derive_shifts
from etl.report.figures import Campaign, Ranking, Tally
from etl.report.page import render_page, shown_name
from etl.report.running import UnderWay, derive_running, expect_end
from etl.report.safe_text import harmless
from etl.report.scales import scale
from etl.report.scope import Scope
from etl.report.svg import text as svg_text
from etl.report.trend import Step, derive_trend

from support.html import Reader
from support.summaries import EVIL, NOW, SUMMARY, campaign, event, sums

HOSTILE = (EVIL, "</title></svg></style>", "\"'><img src=x onerror=x>", "{{ 7 * 7 }}", "]]>", "<!--")
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


@given(st.text())
def test_whatever_a_text_holds_it_is_one_element_of_a_chart_and_reads_as_it_is_shown(text: str) -> None:
    made = svg_text(shown_name(text), 1, 2, "tick")
    head, inside, tail = '<text x="1" y="2" class="tick">', shown_name(text), "</text>"
    if not inside:
        assert made == '<text x="1" y="2" class="tick"/>'
        return
    assert made.startswith(head)
    assert made.endswith(tail)
    body = made[len(head) : -len(tail)]
    assert not set(body) & set("<>\"'")
    assert unescape(body) == inside


@settings(max_examples=30)
@given(
    st.text() | st.sampled_from([EVIL, "</title></svg></style>", "\"'><img src=x onerror=x>", "{{ 7 * 7 }}"])
)
def test_no_name_adds_an_element_or_an_attribute_to_the_page(name: str) -> None:
    def page(name: str) -> Reader:
        one = campaign(name, account=name or "a")
        return Reader(
            render_page(
                replace(
                    SUMMARY,
                    ranking=Ranking(least_calls=1, ranked=1, best=(one,), worst=(one,)),
                    under_way=UnderWay(count=1, shown=(derive_running(one, NOW),)),
                    changes=replace(SUMMARY.changes, events=(event(name, before=name, after=name),)),
                    sums=sums({date(2026, 3, 1): Tally(campaigns=1)}, name, name),
                    scope=Scope(accounts=(name,), statuses=(name,)),
                )
            )
        )

    found, plain = page(name), page("plain")
    assert [(tag, list(attributes)) for tag, attributes in found.elements] == [
        (tag, list(attributes)) for tag, attributes in plain.elements
    ]
    if shown := " ".join(shown_name(name).split()):
        assert found.text.count(shown) >= 5


@given(
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Africa/Casablanca", "Australia/Lord_Howe"]),
    st.integers(160_000_000, 2_200_000_000),
    st.integers(0, 3 * 366 * 86_400),
)
def test_shifts_lead_to_the_day_of_the_zone(name: str, began: int, seconds: int) -> None:
    zone, first = ZoneInfo(name), datetime.fromtimestamp(began, UTC)
    last = first + timedelta(seconds=seconds)
    shifts = derive_shifts(zone, first, last)
    ahead = next(shift.ahead for shift in shifts if shift.until is None or last < shift.until)
    assert (last + ahead).date() == last.astimezone(zone).date()


numbers = st.floats(-1e9, 1e9).filter(lambda number: number == 0 or abs(number) > 1e-6)


@given(numbers, numbers)
def test_a_scale_holds_both_values_with_few_marks(one: float, other: float) -> None:
    low, high = sorted((one, other))
    found = scale(low, high, start=0, end=100)
    room = 1e-6 * max(abs(low), abs(high), 1)
    assert found.marks[0] <= low + room
    assert found.marks[-1] >= high - room
    assert 2 <= len(found.marks) <= 7
    assert list(found.marks) == sorted(set(found.marks))


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**6))
def test_an_expected_end_is_never_before_the_campaign_was_seen(done: int, total: int, minutes: int) -> None:
    seen = datetime(2026, 3, 31, tzinfo=UTC)
    campaign = Campaign(
        account="a",
        id="b",
        name=None,
        status="running",
        started_at=seen - timedelta(minutes=minutes),
        tally=Tally(campaigns=1, completed=done, recipients=total),
    )
    end = expect_end(campaign, seen)
    assert end is None or end >= seen
