"""A disk of a few MiB that can really be full: a file system in memory, which root alone may mount."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest

KIB = 1024


class Disk:
    """Where it is mounted; what fills it is one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, *, leave_kib: int = 0) -> None:
        """Take all the room that there is, but for so much."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while file.write(b"\0" * 4 * KIB):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            file.truncate(file.tell() - leave_kib * KIB)

    def make_room(self) -> None:
        self._ballast.unlink()

    def turn_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", self.path], check=True)

    def turn_writable(self) -> None:
        subprocess.run(["mount", "-o", "remount,rw", self.path], check=True)


@contextmanager
def small_disk(mebibytes: int) -> Iterator[Disk]:
    """An empty disk of that size, for everybody; skips where nothing may be mounted."""
    # Not among pytest's own folders: PostgreSQL's user may not look into them.
    with tempfile.TemporaryDirectory(prefix="magpipe-etl-disk-") as folder:
        Path(folder).chmod(0o755)
        _run_as_root("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0777", "tmpfs", folder)
        try:
            yield Disk(Path(folder))
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def postgres_on(disk: Disk, url: str) -> Iterator[str]:
    """The server's URL for those whose tables are to be on the disk; the log stays where it is."""
    name = f"small_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            folder = _tablespace_folder(disk, connection)
            connection.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'".encode())
        except psycopg.errors.InsufficientPrivilege:
            pytest.skip("the server's user may not choose where tables are kept")
        try:
            yield f"{url}{'&' if '?' in url else '?'}options={quote(f'-c default_tablespace={name}')}"
        finally:
            connection.execute(f"DROP TABLESPACE {name}".encode())


def _tablespace_folder(disk: Disk, connection: psycopg.Connection) -> Path:
    row = connection.execute("SHOW data_directory").fetchone()
    data = Path(str(row[0] if row else ""))
    if not data.is_dir():
        pytest.skip("the server's disks are on another machine")
    folder = disk.path / "tables"
    folder.mkdir()
    os.chown(folder, data.stat().st_uid, -1)
    return folder


def _run_as_root(*command: str) -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may mount a small disk")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
