"""What a command may do with its process, since it has one of its own: start quickly, keep memory small."""

from __future__ import annotations

import gc
import sys
from typing import Any, cast

# Objects made between two looks for garbage. There is hardly any: to look at what modules and rows bring, as
# often as Python does by itself, is a sixth of a start.
_OBJECTS_BETWEEN_LOOKS = 50_000
_M_ARENA_MAX = -8  # of glibc's malloc.h


def start_lightly() -> None:
    """To be called before the modules are loaded that do the work."""
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
    # httpx loads a command line of its own wherever its libraries are there: as long as all else of it, and
    # 6 MiB. What is None here counts as not installed.
    cast("dict[str, Any]", sys.modules).setdefault("httpx._main", None)


def settle_memory() -> None:
    """Make room for pages that come and go; to be called when the modules are loaded.

    These stay, and need not be looked through for garbage again and again. And glibc gives every thread that
    fetches a page an area of its own, which it grows and gives back for each: one area takes a fifth less
    time, and keeps less.
    """
    gc.freeze()
    if sys.platform == "linux":
        import ctypes

        limit_areas = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
        if limit_areas is not None:
            limit_areas(_M_ARENA_MAX, 1)
