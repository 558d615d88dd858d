"""What a command says: tables for people and JSON for programs on stdout, what went wrong on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from etl.cli.invocation import Invocation
    from etl.logs import Log

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_WIDTH_OF_A_FILE = 200  # nothing is cut off for want of a terminal


class Outcome(Protocol):
    """What was done for one account, or one thing that was looked at."""

    @property
    def exit_code(self) -> int: ...


def first_exit_code(outcomes: Iterable[Outcome]) -> int:
    """That of the first that did not end well."""
    return next((outcome.exit_code for outcome in outcomes if outcome.exit_code), 0)


def console(stream: TextIO | None = None) -> Console:
    """A console on stdout unless told otherwise; colours on a terminal only, and none with NO_COLOR."""
    from rich.console import Console

    stream = stream or sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else _WIDTH_OF_A_FILE,
        highlight=False,
        markup=False,
        emoji=False,
    )


def print_error(message: str, hint: str | None, invocation: Invocation) -> None:
    """One fault on stderr, and what to do about it, without secrets and control characters."""
    from etl.logs import Redactor, one_line

    if json_log := _json_log(invocation):
        json_log.error("command.failed", error=message, hint=hint)
        return
    redact = Redactor(invocation.secrets)
    click.echo("\n".join(one_line(redact(line)) for line in f"error: {message}".split("\n")), err=True)
    if hint:
        click.echo(f"hint: {one_line(redact(hint))}", err=True)


def print_traceback(error: Exception, invocation: Invocation) -> None:
    """Where a bug was met, on stderr, without secrets; the error is the one in hand."""
    from traceback import format_exception

    from etl.logs import Redactor

    if json_log := _json_log(invocation):
        json_log.exception("command.crashed")
        return
    click.echo(Redactor(invocation.secrets)("".join(format_exception(error))), err=True, nl=False)


def print_warning(message: str, invocation: Invocation) -> None:
    """Something on stderr that is odd and not wrong."""
    from etl.logs import one_line

    if json_log := _json_log(invocation):
        json_log.warning("command.warned", warning=message)
        return
    click.echo(one_line(f"warning: {message}"), err=True)


def _json_log(invocation: Invocation) -> Log | None:
    """The log, where every line on stderr is to be JSON."""
    if invocation.log_format != "json":
        return None
    from etl.logs import Log

    invocation.configure_logs()
    return Log(__name__)


def print_rich(*parts: RenderableType) -> None:
    """Print each on lines of its own."""
    from rich.text import Text

    out = console()
    for part in parts:
        if not isinstance(part, Text):
            _print_whole(out, part)
        elif out.is_terminal:
            out.print(_hanging(part))
        else:  # what goes into a file or a pipe can be searched line by line
            out.print(part, soft_wrap=True)


def _print_whole(out: Console, block: RenderableType) -> None:
    """A table; where the terminal is too narrow for its figures, the terminal wraps the lines."""
    from rich.measure import Measurement

    usual = out.width
    unbounded = out.options.update(max_width=_WIDTH_OF_A_FILE)
    out.width = max(usual, Measurement.get(out, unbounded, block).minimum)
    out.print(block)
    out.width = usual


def _hanging(line: Text) -> RenderableType:
    """A line that is indented, so that what is wrapped of it is indented as far."""
    from rich.padding import Padding

    indent = len(line.plain) - len(line.plain.lstrip(" "))
    return Padding(line[indent:], (0, 0, 0, indent), expand=False) if indent else line


def print_csv(titles: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """A line each, in UTF-8 whatever the terminal speaks; no text of it is a formula to a spreadsheet."""
    import csv

    from etl.spreadsheet import inert

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(titles)
    for row in rows:
        lines.writerow([inert(_cell(value)) for value in row])


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else value


def print_json(document: Any) -> None:
    """One document; all but ASCII is escaped, so that no terminal and no encoding can spoil it."""
    click.echo(json.dumps(document, indent=2))
