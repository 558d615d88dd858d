"""`verify`: whether the tables are what the source lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from etl.cli.invocation import Command, Invocation, pass_invocation
from etl.cli.output import first_exit_code, json_option, print_error, print_json, print_rich
from etl.cli.sync import account_option, at_work

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from etl.report.columns import Whole
    from etl.settings import Settings
    from etl.verify.verdict import Count, Difference, Verdict

_MOST_SHOWN = 20  # differences of an account


@click.command(cls=Command, short_help="Hold the tables against the source.")
@account_option
@json_option
@pass_invocation
def verify(invocation: Invocation, *, accounts: tuple[str, ...], as_json: bool) -> int:
    """Count the batches of each status in three ways, and look into every one that differs.

    Reads the list of each status, the whole list, and the tables; writes nothing. Costs the requests of a
    full sync and about two for each status. No sync of the account runs meanwhile (5: one does).

    A difference is explained where the source made it after the batch was last proven: created, changed,
    gone or returned since then, moved while it was verified, or set aside.

    Ends with 1 where one is not: the source shows that it is older than the last proof, or than the time in
    which every batch is proven again (ETL_MAX_AGE_SECONDS); no sync has read that part of the list; deletes
    are held back; or the source contradicts itself. Also with 1 where a list could not be proven complete.
    """
    from etl.cli.database import open_filled_tables

    settings = invocation.settings()
    with open_filled_tables(settings):  # or there is nothing to verify
        pass
    verdicts = _run_verify(settings, accounts, quiet=invocation.quiet)
    if as_json:
        print_json({"accounts": [verdict.as_json() for verdict in verdicts]})
    elif not invocation.quiet:
        print_rich(*_render(verdicts))
    for verdict in verdicts:
        if verdict.error:
            print_error(f"{verdict.account}: {verdict.error}", verdict.hint, invocation)
    return first_exit_code(verdicts)


def _run_verify(settings: Settings, accounts: Sequence[str], *, quiet: bool) -> list[Verdict]:
    from etl import app

    with at_work(quiet=quiet) as (clock, progress):
        return app.verify(settings, accounts=accounts, clock=clock, progress=progress)


def _render(verdicts: Sequence[Verdict]) -> Iterator[RenderableType]:
    told = [verdict for verdict in verdicts if verdict.error is None]
    if told:
        yield _counts(told)
    for verdict in told:
        yield from _differences(verdict)


def _counts(verdicts: Sequence[Verdict]) -> Whole:
    from rich.table import Table
    from rich.text import Text

    from etl.report.columns import Whole
    from etl.report.safe_text import harmless

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("account", overflow="fold")
    table.add_column("status", overflow="fold")
    for title in ("its list", "whole list", "table"):
        table.add_column(title, justify="right", no_wrap=True)
    for verdict in verdicts:
        for count in verdict.counts:
            status = "unreadable" if count.status is None else harmless(count.status)
            table.add_row(Text(verdict.account), Text(status), *_numbers(count))
        table.add_row(Text(verdict.account), Text("all", style="bold"), *_numbers(verdict.total))
    return Whole(table)


def _numbers(count: Count) -> tuple[str, str, str]:
    return f"{count.listed:,}", f"{count.walked:,}", f"{count.table:,}"


def _differences(verdict: Verdict) -> Iterator[Text]:
    from rich.text import Text

    differences = sorted(verdict.differences, key=lambda difference: difference.explained)
    if not differences:
        yield Text(f"\n{verdict.account}: the table is as the source", style="green")
        return
    style = "red" if verdict.unexplained else "yellow"
    counts = f"batches that differ: {len(differences):,}, unexplained: {verdict.unexplained:,}"
    yield Text(f"\n{verdict.account}: {counts}", style=style)
    for difference in differences[:_MOST_SHOWN]:
        yield _line(difference, verdict)
    if len(differences) > _MOST_SHOWN:
        yield Text(f"  … and {len(differences) - _MOST_SHOWN:,} more; --json tells of all")


def _line(difference: Difference, verdict: Verdict) -> Text:
    from rich.text import Text

    from etl.report.safe_text import harmless
    from etl.report.words import ago

    since = difference.since
    age = f" ({ago(verdict.verified_at - since)} ago)" if since else ""
    who = difference.id or "without a readable id"
    line = harmless(f"{who}: {difference.kind}: {difference.what}{age}")
    return Text(f"  {line}", style="" if difference.explained else "red")
