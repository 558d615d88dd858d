"""The project's own files, for tests that say how it is to be written."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """A module of the program: where it is, from the project's root, and its syntax tree."""

    path: str
    tree: ast.Module

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)


@cache
def modules(folder: str = "etl") -> tuple[Module, ...]:
    return tuple(
        Module(path.relative_to(ROOT).as_posix(), ast.parse(path.read_bytes()))
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


@cache
def tracked_files() -> tuple[str, ...]:
    """What git has of the project; skips where there is no git to ask."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def text_of(name: str) -> str:
    """A file's text; an empty one for what is no text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
