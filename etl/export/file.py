"""A file that is there as a whole or not at all.

It is written under a hidden name in the same folder, brought to the disk, and given its name at the end. A
failure removes it; a kill or a power cut leaves at most the hidden one. What had the name before stays
until then, and stays for those who have it open.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from etl.errors import ExportError


def check_target(path: Path) -> None:
    """Raise ValueError where no file of that name can be made, as far as can be seen before."""
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise ValueError(f"{path} is there, and no file")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """The file to write; it takes the place of `path` when the block ends well.

    Raises ExportError for what the system refuses.
    """
    target = path.resolve()  # a link stays one
    hidden = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        with hidden.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="nothing of it is left, and what was there before is as it was",
        ) from None
    finally:
        with suppress(OSError):
            hidden.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """The new name, too, outlives a power cut; where folders cannot be opened, the system sees to it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
