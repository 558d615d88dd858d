"""`export`: a table or a view as a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.output import json_option, print_json
from etl.cli.stop import terminated_as_interrupted
from etl.cli.sync import account_option
from etl.cli.types import as_moment, check_window

Found = TypeVar("Found")


@click.command(cls=Command, short_help="Write a table or a view into a file.")
@click.argument("name")
@click.option(
    "--to",
    "path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="The file; its name ends with .parquet, .csv or .jsonl.",
)
@click.option("--since", callback=as_moment, metavar="TIME", help="Rows from then on: a date, a time, 30d.")
@click.option("--until", callback=as_moment, metavar="TIME", help="Rows before then.")
@account_option
@click.option("--raw", is_flag=True, help="In CSV, leave texts that a spreadsheet would take for formulas.")
@json_option
@pass_invocation
def export(
    invocation: Invocation,
    *,
    name: str,
    path: Path,
    since: datetime | None,
    until: datetime | None,
    accounts: tuple[str, ...],
    raw: bool,
    as_json: bool,
) -> None:
    """Write the table or view NAME into a file, as Parquet, CSV or JSON Lines by the file's ending.

    The file is there as a whole or not at all; one that is there already is replaced at the end. In CSV a
    text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    from etl.cli.database import check_accounts, open_filled_tables
    from etl.export.formats import find_format, find_writer
    from etl.export.relation import Choice, find_relation, select_rows
    from etl.export.stream import export_rows
    from etl.export.target import check_target

    check_window(since, until)
    settings = invocation.settings()
    relation = _valid(lambda: find_relation(name), "NAME")
    format_ = _valid(lambda: find_format(path), "--to")
    _valid(lambda: check_target(path), "--to")
    choice = Choice(accounts=accounts, since=since, until=until)
    query = _valid(lambda: select_rows(relation, choice), "NAME")
    writer = find_writer(format_, raw=raw)
    with open_filled_tables(settings) as connection, terminated_as_interrupted():
        check_accounts(connection, accounts)
        rows = export_rows(connection, relation, query, path, writer)
    if as_json:
        size = path.stat().st_size
        print_json({"name": name, "file": str(path), "format": str(format_), "rows": rows, "bytes": size})
    elif not invocation.quiet:
        click.echo(f"{rows:,} {'row' if rows == 1 else 'rows'} of {name} in {path}")


def _valid(find: Callable[[], Found], hint: str) -> Found:
    """What is found, or click's complaint about the argument that names it."""
    try:
        return find()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"'{hint}'") from None
