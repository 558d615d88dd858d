"""`report`: the figures in the terminal, as JSON, or the campaigns behind them as CSV."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.output import json_option, print_csv, print_json, print_rich
from etl.cli.types import as_moment

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from etl.report.queries import Scope


@click.command(cls=Command, short_help="Show how the campaigns do.")
@click.option(
    "--since", callback=as_moment, metavar="TIME", help="Campaigns created from then on: a date, a time, 30d."
)
@click.option("--until", callback=as_moment, metavar="TIME", help="Campaigns created before then.")
@click.option("--account", "accounts", metavar="NAME", multiple=True, help="Only this account; repeatable.")
@click.option(
    "--top", type=click.IntRange(0, 100), default=5, show_default=True, help="Campaigns in each list."
)
@click.option(
    "--min-calls",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Calls that a campaign needs to count as best or worst.",
)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print the campaigns as CSV, one a line.")
@pass_invocation
def report(
    invocation: Invocation,
    *,
    since: datetime | None,
    until: datetime | None,
    accounts: tuple[str, ...],
    top: int,
    min_calls: int,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show how the campaigns do: success, its course over time, best and worst, what is running now.

    Success is the share of all calls made, over the campaigns that are still at the source.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    from etl.cli.database import open_filled_tables
    from etl.report.queries import CAMPAIGN_COLUMNS, Scope, read_campaigns

    scope = Scope(accounts=accounts, since=since, until=until)
    with open_filled_tables(invocation.settings()) as connection:
        _check_accounts(connection, accounts)
        if as_csv:
            print_csv(CAMPAIGN_COLUMNS, read_campaigns(connection, scope))
        else:
            print_report(connection, scope, top=top, min_calls=min_calls, as_json=as_json)


def print_report(connection: Connection, scope: Scope, *, top: int, min_calls: int, as_json: bool) -> None:
    """Read the figures and print them."""
    from etl.clock import SystemClock
    from etl.report.summary import read_summary
    from etl.report.terminal import render_report

    summary = read_summary(connection, scope, now=SystemClock().now(), top=top, least_calls=min_calls)
    if as_json:
        from etl.report.document import summary_as_json

        print_json(summary_as_json(summary))
    else:
        print_rich(*render_report(summary))


def _check_accounts(connection: Connection, accounts: tuple[str, ...]) -> None:
    """Refuse a name that the tables do not know: figures of nothing would look like an answer."""
    from etl.report.health_queries import read_last_complete

    known = read_last_complete(connection)
    for name in accounts:
        if name not in known:
            expected = f"expected one of {', '.join(known)}" if known else "no account has been synced yet"
            raise click.BadParameter(f"{expected}, got {name!r}", param_hint="'--account'")
