"""`backfill`: the batches created in a window, read again, or what that would cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.output import json_option
from etl.cli.plans import dry_run_option, show_plans
from etl.cli.statuses import warn_of_unknown
from etl.cli.sync import account_option, at_work, show_runs
from etl.cli.types import as_moment, check_window

if TYPE_CHECKING:
    from etl.model import RunSummary
    from etl.settings import Settings


@click.command(cls=Command, short_help="Read the batches of a window of time again.")
@click.option(
    "--since",
    required=True,
    callback=as_moment,
    metavar="T",
    help="Batches created from then on: a date, a time, 7d for so long ago …",
)
@click.option(
    "--until", callback=as_moment, metavar="T", help="… until then, itself left out; now by default."
)
@click.option("--status", "statuses", metavar="STATUS", multiple=True, help="Only such batches; repeatable.")
@account_option
@dry_run_option
@json_option
@pass_invocation
def backfill(
    invocation: Invocation,
    *,
    since: datetime,
    until: datetime | None,
    statuses: tuple[str, ...],
    accounts: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Read again what was created in a window of time, whatever is known of it already.

    T is a date or a time, in UTC unless it says otherwise, or a length such as 7d: since the beginning of
    that day, or hour, so long ago. The window is found in the list without reading all that is newer. When it
    was cut off, ask for the same once more: it goes on from there. Where the next `sync` reads on does not
    change.
    """
    settings = invocation.settings()
    check_window(since, until)
    _check_past(since)
    if not invocation.quiet:
        warn_of_unknown(statuses, invocation)
    if dry_run:
        from etl import app

        plans = app.dry_run_backfill(settings, since=since, until=until, statuses=statuses, accounts=accounts)
        show_plans(plans, as_json=as_json)
        return 0
    runs = _run_backfill(
        settings, since=since, until=until, statuses=statuses, accounts=accounts, quiet=invocation.quiet
    )
    return show_runs(invocation, settings, runs, as_json=as_json)


def _run_backfill(
    settings: Settings,
    *,
    since: datetime,
    until: datetime | None,
    statuses: Sequence[str],
    accounts: Sequence[str],
    quiet: bool,
) -> list[RunSummary]:
    """Backfill with a progress bar, stoppable."""
    from etl import app

    with at_work(quiet=quiet) as (clock, progress):
        return app.backfill(
            settings,
            since=since,
            until=until,
            statuses=statuses,
            accounts=accounts,
            clock=clock,
            progress=progress,
        )


def _check_past(since: datetime) -> None:
    from etl.clock import SystemClock

    if since > SystemClock().now():
        raise click.UsageError(f"--since {since.isoformat()} is in the future: expected a time in the past")
