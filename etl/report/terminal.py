"""The report as text, for a terminal of 80 columns or more; a narrower one wraps what is not to be cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from etl.report.changes import Changes, Event
from etl.report.columns import Whole
from etl.report.figures import Campaign, Tally
from etl.report.glyphs import BLOCKS, Glyphs
from etl.report.notices import Grade
from etl.report.running import Running
from etl.report.safe_text import harmless
from etl.report.summary import Summary
from etl.report.sums import top
from etl.report.trend import Trend
from etl.report.words import ago, percent, shortened

_BAR_CELLS = 10
_NAME_COLUMNS = 40
_SHORT_NAME_COLUMNS = 30  # beside what takes much room itself
_MOST_LINES = 20  # of statuses, of accounts, of notices


def render_report(summary: Summary, glyphs: Glyphs = BLOCKS) -> Iterator[RenderableType]:
    """Block after block, each under its heading; a block without content is left out."""
    return _Report(summary, glyphs).render()


class _Report:
    """One report in one set of signs."""

    def __init__(self, summary: Summary, glyphs: Glyphs) -> None:
        self._summary = summary
        self._glyphs = glyphs
        self._several = len(summary.accounts) > 1

    def render(self) -> Iterator[RenderableType]:
        total = self._summary.sums.total
        yield self._headline()
        yield from self._freshness()
        if not total.campaigns:
            yield Text("\nNo campaigns.")
        else:
            yield self._total(total)
            yield from self._figures()
        yield from self._lately(self._summary.changes)
        yield from self._notices()

    def _figures(self) -> Iterator[RenderableType]:
        yield from self._trend(self._summary.trend)
        yield from self._tallies("By status", "status", self._summary.sums.statuses)
        if len(self._summary.sums.accounts) > 1:
            yield from self._tallies("By account", "account", self._summary.sums.accounts)
        ranking = self._summary.ranking
        judged = f"of {ranking.ranked:,} with {ranking.least_calls} calls or more"
        for title, campaigns in ((f"Best, {judged}", ranking.best), (f"Worst, {judged}", ranking.worst)):
            if campaigns:
                yield _heading(title)
                yield _indented(self._ranked(campaigns))
        if self._summary.under_way.shown:
            yield _heading(f"Running now: {self._summary.under_way.count:,}")
            yield _indented(self._running(self._summary.under_way.shown))

    def _headline(self) -> Text:
        scope = self._summary.scope
        window = [f"since {scope.local(scope.since):%Y-%m-%d %H:%M}"] if scope.since else []
        window += [f"until {scope.local(scope.until):%Y-%m-%d %H:%M}"] if scope.until else []
        names = [health.facts.account for health in self._summary.accounts]
        accounts = ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
        statuses = f", {', '.join(map(harmless, scope.statuses))}" if scope.statuses else ""
        created = f", created {' '.join(window)} {scope.zone_name}" if window else ""
        return Text(f"Campaigns of {accounts or 'no account'}{statuses}{created}", style="bold")

    def _freshness(self) -> Iterator[RenderableType]:
        """How old the figures are, by the account that is worst off."""
        now, scope = self._summary.now, self._summary.scope
        if read_at := self._summary.read_at:
            told = f"As of {scope.local(read_at):%Y-%m-%d %H:%M} {scope.zone_name}, {ago(now - read_at)} ago"
            if proven_at := self._summary.proven_at:
                told += f"; no figure is older than {ago(now - proven_at)}"
            yield Text(told, style="dim")

    def _total(self, total: Tally) -> Text:
        return Text.assemble(
            f"\n  {total.campaigns:,} campaigns   {total.recipients:,} recipients"
            f"   {total.attempted:,} calls   ",
            (f"{self._percent(total.success_rate)} succeeded", "bold green"),
        )

    def _trend(self, trend: Trend) -> Iterator[RenderableType]:
        rates = [bucket.tally.success_rate for bucket in trend.buckets]
        known = [rate for rate in rates if rate is not None]
        if len(known) < 2:
            return
        yield _heading(f"Success by {trend.step} of creation")
        line = self._glyphs.line(rates, min(known), max(known))
        first, last = trend.buckets[0].first_day, trend.buckets[-1].first_day
        yield Text.assemble("  ", (line, "green"))
        yield Text(f"  {first} to {last}, from {percent(min(known))} to {percent(max(known))}")

    def _tallies(self, title: str, first: str, tallies: dict[str, Tally]) -> Iterator[RenderableType]:
        cut = top(tallies, _MOST_LINES)
        table = _table(first, "campaigns", "recipients", "succeeded", "failed", "success", "reached")
        lines = [(self._cut(key), tally) for key, tally in cut.shown.items()]
        if cut.others:
            lines.append((f"{cut.others:,} others", cut.rest))
        for name, tally in lines:
            table.add_row(
                Text(name),
                f"{tally.campaigns:,}",
                f"{tally.recipients:,}",
                f"{tally.completed:,}",
                f"{tally.failed:,}",
                self._percent(tally.success_rate),
                self._percent(tally.completion_rate),
            )
        yield _heading(title)
        yield _indented(Whole(table))

    def _ranked(self, campaigns: Sequence[Campaign]) -> Whole:
        table = _grid("right", "right", "name", "left")
        for campaign in campaigns:
            tally = campaign.tally
            calls = f"{tally.completed:,} of {tally.attempted:,}"
            table.add_row(self._percent(tally.success_rate), calls, *self._name(campaign))
        return Whole(table)

    def _running(self, campaigns: Sequence[Running]) -> Whole:
        table = _grid("left", "right", "name", "left", "left")
        for one in campaigns:
            reached = one.campaign.tally.completion_rate
            name, account = self._name(one.campaign)
            table.add_row(self._bar(reached), self._percent(reached), name, Text(self._end(one)), account)
        return Whole(table)

    def _end(self, one: Running) -> str:
        now, end = self._summary.now, one.expected_end_at
        if end is None:
            return ""
        return f"ends in {ago(end - now)}" if end > now else f"overdue by {ago(now - end)}"

    def _lately(self, changes: Changes) -> Iterator[RenderableType]:
        if changes.nothing:
            return
        yield _heading("Since yesterday")
        told = [
            f"{changes.attempted:,} calls"
            + (f", {percent(changes.success_rate)} succeeded" if changes.attempted else ""),
            f"{changes.created:,} new",
            *([f"{changes.loaded:,} older, first seen"] if changes.loaded else []),
            f"{changes.run_again:,} run again",
            f"{changes.gone:,} gone",
            *([f"{changes.returned:,} back"] if changes.returned else []),
        ]
        yield Text(f"  {'   '.join(told)}")
        moves = (f"{self._step(move.before, move.after)} {move.times:,}" for move in changes.moves)
        if line := ", ".join(moves):
            yield Text(f"  {line}")
        if changes.events:
            yield _indented(self._events(changes.events))
        if changes.events_left_out:
            yield Text(f"  and {changes.events_left_out:,} more", style="dim")

    def _events(self, events: Sequence[Event]) -> Whole:
        table = _grid("left", "left", "name", "left")
        for event in events:
            moment = self._summary.scope.local(event.observed_at)
            name, account = self._name(event, _SHORT_NAME_COLUMNS)
            table.add_row(Text(f"{moment:%m-%d %H:%M}", style="dim"), self._tell(event), name, account)
        return Whole(table)

    def _tell(self, event: Event) -> Text:
        told = {"inserted": "new", "deleted": "gone", "revived": "back"}.get(event.change)
        return Text(told or self._step(event.before or "", event.after or ""))

    def _step(self, before: str, after: str) -> str:
        return f"{self._cut(before)} {self._glyphs.arrow} {self._cut(after)}"

    def _notices(self) -> Iterator[RenderableType]:
        notices = self._summary.notices
        if notices:
            yield _heading("Mind")
        for notice in notices[:_MOST_LINES]:
            account = f"{notice.account}: " if notice.account and self._several else ""
            mend = f" (`{notice.mend}`)" if notice.mend else ""
            style = "red" if notice.grade is Grade.ALARM else "yellow"
            yield Text(f"  {harmless(account + notice.text)}{mend}", style=style)
        if len(notices) > _MOST_LINES:
            yield Text(f"  and {len(notices) - _MOST_LINES:,} more: `magpipe-etl status`", style="yellow")

    def _bar(self, share: float | None) -> Text:
        full, rest = self._glyphs.bar(share, _BAR_CELLS)
        return Text.assemble((full, "green"), (rest, "dim"))

    def _percent(self, share: float | None) -> str:
        return percent(share, self._glyphs.none)

    def _name(self, of: Campaign | Event, most: int = _NAME_COLUMNS) -> tuple[Text, Text]:
        """The name, or the id of one without; and the account, where there are several."""
        account = self._cut(of.account) if self._several else ""
        return Text(self._cut(of.name, most) or self._cut(of.id, most)), Text(account, style="dim")

    def _cut(self, text: str | None, most: int = _NAME_COLUMNS) -> str:
        return shortened(harmless(text), most, self._glyphs.ellipsis)


def _grid(*sides: str) -> Table:
    """Columns without titles; a name alone may go on below."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for side in sides:
        table.add_column(
            justify="right" if side == "right" else "left", no_wrap=side != "name", overflow="fold"
        )
    return table


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
