"""The report as text for a terminal of 80 columns or more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from etl.report.figures import Campaign, Tally, Trend
from etl.report.health_terminal import ago
from etl.report.safe_text import harmless
from etl.report.summary import Summary

_BLOCKS = "▁▂▃▄▅▆▇█"
_BAR_CELLS = 10
_NAME_COLUMNS = 40


def render_report(summary: Summary) -> Iterator[RenderableType]:
    """Block after block, each under its heading; a block without content is left out."""
    yield _headline(summary)
    if not summary.total.campaigns:
        yield Text("\nNo campaigns.")
    else:
        yield from _figures(summary)
    yield from _warnings(summary)


def sparkline(values: Sequence[float | None], lowest: float, highest: float) -> str:
    """One block a value, from the lowest to the highest; a gap where there is none."""
    span = highest - lowest

    def block(value: float | None) -> str:
        if value is None:
            return " "
        share = (value - lowest) / span if span > 0 else 1.0
        return _BLOCKS[round(share * (len(_BLOCKS) - 1))]

    return "".join(map(block, values))


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f} %"


def _figures(summary: Summary) -> Iterator[RenderableType]:
    yield _total(summary.total)
    yield from _trend(summary.trend)
    yield _heading("By status")
    yield _indented(_statuses(summary))
    ranking = summary.ranking
    judged = f"of {ranking.ranked:,} with {ranking.least_calls} calls or more"
    for title, campaigns in ((f"Best, {judged}", ranking.best), (f"Worst, {judged}", ranking.worst)):
        if campaigns:
            yield _heading(title)
            yield _indented(_ranked(campaigns, several=len(summary.last_complete) > 1))
    if summary.running:
        yield _heading(f"Running now: {summary.statuses['running'].campaigns:,}")
        yield _indented(_running(summary))


def _headline(summary: Summary) -> Text:
    scope = summary.scope
    window = [f"since {scope.since:%Y-%m-%d %H:%M}"] if scope.since else []
    window += [f"until {scope.until:%Y-%m-%d %H:%M}"] if scope.until else []
    accounts = ", ".join(summary.last_complete) or "no account"
    return Text(
        f"Campaigns of {accounts}" + (f", created {' '.join(window)} UTC" if window else ""), style="bold"
    )


def _total(total: Tally) -> Text:
    return Text.assemble(
        f"\n  {total.campaigns:,} campaigns   {total.recipients:,} recipients   {total.attempted:,} calls   ",
        (f"{percent(total.success_rate)} succeeded", "bold green"),
    )


def _trend(trend: Trend) -> Iterator[RenderableType]:
    rates = [bucket.tally.success_rate for bucket in trend.buckets]
    known = [rate for rate in rates if rate is not None]
    if len(known) < 2:
        return
    yield _heading(f"Success by {trend.step} of creation")
    line = sparkline(rates, min(known), max(known))
    first, last = trend.buckets[0].first_day, trend.buckets[-1].first_day
    yield Text.assemble("  ", (line, "green"))
    yield Text(f"  {first} to {last}, from {percent(min(known))} to {percent(max(known))}")


def _statuses(summary: Summary) -> Table:
    table = _table("status", "campaigns", "recipients", "succeeded", "failed", "success", "reached")
    for status, tally in summary.statuses.items():
        table.add_row(
            Text(harmless(status)),
            f"{tally.campaigns:,}",
            f"{tally.recipients:,}",
            f"{tally.completed:,}",
            f"{tally.failed:,}",
            percent(tally.success_rate),
            percent(tally.completion_rate),
        )
    return table


def _ranked(campaigns: Sequence[Campaign], *, several: bool) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=_NAME_COLUMNS)
    for campaign in campaigns:
        tally = campaign.tally
        account = [Text(campaign.account, style="dim")] if several else []
        calls = f"{tally.completed:,} of {tally.attempted:,}"
        table.add_row(percent(tally.success_rate), calls, _name(campaign), *account)
    return table


def _running(summary: Summary) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=_NAME_COLUMNS)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for campaign in summary.running:
        reached = campaign.tally.completion_rate
        started = campaign.started_at
        since = f"started {ago(max(summary.now - started, timedelta()))} ago" if started else ""
        table.add_row(_bar(reached), percent(reached), _name(campaign), Text(since, style="dim"))
    return table


def _warnings(summary: Summary) -> Iterator[RenderableType]:
    odd = summary.oddities
    lines = [
        ("rows that could not be read", odd.rows_set_aside, "; see `magpipe-etl quarantine list`"),
        ("fields that could not be read", odd.fields_set_aside, "; see `magpipe-etl quarantine list`"),
        ("campaigns with more calls than recipients, as the source counts", odd.inconsistent, ""),
        ("campaigns without time of creation, and so not in the course over time", odd.without_time, ""),
    ]
    told = [Text(f"  {what}: {count:,}{more}", style="yellow") for what, count, more in lines if count]
    for account, moment in summary.last_complete.items():
        if moment is None:
            told.append(Text(f"  {account}: no sync has been complete yet", style="yellow"))
    if told:
        yield _heading("Mind")
        yield from told
    yield from _freshness(summary)


def _freshness(summary: Summary) -> Iterator[RenderableType]:
    ends = [moment for moment in summary.last_complete.values() if moment is not None]
    if ends:
        age = max(summary.now - min(ends), timedelta())
        yield Text(f"\nAs of {min(ends):%Y-%m-%d %H:%M} UTC, {ago(age)} ago", style="dim")


def _bar(share: float | None) -> Text:
    full = round(min(max(share or 0.0, 0.0), 1.0) * _BAR_CELLS)
    return Text.assemble(("█" * full, "green"), ("░" * (_BAR_CELLS - full), "dim"))


def _name(campaign: Campaign) -> Text:
    return Text(harmless(campaign.name) or campaign.id)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, overflow="fold")
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _indented(block: RenderableType) -> Padding:
    return Padding(block, (0, 0, 0, 2), expand=False)
