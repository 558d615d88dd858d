"""Success over time as a picture: the rate as a line, and below it the calls that it is made of. Pure.

A rate without its calls misleads: a step with ten calls leaps, one with ten thousand hardly moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from etl.report.scales import Scale, rate_scale, scale, thinned
from etl.report.svg import element, line, text
from etl.report.trend import Bucket, Step, Trend
from etl.report.words import compact, day_of_year, full_day, month_of, percent

_LEFT, _RIGHT = 54.0, 14.0
_LABEL_WIDTH = 86.0  # what a date needs
_MOST_DOTS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The paper of a chart, in units of which one is about a pixel."""

    width: float = 860.0
    rate_top: float = 26.0
    rate_bottom: float = 176.0
    calls_top: float = 218.0
    calls_bottom: float = 284.0
    height: float = 310.0

    @property
    def left(self) -> float:
        return _LEFT

    @property
    def right(self) -> float:
        return self.width - _RIGHT


WIDE = Sheet()
NARROW = Sheet(width=360.0)


def draw_trend(trend: Trend, sheet: Sheet, *, title_id: str) -> Markup:
    """The chart, or nothing where fewer than two steps have a rate."""
    known = [rate for bucket in trend.buckets if (rate := bucket.tally.success_rate) is not None]
    if len(known) < 2:
        return Markup("")
    rates = rate_scale(min(known), max(known), start=sheet.rate_bottom, end=sheet.rate_top)
    most = max(bucket.tally.attempted for bucket in trend.buckets)
    calls = scale(0, most, start=sheet.calls_bottom, end=sheet.calls_top, most_marks=4)
    parts = (
        element("title", describe(trend), id=title_id),
        *_axis(sheet, rates, "Success rate", [percent(mark).replace(".0", "") for mark in rates.marks]),
        *_axis(sheet, calls, "Calls", [compact(mark) for mark in calls.marks]),
        *_days(sheet, trend),
        *_bars(sheet, trend.buckets, calls),
        *_rates(sheet, trend.buckets, rates),
        *_touch(sheet, trend),
    )
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {sheet.width:.0f} {sheet.height:.0f}",
        role="img",
        aria_labelledby=title_id,
    )


def describe(trend: Trend) -> str:
    """The chart in a sentence, for those who do not see it."""
    rated = [bucket for bucket in trend.buckets if bucket.tally.success_rate is not None]
    low, high = (choose(rated, key=lambda bucket: bucket.tally.success_rate or 0.0) for choose in (min, max))
    return (
        f"Success rate by {trend.step} of creation, {name_step(trend.step, rated[0])} to"
        f" {name_step(trend.step, rated[-1])}: lowest {percent(low.tally.success_rate)}"
        f" ({name_step(trend.step, low)}), highest {percent(high.tally.success_rate)}"
        f" ({name_step(trend.step, high)}), last {percent(rated[-1].tally.success_rate)}."
    )


def name_step(step: Step, bucket: Bucket) -> str:
    """What a bucket stands for: `3 Nov 2026`, `week of 2 Nov 2026`, `Nov 2026`."""
    match step:
        case Step.DAY:
            return full_day(bucket.first_day)
        case Step.WEEK:
            return f"week of {full_day(bucket.first_day)}"
        case Step.MONTH:
            return month_of(bucket.first_day)


def _axis(sheet: Sheet, marks: Scale, title: str, labels: Sequence[str]) -> Iterator[Markup]:
    yield text(title, 0.0, marks.end - 12, "caption")
    for mark, label in zip(marks.marks, labels, strict=True):
        y = marks(mark)
        yield element("line", x1=sheet.left, x2=sheet.right, y1=y, y2=y, class_="grid")
        yield text(label, sheet.left - 8, y + 4, "tick", "end")


def _days(sheet: Sheet, trend: Trend) -> Iterator[Markup]:
    """Dates below the chart, as many as there is room for."""
    count = len(trend.buckets)
    most = int((sheet.right - sheet.left) // _LABEL_WIDTH)
    years: set[int] = set()
    for place in thinned(count, most):
        day = trend.buckets[place].first_day
        x = _middle(sheet, place, count)
        anchor = "end" if x > sheet.right - _LABEL_WIDTH / 3 else "middle"
        yield text(_date_label(trend.step, day, years), x, sheet.calls_bottom + 20, "tick", anchor)


def _date_label(step: Step, day: date, years: set[int]) -> str:
    """A date, with its year where that is the first of its year."""
    if step is Step.MONTH:
        return month_of(day)
    new = day.year not in years
    years.add(day.year)
    return full_day(day) if new else day_of_year(day)


def _bars(sheet: Sheet, buckets: Sequence[Bucket], calls: Scale) -> Iterator[Markup]:
    width = _step(sheet, len(buckets))
    gap = min(width * 0.2, 3.0)
    for place, bucket in enumerate(buckets):
        x = sheet.left + place * width + gap / 2
        top, middle = calls(bucket.tally.attempted), calls(bucket.tally.completed)
        for class_, upper, lower in (("good", middle, sheet.calls_bottom), ("bad", top, middle)):
            if lower - upper > 0.05:
                yield element("rect", x=x, y=upper, width=width - gap, height=lower - upper, class_=class_)


def _rates(sheet: Sheet, buckets: Sequence[Bucket], rates: Scale) -> Iterator[Markup]:
    points = [
        None
        if bucket.tally.success_rate is None
        else (_middle(sheet, place, len(buckets)), rates(bucket.tally.success_rate))
        for place, bucket in enumerate(buckets)
    ]
    for piece in pieces(points):
        if len(piece) > 1:
            yield line(piece, "rate")
        if len(piece) == 1 or len(buckets) <= _MOST_DOTS:
            yield from (element("circle", cx=x, cy=y, r=2.5, class_="dot") for x, y in piece)
    last = max(place for place, point in enumerate(points) if point)
    x, y = points[last] or (0.0, 0.0)
    yield element("circle", cx=x, cy=y, r=4.0, class_="dot")
    above = y - 10 if y - 10 > sheet.rate_top - 8 else y + 20
    yield text(percent(buckets[last].tally.success_rate), min(x + 6, sheet.right), above, "value", "end")


def _touch(sheet: Sheet, trend: Trend) -> Iterator[Markup]:
    """An unseen column a step, which tells its numbers to the pointer that rests on it."""
    width = _step(sheet, len(trend.buckets))
    for place, bucket in enumerate(trend.buckets):
        tally = bucket.tally
        words = (
            f"{name_step(trend.step, bucket)}: {percent(tally.success_rate)} of {tally.attempted:,} calls,"
            f" {tally.campaigns:,} campaigns"
        )
        yield element(
            "rect",
            element("title", words),
            x=sheet.left + place * width,
            y=sheet.rate_top,
            width=width,
            height=sheet.calls_bottom - sheet.rate_top,
            class_="touch",
        )


def pieces(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The line's unbroken parts: where nothing was called, there is no rate to draw."""
    found: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            found.append([])
        else:
            found[-1].append(point)
    return [piece for piece in found if piece]


def _step(sheet: Sheet, count: int) -> float:
    return (sheet.right - sheet.left) / count


def _middle(sheet: Sheet, place: int, count: int) -> float:
    return sheet.left + (place + 0.5) * _step(sheet, count)
