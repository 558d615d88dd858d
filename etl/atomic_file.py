"""A file that is there whole or not at all: written beside its place, then put there in one step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file to write to; it takes the place of `path` when the block ends well, and else is removed.

    A link is followed, since it is meant to stay; the file's own permissions stay, too.
    """
    place = Path(os.path.realpath(path))
    handle, name = mkstemp(dir=place.parent, prefix=f".{place.name[:100]}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(_mode(place))
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write the text as UTF-8, its line ends as they are."""
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        file.write(text)


def _mode(place: Path) -> int:
    """The permissions of the file that is replaced; of a new one, what the process gives its files."""
    if place.exists():
        return place.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
