"""Where an export goes: what can be told before, and what the system says when it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from etl.atomic_file import replacing
from etl.errors import ExportError


def check_target(path: Path) -> None:
    """Raise ValueError where no file of that name can be made, as far as can be seen before."""
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise ValueError(f"{path} is there and is not a file")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist")


@contextmanager
def open_target(path: Path) -> Iterator[BinaryIO]:
    """The file to write, which is there as a whole or not at all; raises ExportError for what is refused."""
    try:
        with replacing(path) as part, part.open("wb") as file:
            yield file
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="nothing of it is left, and what was there before is as it was",
        ) from None
