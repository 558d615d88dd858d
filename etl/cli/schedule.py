"""`schedule`: the service that keeps every account up to date."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.output import print_error
from etl.cli.types import as_address, as_cron, as_duration, as_every, as_lasting

if TYPE_CHECKING:
    from etl.service.address import Address
    from etl.service.timing import Cron, Every

DEFAULT_ADDRESS = "127.0.0.1:8787"


@click.command(cls=Command, short_help="Run the service that syncs by a schedule.")
@click.option(
    "--every",
    callback=as_every,
    metavar="TIME",
    help="Sync so often, such as 90s, 5m, 1h; 1m..15m chooses between the two.  [default: 5m]",
)
@click.option("--cron", callback=as_cron, metavar="EXPR", help="Sync by a line of crontab, in UTC.")
@click.option(
    "--jitter",
    callback=as_duration,
    metavar="TIME",
    help="Begin up to so much later.  [default: a tenth of the time between, at most 30s]",
)
@click.option(
    "--timeout",
    callback=as_lasting,
    default="2h",
    show_default=True,
    metavar="TIME",
    help="End a sync that takes longer; the next goes on.",
)
@click.option(
    "--max-age",
    callback=as_lasting,
    metavar="TIME",
    help="Data is stale after so long without a complete sync.  [default: three times the time between]",
)
@click.option(
    "--listen",
    "address",
    callback=as_address,
    default=DEFAULT_ADDRESS,
    show_default=True,
    metavar="HOST:PORT",
    help="Show health, metrics and the report there; none for nowhere.",
)
@pass_invocation
def schedule(
    invocation: Invocation,
    *,
    every: Every | None,
    cron: Cron | None,
    jitter: timedelta | None,
    timeout: timedelta,
    max_age: timedelta | None,
    address: Address | None,
) -> int:
    """Sync every account by a schedule, until Ctrl-C or SIGTERM.

    Each account has a thread of its own: one that fails neither delays nor fails another. A range such as
    `--every 1m..15m` lets each account's turns come close while its batches run, and move apart while nothing
    changes, always within its quota.

    Under the address are `/` (the report), `/healthz`, `/readyz` and `/metrics`. Without a password, so leave
    it to this machine, or put a proxy before it.

    SIGTERM lets the page in hand finish and ends with 0 within seconds; a second one ends at once.
    """
    if every is not None and cron is not None:
        raise click.UsageError("--every and --cron exclude each other")
    from etl.cli.process import settle_memory
    from etl.cli.stop import stoppable_clock
    from etl.service.service import Service, options_for

    options = options_for(cron or every, jitter=jitter, timeout=timeout, max_age=max_age, address=address)
    settings = invocation.settings()
    settle_memory()
    with stoppable_clock() as clock:
        ending = Service(settings, options, clock=clock).run()
    if ending.failure is not None:
        print_error(ending.failure, "start it again: what is committed is right", invocation)
    code = 0 if ending.failure is None else 1
    if ending.cut_off:
        _leave(code)
    return code


def _leave(code: int) -> None:
    """End without waiting for turns that cannot be stopped: what is committed is right."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
