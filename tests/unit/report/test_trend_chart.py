"""The chart of success over time: what is drawn, and what it is called."""

from __future__ import annotations

from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from etl.report.figures import Tally
from etl.report.trend import Step, Trend, derive_trend
from etl.report.trend_chart import NARROW, WIDE, Sheet, describe, draw_trend, name_step, pieces

DAY = date(2026, 3, 2)  # a Monday


def trend(*rates: float | None, every: int = 1) -> Trend:
    """A day each, with 100 calls, of which so many succeeded; None is a day on which nobody was called."""
    tallies = (
        Tally(campaigns=1)
        if rate is None
        else Tally(campaigns=1, completed=round(100 * rate), failed=100 - round(100 * rate))
        for rate in rates
    )
    return derive_trend([(DAY + timedelta(days=n * every), tally) for n, tally in enumerate(tallies)])


def drawn(trend: Trend, sheet: Sheet = WIDE) -> ET.Element:
    return ET.fromstring(draw_trend(trend, sheet, title_id="t"))


def marks(chart: ET.Element, tag: str, class_: str) -> list[dict[str, str]]:
    return [each.attrib for each in chart.iter(tag) if each.get("class") == class_]


def test_what_succeeded_and_what_failed_stand_on_each_other_from_the_ground() -> None:
    chart = drawn(trend(0.5, 1.0))
    good, bad = marks(chart, "rect", "good"), marks(chart, "rect", "bad")
    assert (len(good), len(bad)) == (2, 1)
    assert float(good[0]["y"]) + float(good[0]["height"]) == pytest.approx(WIDE.calls_bottom)
    assert float(bad[0]["y"]) + float(bad[0]["height"]) == pytest.approx(float(good[0]["y"]))
    assert float(good[1]["height"]) == pytest.approx(2 * float(good[0]["height"]), rel=0.01)


def test_a_higher_rate_lies_higher() -> None:
    [line] = marks(drawn(trend(0.5, 0.6, 0.9)), "polyline", "rate")
    heights = [float(point.split(",")[1]) for point in line["points"].split()]
    assert heights == sorted(heights, reverse=True)
    assert all(WIDE.rate_top <= height <= WIDE.rate_bottom for height in heights)


def test_the_line_breaks_where_nobody_was_called() -> None:
    lines = marks(drawn(trend(0.5, 0.6, None, 0.7, 0.8)), "polyline", "rate")
    assert [len(line["points"].split()) for line in lines] == [2, 2]
    assert pieces([(0, 0), None, None, (1, 1)]) == [[(0, 0)], [(1, 1)]]


@pytest.mark.parametrize("rates", [(), (0.5,), (None, None), (0.5, None)])
def test_with_fewer_than_two_rates_there_is_nothing_to_draw(rates: tuple[float | None, ...]) -> None:
    assert draw_trend(trend(*rates), WIDE, title_id="t") == ""


@pytest.mark.parametrize("sheet", [WIDE, NARROW])
@pytest.mark.parametrize("count", [2, 31, 60])
def test_nothing_is_drawn_beside_the_paper(sheet: Sheet, count: int) -> None:
    chart = drawn(trend(*[0.5, 0.9] * (count // 2)), sheet)
    for each in chart.iter():
        for name, most in (("x", sheet.width), ("x2", sheet.width), ("cx", sheet.width), ("y", sheet.height)):
            assert 0 <= float(each.get(name, 0)) <= most


def test_dates_have_their_year_where_it_is_new() -> None:
    texts = [each.text for each in drawn(trend(*[0.5] * 40, every=7)).iter("text")]
    years = [text for text in texts if text and text.endswith("2026")]
    assert len(years) == 1


def test_the_chart_is_told_in_a_sentence_that_names_its_ends() -> None:
    assert describe(trend(0.5, 0.9, 0.7)) == (
        "Success rate by day of creation, 2 Mar 2026 to 4 Mar 2026: lowest 50.0 % (2 Mar 2026),"
        " highest 90.0 % (3 Mar 2026), last 70.0 %."
    )


@pytest.mark.parametrize(
    ("step", "name"), [(Step.DAY, "2 Mar 2026"), (Step.WEEK, "week of 2 Mar 2026"), (Step.MONTH, "Mar 2026")]
)
def test_a_step_is_called_what_it_is(step: Step, name: str) -> None:
    assert name_step(step, trend(0.5).buckets[0]) == name


@pytest.mark.parametrize(
    ("today", "over"), [(DAY, False), (DAY + timedelta(days=6), False), (DAY + timedelta(days=7), True)]
)
def test_a_week_is_over_when_the_next_begins(today: date, over: bool) -> None:
    assert Trend(step=Step.WEEK, buckets=trend(0.5).buckets).is_over(today) is over
