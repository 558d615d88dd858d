"""Small bars that stand beside a number in a table; the number is the text, the bar is for the eye. Pure."""

from __future__ import annotations

from markupsafe import Markup

from etl.report.figures import Tally
from etl.report.svg import element


def outcome_bar(tally: Tally) -> Markup:
    """Of all recipients: calls that succeeded, calls that failed, and nothing for those not reached."""
    whole = max(tally.recipients, tally.attempted)
    good = 100.0 * tally.completed / whole if whole else 0.0
    bad = 100.0 * tally.failed / whole if whole else 0.0
    return _bar(("good", 0.0, good), ("bad", good, bad))


def share_bar(share: float | None) -> Markup:
    """A share of 1, cut at both ends: counters that race may tell more."""
    return _bar(("good", 0.0, 100.0 * min(max(share or 0.0, 0.0), 1.0)))


def _bar(*parts: tuple[str, float, float]) -> Markup:
    marks = (
        element("rect", x=start, y=0.0, width=length, height=8.0, class_=class_)
        for class_, start, length in parts
        if length > 0
    )
    return element(
        "svg",
        element("rect", x=0.0, y=0.0, width=100.0, height=8.0, class_="rest"),
        *marks,
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden=True,
        focusable=False,
        class_="bar",
    )
