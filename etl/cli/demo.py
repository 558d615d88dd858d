"""`demo`: the whole way, from a source on this machine to the report, in seconds and without a key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.types import WholeNumber

if TYPE_CHECKING:
    from etl.sandbox import SandboxServer
    from etl.settings import Settings


@click.command(cls=Command, short_help="See it work on this machine, without a key.")
@click.option("--batches", type=WholeNumber(10, 1_000_000), default=2000, show_default=True, help="How many.")
@click.option(
    "--keep",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep the database in this file, which must not be there yet.",
)
@pass_invocation
def demo(invocation: Invocation, *, batches: int, keep: Path | None) -> int:
    """See it work: sync invented campaigns from a source on this machine, and show the report.

    Needs no key, reads no settings, and leaves nothing behind unless --keep is given.
    """
    if keep is not None:
        _check_new(keep)
    from etl.sandbox import SandboxOptions, serve
    from etl.settings import Settings

    invocation.configure_logs()
    with serve(SandboxOptions(batches=batches)) as server, _file(keep) as file:
        settings = Settings(api_key=server.key, base_url=server.base_url, database_url=f"sqlite:///{file}")
        code = _show(invocation, server, settings)
    if keep is not None and code == 0 and not invocation.quiet:
        click.echo(f"\nIt is all in {keep}: DATABASE_URL={quote(f'sqlite:///{keep}')} magpipe-etl report")
    return code


def _check_new(file: Path) -> None:
    from etl.export.target import check_target
    from etl.settings.values import DATABASE_URL

    try:
        if file.exists():
            raise ValueError(f"{file} is there already; name a new file")
        check_target(file)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--keep'") from None
    try:
        DATABASE_URL.parse(f"sqlite:///{file}")
    except ValueError:
        expected = "expected the name of a file that can stand in a URL, without '?' and control characters"
        raise click.BadParameter(f"{expected}, got {str(file)!r}", param_hint="'--keep'") from None


@contextmanager
def _file(keep: Path | None) -> Iterator[Path]:
    from tempfile import TemporaryDirectory

    if keep is not None:
        yield keep
        return
    with TemporaryDirectory(prefix="magpipe-etl-demo-") as folder:
        yield Path(folder) / "demo.db"


def _show(invocation: Invocation, server: SandboxServer, settings: Settings) -> int:
    def say(text: str) -> None:
        if not invocation.quiet:
            click.echo(text)

    say(f"A source with {len(server.sandbox.account):,} campaigns runs at {server.base_url}.\n")
    say("First sync: everything is read and written.")
    if code := _sync(invocation, settings):
        return code
    _change(server)
    say("\nMeanwhile one campaign was created, one run again and one removed.")
    say("Second sync: everything is read; what is the same is not written again.")
    if code := _sync(invocation, settings):
        return code
    if not invocation.quiet:
        click.echo()
        _report(settings)
    return 0


def _sync(invocation: Invocation, settings: Settings) -> int:
    from etl.cli.sync import run_sync, show_runs

    runs = run_sync(settings, full=True, accounts=(), allow_deletes=False, quiet=invocation.quiet)
    return show_runs(invocation, settings, runs, as_json=False)


def _change(server: SandboxServer) -> None:
    """What a few minutes at the source may bring."""
    account = server.sandbox.account
    finished = account.listed("completed")
    account.create(name="Welcome calls")
    account.rerun(finished[0].id)
    account.delete(finished[-1].id)


def _report(settings: Settings) -> None:
    from etl.cli.database import open_filled_tables
    from etl.cli.report import print_summary, read
    from etl.report.scope import Scope

    with open_filled_tables(settings) as connection:
        print_summary(
            read(connection, Scope(), max_age_seconds=settings.max_age_seconds, top=3, min_calls=20)
        )
