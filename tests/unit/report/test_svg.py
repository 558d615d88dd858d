"""Elements of SVG, and the small bars made of them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from etl.report.bars import outcome_bar, share_bar
from etl.report.figures import Tally
from etl.report.svg import element, line, text


def test_names_and_numbers_are_spelled_as_svg_has_them() -> None:
    made = element("rect", x=1.0, width=0.123456, class_="bar", aria_hidden=True, role=None)
    assert made == '<rect x="1" width="0.12" class="bar" aria-hidden="true"/>'
    assert line([(0, 1.5), (2.25, 3)], "rate") == '<polyline points="0,1.5 2.25,3" class="rate"/>'


def test_words_and_attributes_are_escaped() -> None:
    made = text('</text><script>"', 0, 0, '"><x y="')
    assert made == '<text x="0" y="0" class="&#34;&gt;&lt;x y=&#34;">&lt;/text&gt;&lt;script&gt;&#34;</text>'


def widths(bar: str) -> list[float]:
    return [float(rect.attrib["width"]) for rect in list(ET.fromstring(bar))[1:]]


@pytest.mark.parametrize(
    ("tally", "parts"),
    [
        (Tally(recipients=200, completed=100, failed=50), [50, 25]),
        (Tally(recipients=10, completed=15, failed=5), [75, 25]),
        (Tally(recipients=10), []),
        (Tally(), []),
    ],
)
def test_a_bar_of_outcomes_is_of_recipients_or_of_calls_where_these_are_more(
    tally: Tally, parts: list[float]
) -> None:
    assert widths(outcome_bar(tally)) == parts


@pytest.mark.parametrize(("share", "parts"), [(0.5, [50]), (None, []), (0.0, []), (1.7, [100]), (-1.0, [])])
def test_a_bar_of_a_share_is_never_longer_than_the_whole(share: float | None, parts: list[float]) -> None:
    assert widths(share_bar(share)) == parts
