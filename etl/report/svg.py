"""Elements of SVG as text, everything escaped, without a style of their own: the page's sheet colours them.

The page forbids inline styles, so how a mark looks follows from its class, and where it lies from attributes.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

Attribute = str | float | bool | None


def element(tag: str, *children: str, **attributes: Attribute) -> Markup:
    """One element; `class_` and `aria_hidden` are written `class` and `aria-hidden`, None leaves one out."""
    told = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _spelled(value))
        for name, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(children)
    form = Markup("<{tag}{told}>{inside}</{tag}>") if inside else Markup("<{tag}{told}/>")
    return form.format(tag=tag, told=told, inside=inside)


def line(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """A line through the points."""
    spelled = " ".join(f"{_spelled(x)},{_spelled(y)}" for x, y in points)
    return element("polyline", points=spelled, class_=class_)


def text(words: str, x: float, y: float, class_: str, anchor: str | None = None) -> Markup:
    return element("text", words, x=x, y=y, class_=class_, text_anchor=anchor)


def _spelled(value: Attribute) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
