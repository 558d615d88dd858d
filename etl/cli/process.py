"""What the command sees to in its own process: before it opens anything else, and before it reads much."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import Any, Final, cast

_STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
# Too small for a file; and unlike 0, Linux also spares programs that collect such files.
_NO_CORE_BYTES: Final = 1
# Objects made between two looks for garbage: modules bring hardly any, and to look as often as Python does by
# itself is a sixth of a start.
_OBJECTS_BETWEEN_LOOKS: Final = 50_000
# A page brings a few thousand that are gone with it: none of them is in a cycle.
_OBJECTS_OF_PAGES: Final = 5_000
_M_ARENA_MAX: Final = -8  # of glibc's malloc.h


def prepare_process() -> None:
    """Open what a careless parent closed, and keep the memory of the process, with its keys, off the disk.

    And start quickly: to be called before the modules are loaded that do the work.
    """
    _open_standard_streams()
    _forbid_core_files()
    _load_lightly()


def settle_memory() -> None:
    """Make room for pages that come and go; to be called when the modules are loaded.

    These stay, and need not be looked through for garbage again and again; what a page leaves behind is large
    and goes at once. And glibc gives every thread that fetches a page an area of its own, which it grows and
    gives back for each: one area takes a fifth less time, and keeps less.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_OF_PAGES)
    if sys.platform == "linux":
        import ctypes

        limit_areas = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
        if limit_areas is not None:
            limit_areas(_M_ARENA_MAX, 1)


def _load_lightly() -> None:
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
    # httpx loads a command line of its own wherever its libraries are there: as long as all else of it, and
    # 6 MiB; alembic a highlighter of its templates. What is None here counts as not installed.
    for unused in ("httpx._main", "mako.ext.pygmentplugin"):
        cast("dict[str, Any]", sys.modules).setdefault(unused, None)


def _open_standard_streams() -> None:
    """Else the next file that is opened gets the stream's number, and what is printed goes there."""
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _forbid_core_files() -> None:
    with suppress(ImportError, ValueError, OSError):  # a system without them, or that forbids them already
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (_NO_CORE_BYTES, most))
