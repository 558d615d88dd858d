"""Other processes that a test talks with, a line at a time, so that nothing depends on how fast they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from support.databases import Database

# What every program begins with: the same database, opened by itself.
PROLOGUE = """
import sys
from types import SimpleNamespace
from etl.engine import create_engine
settings = SimpleNamespace(database_url=sys.argv[1], database_schema=sys.argv[2])
engine = create_engine(settings)
"""


@dataclass(frozen=True)
class Worker:
    process: subprocess.Popen[str]
    to: IO[str]
    back: IO[str]

    def say(self, line: str) -> None:
        self.to.write(f"{line}\n")
        self.to.flush()

    def hear(self) -> str:
        """The next line that the process prints; nothing when it ended instead."""
        return self.back.readline().rstrip("\n")

    def kill(self) -> None:
        """As kill -9 does: no chance to clean up."""
        self.process.kill()
        self.process.wait()


@contextmanager
def worker(program: str, database: Database) -> Iterator[Worker]:
    """A Python process that has `engine` and `settings`; it is killed at the end if it still runs."""
    settings = database.settings
    command = [sys.executable, "-c", PROLOGUE + program, settings.database_url, settings.database_schema]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the pipes that were asked for are missing")
        try:
            yield Worker(process, process.stdin, process.stdout)
        finally:
            process.kill()
