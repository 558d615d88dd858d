"""`report`: the figures in the terminal, as a page, as JSON, or the campaigns behind them as CSV."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.output import json_option, print_csv, print_json, print_rich
from etl.cli.statuses import warn_of_unknown
from etl.cli.sync import account_option
from etl.cli.types import WholeNumber, as_moment, as_zone, check_window

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from etl.report.scope import Scope
    from etl.report.summary import Summary


@click.command(cls=Command, short_help="Show how the campaigns do.")
@click.option(
    "--since", callback=as_moment, metavar="TIME", help="Campaigns created from then on: a date, a time, 30d."
)
@click.option("--until", callback=as_moment, metavar="TIME", help="Campaigns created before then.")
@account_option
@click.option(
    "--status", "statuses", metavar="STATUS", multiple=True, help="Only such campaigns; repeatable."
)
@click.option(
    "--timezone",
    "zone",
    callback=as_zone,
    is_eager=True,
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="Where days begin, and for times without a zone: Europe/Berlin.",
)
@click.option("--top", type=WholeNumber(0, 100), default=8, show_default=True, help="Campaigns in each list.")
@click.option(
    "--min-calls",
    type=WholeNumber(1),
    default=20,
    show_default=True,
    help="Calls that a campaign needs to count as best or worst.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page with charts that needs no other file.",
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
    statuses: tuple[str, ...],
    zone: tzinfo,
    top: int,
    min_calls: int,
    html: Path | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show how the campaigns do: success, its course over time, what runs, what changed, best and worst.

    Success is the share of all calls made, over the campaigns that are still at the source.
    """
    if (as_json, as_csv, html is not None).count(True) > 1:
        raise click.UsageError("--json, --csv and --html exclude each other")
    check_window(since, until)
    if html is not None:
        _check_place(html)
    from etl.cli.database import check_accounts, open_filled_tables
    from etl.report.queries import CAMPAIGN_COLUMNS, read_campaigns
    from etl.report.scope import Scope

    scope = Scope(accounts=accounts, statuses=statuses, since=since, until=until, zone=zone)
    settings = invocation.settings()
    with open_filled_tables(settings) as connection:
        check_accounts(connection, accounts)
        if as_csv:
            print_csv(CAMPAIGN_COLUMNS, read_campaigns(connection, scope))
            return
        summary = read(
            connection, scope, max_age_seconds=settings.max_age_seconds, top=top, min_calls=min_calls
        )
    if not summary.sums.total.campaigns and not invocation.quiet:
        warn_of_unknown(statuses, invocation)
    if html is not None:
        _write_page(html, summary, quiet=invocation.quiet)
    else:
        print_summary(summary, as_json=as_json)


def read(
    connection: Connection, scope: Scope, *, max_age_seconds: float, top: int, min_calls: int
) -> Summary:
    """The figures, as of now."""
    from etl.clock import SystemClock
    from etl.report.summary import read_summary

    return read_summary(
        connection,
        scope,
        now=SystemClock().now(),
        max_age=timedelta(seconds=max_age_seconds),
        top=top,
        least_calls=min_calls,
    )


def print_summary(summary: Summary, *, as_json: bool = False) -> None:
    """Print the figures, in the signs that the terminal has."""
    import sys

    from etl.report.glyphs import glyphs_for
    from etl.report.terminal import render_report

    if as_json:
        from etl.report.document import summary_as_json

        print_json(summary_as_json(summary))
    else:
        print_rich(*render_report(summary, glyphs_for(sys.stdout.encoding)))


def _write_page(path: Path, summary: Summary, *, quiet: bool) -> None:
    from etl.export.target import open_target
    from etl.report.page import render_page

    page = render_page(summary).encode()
    with open_target(path) as file:
        file.write(page)
    if not quiet:
        click.echo(f"{path}: {summary.sums.total.campaigns:,} campaigns, {len(page) / 1024:.0f} KiB")


def _check_place(path: Path) -> None:
    from etl.export.target import check_target

    try:
        check_target(path)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--html'") from None
