"""What the command sees to in its own process, before anything else is opened in it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

_STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
# Too small for a file; and unlike 0, Linux also spares programs that collect such files.
_NO_CORE_BYTES: Final = 1


def prepare_process() -> None:
    """Open what a careless parent closed, and keep the memory of the process, with its keys, off the disk."""
    _open_standard_streams()
    _forbid_core_files()


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
