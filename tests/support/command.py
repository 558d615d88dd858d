"""The installed command as a process, in a folder and an environment of its own.

command = InstalledCommand(tmp_path)
outcome = command.run("sync", "--json", **variables(server, database))
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest

from etl.sandbox import SandboxServer

from support.databases import Database

PROGRAM = Path(sysconfig.get_path("scripts")) / "magpipe-etl"
OWN_VARIABLES = ("MAGPIPE_", "ETL_", "DATABASE_")
# What a process needs to start at all, and what measures its coverage.
KEPT = ("PATH", "SYSTEMROOT", "COVERAGE")


def variables(server: SandboxServer, database: Database) -> dict[str, str]:
    """What leads the command to a sandbox and a database; its quota is never used up, pages come in order."""
    return {
        "MAGPIPE_BASE_URL": server.base_url,
        "MAGPIPE_API_KEY": server.key,
        "DATABASE_URL": database.settings.database_url,
        "DATABASE_SCHEMA": database.settings.database_schema,
        "ETL_REQUESTS_PER_MINUTE": "100000",
        "ETL_REQUESTS_PER_HOUR": "100000",
        "ETL_FETCH_AHEAD": "1",
    }


def call_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tests' own process one that calls the command there, with nothing of it in the environment."""
    for name in os.environ:
        if name.startswith(OWN_VARIABLES):
            monkeypatch.delenv(name)
    monkeypatch.chdir(folder)


class Outcome(NamedTuple):
    """How a process ended, and what it wrote."""

    code: int
    out: str
    err: str


class InstalledCommand:
    """Runs the command in `folder`; nothing of the tests' own environment reaches it.

    `prefix`: words that lead to where it runs, when that is elsewhere.
    """

    def __init__(self, folder: Path, *, prefix: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self._program = (*prefix, str(PROGRAM))

    def environ(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        return {**kept, "HOME": str(self.folder), "PYTHONUTF8": "1", **variables}

    def run(self, *arguments: str, **variables: str) -> Outcome:
        process = subprocess.run(
            [*self._program, *arguments],
            cwd=self.folder,
            env=self.environ(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return Outcome(process.returncode, process.stdout, process.stderr)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """The process at work; whoever starts it ends it."""
        return subprocess.Popen(
            [*self._program, *arguments],
            cwd=self.folder,
            env=self.environ(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
