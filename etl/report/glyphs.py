"""The signs that a terminal draws with: those that its letters allow. Pure."""

from __future__ import annotations

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


BLOCKS: Final = Glyphs(levels="▁▂▃▄▅▆▇█", full="█", empty="░", none="–", ellipsis="…", arrow="→")
ASCII: Final = Glyphs(levels="_.-=+*#@", full="#", empty=".", none="-", ellipsis="...", arrow="->")


def glyphs_for(encoding: str | None) -> Glyphs:
    """Blocks, where the encoding has them all."""
    try:
        BLOCKS.all.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS
