"""The project's documents as data: their blocks of code, the words in code, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from support.sources import ROOT, text_of

_BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block; `info` is what stands behind the fence: a language, and perhaps a word more."""

    document: str
    number: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.number}"


def documents() -> tuple[str, ...]:
    found = (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))
    return tuple(sorted(path.relative_to(ROOT).as_posix() for path in found))


@cache
def blocks(*infos: str) -> tuple[Block, ...]:
    """The blocks of these languages, document by document."""
    return tuple(
        Block(name, number, found["info"], found["text"])
        for name in documents()
        for number, found in enumerate(_BLOCK.finditer(text_of(name)), start=1)
        if found["info"] in infos
    )


def prose(document: str) -> str:
    """The text without its blocks."""
    return _BLOCK.sub("", text_of(document))


def spans(document: str) -> Iterator[str]:
    """What stands as code within the prose."""
    return (found[1].replace("\\|", "|") for found in _SPAN.finditer(prose(document)))


def links(document: str) -> Iterator[str]:
    return (found[1] for found in _LINK.finditer(prose(document)))


def target_of(document: str, link: str) -> tuple[str, str]:
    """The file that a relative link means, from the project's root, and the anchor in it."""
    path, _, anchor = link.partition("#")
    if not path:
        return document, anchor
    parts: list[str] = []
    for part in (PurePosixPath(document).parent / path).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts), anchor


def anchors(document: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = (found[1].lower() for found in _HEADING.finditer(prose(document)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def table(document: str, heading: str) -> list[list[str]]:
    """The rows of the first table behind a heading, without its titles."""
    _, _, rest = prose(document).partition(f"# {heading}\n")
    rows: list[list[str]] = []
    for line in rest.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif rows:
            break
    return rows[2:]
