"""Other people's programs, each in an environment of its own, made of exactly what its lock file names."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.sources import ROOT


@dataclass(frozen=True)
class Tool:
    """An environment whose programs can be run."""

    folder: Path

    def program(self, name: str) -> Path:
        return self.folder / "bin" / name

    def run(self, *arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """One of its programs to its end; nothing of the tests' own settings reaches it."""
        program, *rest = arguments
        return subprocess.run(
            [self.program(program), *rest],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUTF8": "1", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


def make_tool(name: str) -> Tool:
    """The environment for `bi/<name>`; made anew when its lock file has changed."""
    lock = ROOT / "bi" / name / "requirements.txt"
    folder = ROOT / ".venv-bi" / name
    stamp = folder / ".made-from"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = str(folder / "bin" / "pip")
        # The lock names everything; what an extra asks for it names without the extra.
        subprocess.run([pip, "install", "-q", "--no-deps", "--require-hashes", "-r", str(lock)], check=True)
        stamp.write_text(lock.read_text())
    return Tool(folder)
