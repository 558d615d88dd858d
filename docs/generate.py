"""Writes the parts of the documents that follow from the program: commands, settings, fields, tables.

`make docs` runs it. With `--check` it writes nothing and ends with 1 where a document is out of date.
A part stands between `<!-- name: by make docs -->` and `<!-- end -->`; the text around it is written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import click
from sqlalchemy import Column, MetaData
from sqlalchemy.dialects import postgresql, sqlite

from etl.cli.root import root
from etl.settings import definitions
from etl.tables import metadata
from etl.views import views

ROOT = Path(__file__).parents[1]
COMMON = ("--config", "--verbose", "--quiet", "--log-format", "--help")  # of every command, so told once
PLACEHOLDERS = {"INTEGER RANGE": "N", "INTEGER": "N", "FLOAT": "NUMBER"}
SHORT_TYPES = {"timestamp with time zone": "timestamptz", "time without time zone": "time"}


def render_commands() -> Iterator[str]:
    """Every command in a line."""
    rows = (
        [f"[`{path}`](docs/commands.md#{_anchor(path)})", command.get_short_help_str(limit=200)]
        for path, command in _commands()
    )
    yield from _table(["command", "does"], rows)


def render_options() -> Iterator[str]:
    """Every command with all its options; those that all have in common come first."""
    where = "These stand before the command's name or after it, `--version` in place of one."
    yield from ["## Everywhere", "", where]
    yield from _options(root, lambda _: True)
    for path, command in _commands():
        yield from ["", f"## {path}", "", _prose(command)]
        yield from _options(command, lambda option: not set(COMMON) & set(option.opts))


def render_settings() -> Iterator[str]:
    """Every setting, as the file and as the environment name it."""
    rows = (
        [f"`{one.name}`", f"`{one.variable}`", f"`{_shown(one.default)}`", one.meaning]
        for one in definitions()
    )
    yield from _table(["in the file", "variable", "default", "meaning"], rows)


def render_tables() -> Iterator[str]:
    """Every table with all its columns."""
    yield from _relations(metadata)


def render_views() -> Iterator[str]:
    """Every view likewise."""
    yield from _relations(views)


def _relations(relations: MetaData) -> Iterator[str]:
    for table in relations.tables.values():
        key = ", ".join(f"`{column.name}`" for column in table.primary_key)
        rows = ([f"`{column.name}`", *_types(column), _meaning(column)] for column in table.columns)
        yield from [f"## {table.name}", "", f"{_sentence(table.comment or '')} Key: {key}.", ""]
        yield from [*_table(["column", "PostgreSQL", "SQLite", "meaning"], rows), ""]


PARTS: dict[str, dict[str, Callable[[], Iterator[str]]]] = {
    "README.md": {"commands": render_commands, "settings": render_settings},
    "docs/commands.md": {"options": render_options},
    "docs/tables.md": {"views": render_views, "tables": render_tables},
}


def main(arguments: Sequence[str]) -> int:
    """Bring every document up to date, or say which is not; gives the exit code."""
    stale = []
    for name, parts in PARTS.items():
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = before
        for part, render in parts.items():
            after = _replace(after, part, render())
        if after != before:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(after, encoding="utf-8")
    if stale and "--check" in arguments:
        sys.stderr.write(f"out of date, run `make docs`: {', '.join(stale)}\n")
        return 1
    return 0


def _replace(text: str, part: str, lines: Iterable[str]) -> str:
    begin, end = f"<!-- {part}: by make docs -->\n", "<!-- end -->"
    if text.count(begin) != 1:
        raise ValueError(f"expected one line {begin.strip()!r}, found {text.count(begin)}")
    head, _, rest = text.partition(begin)
    body = "\n".join(lines).strip("\n")
    return f"{head}{begin}\n{body}\n\n{end}{rest.partition(end)[2]}"


def _commands(group: click.Group = root, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def _options(command: click.Command, wanted: Callable[[click.Option], bool]) -> Iterator[str]:
    context = click.Context(command)
    options = (one for one in command.get_params(context) if isinstance(one, click.Option) and wanted(one))
    records = (one.get_help_record(context) for one in options)
    rows = [[f"`{_placeheld(each[0])}`", " ".join(each[1].split())] for each in records if each]
    if rows:
        yield from ["", *_table(["option", "meaning"], rows)]


def _placeheld(option: str) -> str:
    for name, shown in PLACEHOLDERS.items():
        if option.endswith(f" {name}"):
            return f"{option.removesuffix(name)}{shown}"
    return option


def _prose(command: click.Command) -> str:
    """The command's help, its paragraphs on a line each."""
    paragraphs = re.split(r"\n\s*\n", command.help or "")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _types(column: Column[object]) -> list[str]:
    null = "" if column.nullable else ", not null"
    postgres = str(column.type.compile(dialect=postgresql.dialect())).lower()
    kind = str(column.type.compile(dialect=sqlite.dialect())).lower()
    return [f"{SHORT_TYPES.get(postgres, postgres)}{null}", kind]


def _meaning(column: Column[object]) -> str:
    if not column.comment:
        raise ValueError(f"{column} has no comment")
    return column.comment


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _anchor(heading: str) -> str:
    return heading.replace(" ", "-")


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
