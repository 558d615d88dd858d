"""The signs that a terminal draws with."""

from __future__ import annotations

import pytest

from etl.report.glyphs import ASCII, BLOCKS, Glyphs, glyphs_for


@pytest.mark.parametrize(
    ("encoding", "glyphs"),
    [("utf-8", BLOCKS), ("ascii", ASCII), ("latin-1", ASCII), (None, ASCII), ("no-such", ASCII)],
)
def test_the_signs_are_those_that_the_encoding_has(encoding: str | None, glyphs: Glyphs) -> None:
    assert glyphs_for(encoding) is glyphs


def test_a_line_goes_from_the_lowest_to_the_highest_with_gaps() -> None:
    assert BLOCKS.line([0.5, None, 0.75, 1.0], 0.5, 1.0) == "▁ ▅█"
    assert BLOCKS.line([0.7, 0.7], 0.7, 0.7) == "██"
    assert ASCII.line([0.5, None, 0.75, 1.0], 0.5, 1.0) == "_ +@"


@pytest.mark.parametrize(
    ("share", "bar"),
    [
        (None, ("", "....")),
        (0.0, ("", "....")),
        (0.5, ("##", "..")),
        (1.0, ("####", "")),
        (1.7, ("####", "")),
    ],
)
def test_a_bar_is_as_full_as_the_share_and_never_longer(share: float | None, bar: tuple[str, str]) -> None:
    assert ASCII.bar(share, 4) == bar
