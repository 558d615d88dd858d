"""`quarantine`: rows that could not be read, and another try at them."""

from __future__ import annotations

import click

from etl.cli.invocation import Group, Invocation, pass_invocation
from etl.cli.output import json_option, print_json
from etl.cli.sync import account_option, show_runs

_NOTHING = "Nothing is set aside."


@click.group(cls=Group, short_help="Rows that could not be read; try them again.")
def quarantine() -> None:
    """Rows, and single fields, that were set aside since they could not be read."""


@quarantine.command("list")
@click.option("--all", "resolved", is_flag=True, help="Also those that have been read since.")
@click.option("--raw", is_flag=True, help="Also the text as received, with what it says of customers.")
@account_option
@json_option
@pass_invocation
def list_(
    invocation: Invocation, *, resolved: bool, raw: bool, accounts: tuple[str, ...], as_json: bool
) -> None:
    """Show what is set aside, and why."""
    from etl.cli.database import check_accounts, open_filled_tables
    from etl.report.quarantine import read_set_aside, render_set_aside, set_aside_as_json

    with open_filled_tables(invocation.settings()) as connection:
        check_accounts(connection, accounts)
        rows = read_set_aside(connection, accounts=accounts, resolved=resolved, raw=raw)
        if as_json:
            print_json({"quarantine": [set_aside_as_json(row) for row in rows]})
            return
        lines = map(render_set_aside, rows)
        click.echo(next(lines, _NOTHING))
        for line in lines:
            click.echo(line)


@quarantine.command(short_help="Try to read them again.")
@account_option
@json_option
@pass_invocation
def replay(invocation: Invocation, *, accounts: tuple[str, ...], as_json: bool) -> int:
    """Try to read them again, with this version's rules; asks nothing of the source."""
    from etl import app
    from etl.cli.database import check_accounts, open_filled_tables
    from etl.cli.stop import stoppable_clock

    settings = invocation.settings()
    with stoppable_clock() as clock:
        runs = app.replay(settings, accounts=accounts, clock=clock)
    if not runs and not as_json:
        with open_filled_tables(settings) as connection:
            check_accounts(connection, accounts)
        if not invocation.quiet:
            click.echo(_NOTHING)
        return 0
    return show_runs(invocation, settings, runs, as_json=as_json)
