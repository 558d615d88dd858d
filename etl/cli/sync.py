"""`sync`: one sync of each account, or what it would read."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.output import first_exit_code, json_option, print_error, print_json, print_rich
from etl.cli.plans import dry_run_option, show_plans
from etl.errors import DestinationError

if TYPE_CHECKING:
    from etl.clock import Clock
    from etl.model import RunSummary
    from etl.progress import Progress
    from etl.settings import Settings


account_option = click.option(
    "--account", "accounts", metavar="NAME", multiple=True, help="Only this account; repeatable."
)


@click.command(cls=Command, short_help="Bring the batch calls into the database.")
@click.option("--full", is_flag=True, help="Read everything, whatever is known already.")
@account_option
@dry_run_option
@click.option(
    "--allow-deletes", is_flag=True, help="Mark rows deleted however many are gone from the source."
)
@click.option("--page-size", metavar="N", help="Rows asked for in one request.")
@click.option("--fetch-ahead", metavar="N", help="Most requests of one account at the same time.")
@json_option
@pass_invocation
def sync(
    invocation: Invocation,
    *,
    full: bool,
    accounts: tuple[str, ...],
    dry_run: bool,
    allow_deletes: bool,
    page_size: str | None,
    fetch_ahead: str | None,
    as_json: bool,
) -> int:
    """Bring the accounts' batch calls into the database.

    Migrates the database first. Rows that are gone from the source are marked deleted, never removed. Safe to
    stop at any instant: the next sync goes on from what is committed.
    """
    settings = invocation.settings(page_size=page_size, fetch_ahead=fetch_ahead)
    if dry_run:
        from etl import app

        show_plans(app.dry_run(settings, full=full, accounts=accounts), as_json=as_json)
        return 0
    runs = run_sync(
        settings, full=full, accounts=accounts, allow_deletes=allow_deletes, quiet=invocation.quiet
    )
    return show_runs(invocation, settings, runs, as_json=as_json)


def run_sync(
    settings: Settings, *, full: bool, accounts: Sequence[str], allow_deletes: bool, quiet: bool
) -> list[RunSummary]:
    """Sync with a progress bar, stoppable."""
    from etl import app

    with at_work(quiet=quiet) as (clock, progress):
        return app.sync(
            settings,
            full=full,
            accounts=accounts,
            allow_deletes=allow_deletes,
            clock=clock,
            progress=progress,
        )


@contextmanager
def at_work(*, quiet: bool) -> Iterator[tuple[Clock, Progress]]:
    """For what reads a list, once its modules are loaded: stoppable, with its progress shown."""
    from etl.cli.process import settle_memory
    from etl.cli.stop import stoppable_clock

    settle_memory()
    with stoppable_clock() as clock, progress_for(quiet=quiet) as progress:
        yield clock, progress


@contextmanager
def progress_for(*, quiet: bool) -> Iterator[Progress]:
    """Bars where somebody sees them, silence elsewhere."""
    if quiet or not sys.stderr.isatty():
        from etl.progress import Silent

        yield Silent()
        return
    from etl.cli.progress_bar import shown_progress

    with shown_progress() as bars:
        yield bars


def show_runs(
    invocation: Invocation, settings: Settings, runs: Sequence[RunSummary], *, as_json: bool
) -> int:
    """Print the runs, and on stderr why some did not end well; gives the exit code of them all."""
    if as_json:
        print_json({"runs": [run.as_json() for run in runs]})
    elif not invocation.quiet:
        _print_table(settings, runs)
    for run in runs:
        if run.error:
            print_error(f"{run.account}: {run.error}", run.hint, invocation)
    return first_exit_code(runs)


def _print_table(settings: Settings, runs: Sequence[RunSummary]) -> None:
    from etl.cli.runs import render_remarks, render_runs

    print_rich(render_runs(runs), *render_remarks(runs, _read_drift(settings, runs)))


def _read_drift(settings: Settings, runs: Sequence[RunSummary]) -> dict[str, tuple[str, ...]]:
    """What is new at the source; nothing where the database went away: of that the runs tell."""
    from etl.cli.database import open_tables
    from etl.report.health_queries import read_drift

    run_ids = [run.run_id for run in runs if run.run_id is not None]
    if not run_ids:
        return {}
    with suppress(DestinationError), open_tables(settings) as connection:
        return read_drift(connection, run_ids) if connection is not None else {}
    return {}
