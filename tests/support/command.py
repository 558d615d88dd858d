"""The installed command as a process, in a folder and an environment of its own.

command = InstalledCommand(tmp_path)
outcome = command.run("sync", "--json", MAGPIPE_API_KEY="mgp_…")
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sysconfig.get_path("scripts")) / "magpipe-etl"
# What a process needs to start at all, and what measures its coverage.
KEPT = ("PATH", "SYSTEMROOT", "COVERAGE")


@dataclass(frozen=True)
class Outcome:
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
