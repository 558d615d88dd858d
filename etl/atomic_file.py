"""A file that is there whole or not at all: written beside its place, then put there in one step.

It is on the disk before it has its name, so a power cut leaves the file of before or the new one. A kill
leaves at most a hidden file beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file to write to; it takes the place of `path` when the block ends well, and else is removed.

    A link is followed, since it is meant to stay; the file's own permissions stay, too.
    """
    place = Path(os.path.realpath(path))
    handle, name = mkstemp(dir=place.parent, prefix=f".{place.name[:40]}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(_mode(place))
        _sync(part)
        part.replace(place)
        with suppress(OSError):  # where folders cannot be opened, the system sees to it
            _sync(place.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode(place: Path) -> int:
    """The permissions of the file that is replaced; of a new one, what the process gives its files."""
    if place.exists():
        return place.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
