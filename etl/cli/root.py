"""The commands by name."""

from __future__ import annotations

import click

from etl.cli.backfill import backfill
from etl.cli.check import check
from etl.cli.demo import demo
from etl.cli.export import export
from etl.cli.invocation import Group
from etl.cli.migrate import migrate
from etl.cli.quarantine import quarantine
from etl.cli.report import report
from etl.cli.sandbox import sandbox
from etl.cli.schedule import schedule
from etl.cli.status import status
from etl.cli.sync import sync
from etl.cli.verify import verify
from etl.version import VERSION


@click.group(cls=Group)
@click.version_option(VERSION, message="%(prog)s %(version)s")
def root() -> None:
    """Bring Magpipe's batch calls into SQLite or PostgreSQL, prove that nothing is missing, report on them.

    Start with `demo`, which needs no key; then put MAGPIPE_API_KEY into the environment, `check` and `sync`.
    """


for _command in (
    demo,
    check,
    sync,
    backfill,
    schedule,
    verify,
    status,
    report,
    export,
    quarantine,
    migrate,
    sandbox,
):
    root.add_command(_command)
