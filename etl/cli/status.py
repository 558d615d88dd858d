"""`status`: how each account stands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.output import json_option, print_json, print_rich
from etl.cli.types import as_duration

if TYPE_CHECKING:
    from datetime import datetime

    from etl.report.health import Health
    from etl.settings import Settings

STALE = 6


@click.command(cls=Command, short_help="Show age, proof and faults of the data.")
@click.option(
    "--max-age",
    callback=as_duration,
    metavar="TIME",
    help="End with 6 where data is older, such as 90s, 15m, 2h, 1d.",
)
@json_option
@pass_invocation
def status(invocation: Invocation, *, max_age: timedelta | None, as_json: bool) -> int:
    """Show last runs, age of the data, what was proven, and what is wrong.

    `age` tells how long ago the last complete sync ended, `proof` how old the oldest proof is (no number is
    older), and `quota` the requests of the past hour with the account's key.
    """
    from etl.clock import SystemClock

    settings, now = invocation.settings(), SystemClock().now()
    made, accounts = _read(settings, now, max_age)
    # Without an account there is no complete sync that could be young enough.
    stale = any(health.stale for health in accounts) or (max_age is not None and not accounts)
    if as_json:
        _print_document(settings, now, max_age, accounts, made=made, stale=stale)
    else:
        _print_lines(settings, now, accounts, made=made)
    return STALE if stale else 0


def _read(settings: Settings, now: datetime, max_age: timedelta | None) -> tuple[bool, tuple[Health, ...]]:
    from etl.cli.database import open_tables
    from etl.standing import read_standing

    with open_tables(settings) as connection:
        return connection is not None, read_standing(connection, settings, now, max_age)


def _print_document(
    settings: Settings,
    now: datetime,
    max_age: timedelta | None,
    accounts: tuple[Health, ...],
    *,
    made: bool,
    stale: bool,
) -> None:
    from etl.report.health_terminal import health_as_json

    print_json(
        {
            "database": {"url": settings.database_shown, "migrated": made},
            "checked_at": now.isoformat(),
            "max_age_seconds": max_age.total_seconds() if max_age is not None else None,
            "stale": stale,
            "accounts": [health_as_json(health) for health in accounts],
        }
    )


def _print_lines(settings: Settings, now: datetime, accounts: tuple[Health, ...], *, made: bool) -> None:
    from etl.report.health_terminal import render_health

    if not made:
        click.echo(f"There is nothing in {settings.database_shown} yet: `magpipe-etl sync` makes the tables.")
    elif not accounts:
        click.echo(f"No sync has run into {settings.database_shown} yet.")
    else:
        print_rich(*render_health(accounts, now))
