"""`sandbox`: a local source to try against."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.types import Number, WholeNumber

if TYPE_CHECKING:
    from etl.sandbox import SandboxServer

_FAULTS = "bad_gateway, reset, cut_json, hang, … (all of them in the message about an unknown one)"


def _as_faults(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Kinds of faults by their names."""
    from etl.sandbox.faults import KINDS

    for kind in value:
        if kind not in KINDS:
            raise click.BadParameter(f"expected some of {', '.join(sorted(KINDS))}, got {kind!r}")
    return value


def _as_names(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Names of accounts, as the settings of whoever syncs them take them."""
    from etl.settings.accounts import NAME, NAME_EXPECTED

    for name in value:
        if not NAME.fullmatch(name):
            raise click.BadParameter(f"expected {NAME_EXPECTED}, got {name!r}")
        if value.count(name) > 1:
            raise click.BadParameter(f"expected different names, got {name!r} {value.count(name)} times")
    return value


@click.command(cls=Command, short_help="Run a source to try against.")
@click.option(
    "--batches", type=WholeNumber(0), default=2000, show_default=True, help="Batches of each account."
)
@click.option(
    "--port", type=WholeNumber(0, 65_535), default=0, help="Port of 127.0.0.1.  [default: a free one]"
)
@click.option(
    "--account",
    "accounts",
    callback=_as_names,
    metavar="NAME",
    multiple=True,
    help="Name of an account; repeatable.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed is another world.")
@click.option("--shape", type=click.Choice(["observed", "documented"]), help="Form of the rows.")
@click.option("--cap", type=WholeNumber(1), help="Most rows of one answer.  [default: 1000]")
@click.option(
    "--latency", "latency_seconds", type=Number(0), metavar="SECONDS", help="Wait before each answer."
)
@click.option("--quota", "with_quota", is_flag=True, help="Keep Magpipe's limits of requests.")
@click.option("--fault-rate", type=Number(0, 1), metavar="SHARE", help="Share of the answers that go wrong.")
@click.option(
    "--fault",
    "fault_kinds",
    callback=_as_faults,
    metavar="KIND",
    multiple=True,
    help=f"What goes wrong: {_FAULTS}.",
)
@click.option("--live", is_flag=True, help="Batches are created, run, finish and vanish meanwhile.")
@click.option(
    "--speed", type=Number(0), help="Seconds of their life in a second, with --live.  [default: 60]"
)
@click.option(
    "--tie-groups", type=WholeNumber(0), metavar="N", help="Groups of batches created in the same instant."
)
@click.option(
    "--null-created-at", type=WholeNumber(0), metavar="N", help="Batches without a time of creation."
)
@click.option("--null-counts", type=WholeNumber(0), metavar="N", help="Batches without counts.")
@pass_invocation
def sandbox(invocation: Invocation, /, *, with_quota: bool, **options: Any) -> None:
    """Run a source on this machine that answers as Magpipe does, until Ctrl-C.

    Prints what to put into the environment of another terminal to sync from it.
    """
    from etl.sandbox import QuotaOptions, SandboxOptions, serve

    invocation.configure_logs()
    given = {name: value for name, value in options.items() if value not in (None, ())}
    quota = QuotaOptions() if with_quota else None
    with serve(SandboxOptions(quota=quota, **given)) as server:
        click.echo(_exports(server))
        click.echo(f"# {options['batches']:,} batches an account are served until Ctrl-C.", err=True)
        _wait_for_signal()


def _exports(server: SandboxServer) -> str:
    """Three lines for a shell; more accounts than one also need their names in a file."""
    lines = [f"export MAGPIPE_BASE_URL={server.base_url}", "export DATABASE_URL=sqlite:///sandbox.db"]
    if len(server.keys) == 1:
        return "\n".join([*lines, f"export MAGPIPE_API_KEY={server.key}"])
    for number, (name, key) in enumerate(server.keys.items(), start=1):
        lines.insert(number + 1, f"export SANDBOX_KEY_{number}={key}")
        lines += ["# in config/etl.toml:" if number == 1 else "", "[[accounts]]"]
        lines += [f'name = "{name}"', f'api_key_env = "SANDBOX_KEY_{number}"']
    return "\n".join(line for line in lines if line)


def _wait_for_signal() -> None:
    # A shell starts what runs in its background deaf to SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return  # how one ends a server is no interruption
