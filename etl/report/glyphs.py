"""The signs that a terminal draws with: those that its letters allow. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """One set of signs; `levels` go from the lowest to the highest."""

    levels: str
    full: str
    empty: str
    none: str
    ellipsis: str
    arrow: str

    @property
    def all(self) -> str:
        return self.levels + self.full + self.empty + self.none + self.ellipsis + self.arrow

    def line(self, values: Sequence[float | None], lowest: float, highest: float) -> str:
        """One sign a value, from the lowest to the highest; a gap where there is none."""
        span = highest - lowest

        def level(value: float | None) -> str:
            if value is None:
                return " "
            share = (value - lowest) / span if span > 0 else 1.0
            return self.levels[round(share * (len(self.levels) - 1))]

        return "".join(map(level, values))

    def bar(self, share: float | None, cells: int) -> tuple[str, str]:
        """What is done and what is left, so many cells together; counters that race may tell more."""
        full = round(min(max(share or 0.0, 0.0), 1.0) * cells)
        return self.full * full, self.empty * (cells - full)


BLOCKS: Final = Glyphs(levels="▁▂▃▄▅▆▇█", full="█", empty="░", none="–", ellipsis="…", arrow="→")
ASCII: Final = Glyphs(levels="_.-=+*#@", full="#", empty=".", none="-", ellipsis="...", arrow="->")


def glyphs_for(encoding: str | None) -> Glyphs:
    """Blocks, where the encoding has them all."""
    try:
        BLOCKS.all.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS
