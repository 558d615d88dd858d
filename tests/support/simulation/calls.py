"""One use of the program by one process, and whether what it says of itself is so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from etl.model import RunSummary
from etl.verify.verdict import Verdict

from support.simulation.answers import KINDS
from support.simulation.deeds import LIVE
from support.simulation.judge import Judge, Wrong
from support.simulation.process import Process
from support.simulation.tables import SUMMARY, Books, RunRow, instant

_CAUSES = {3: KINDS, 4: ("refusal", "doubt"), 5: ("robbery", "held"), 130: ("stop",)}


class Window(NamedTuple):
    """Of a backfill."""

    since: datetime
    until: datetime | None
    statuses: tuple[str, ...]


@dataclass(eq=False, kw_only=True)
class Call:
    """What was asked for, and what was true when it was."""

    judge: Judge
    process: Process
    command: str  # sync, full, allow-deletes, backfill or replay
    window: Window | None = None  # of a backfill
    is_alone: bool  # rather than in the middle of another call
    began: int  # the true moment
    newest_run: int  # before it
    revision: int  # of the world
    before: Books
    settings: Any
    run_id: int | None = None

    @property
    def is_full(self) -> bool:
        return self.command == "full"

    def judge_end(self, outcome: RunSummary | Verdict, now: int) -> None:
        """Every claim of the outcome against the books and the truth."""
        if outcome.error is not None and "bug" in outcome.error:
            raise Wrong(f"the program says {outcome.error!r}")
        self._check_cause(outcome)
        if isinstance(outcome, Verdict):
            self._check_untouched(outcome)
        else:
            self._judge_run(outcome, now)

    def _judge_run(self, summary: RunSummary, now: int) -> None:
        self._check_counters(summary)
        if summary.run_id is not None:
            self._check_row(summary)
        if summary.complete and self.command != "replay":
            self._check_guard(summary)
            self._check_complete(self._row(summary), now)

    # -- what it says --------------------------------------------------------------------------------

    def _check_counters(self, summary: RunSummary) -> None:
        parts = ("inserted", "updated", "unchanged", "revived", "quarantined")
        if summary.rows_seen != sum(getattr(summary, name) for name in parts):
            raise Wrong(f"the counters do not add up: {summary}")
        if summary.complete is not (summary.status == "succeeded") or summary.complete is not (
            summary.exit_code == 0
        ):
            raise Wrong(f"complete, status and exit code do not agree: {summary}")

    def _check_cause(self, outcome: RunSummary | Verdict) -> None:
        """A failure has a cause, and some causes must show."""
        befell = self.process.befell
        causes = _CAUSES.get(outcome.exit_code, ())
        if outcome.exit_code not in (0, 1, *_CAUSES) or (causes and not set(causes) & set(befell)):
            raise Wrong(f"exit code {outcome.exit_code} without a cause, after {befell}: {outcome}")
        if "held" in befell and outcome.exit_code not in (5, 4):
            raise Wrong(f"the lock was held, and still: {outcome}")

    def _check_untouched(self, verdict: Verdict) -> None:
        """A verification writes nothing."""
        if self.is_alone and "intruder" not in self.process.befell and self.judge.books != self.before:
            raise Wrong(f"the tables changed while they were verified: {verdict}")

    def _check_row(self, summary: RunSummary) -> None:
        row = self._row(summary)
        told = tuple(_plain(getattr(summary, name)) for name in SUMMARY)
        is_saved = not {"refusal", "doubt", "robbery"} & set(self.process.befell)
        if is_saved and row.summary != told:
            raise Wrong(f"sync_runs has {row}, the summary says {told}")
        if "robbery" in self.process.befell and (summary.complete or row.status != "abandoned"):
            raise Wrong(f"another run took over, and still: {row}, {summary}")

    def _row(self, summary: RunSummary) -> RunRow:
        found = [row for row in self.judge.books.runs if row.run_id == summary.run_id]
        if len(found) != 1:
            raise Wrong(f"{summary} has {len(found)} rows in sync_runs")
        return found[0]

    def _check_guard(self, summary: RunSummary) -> None:
        rows = sum(stored.is_alive for stored in self.before.batches.values())
        most = max(self.settings.delete_guard_rows, int(rows * self.settings.delete_guard_share + 1e-9))
        if self.command != "allow-deletes" and summary.deleted > most:
            raise Wrong(f"{summary.deleted} of {rows} rows were deleted unasked: {summary}")

    # -- what it claims ------------------------------------------------------------------------------

    def _check_complete(self, row: RunRow, now: int) -> None:
        if self.window is not None:
            return self._check_backfill(self.window, row, now)
        if row.full_since is not None:
            since = self.judge.moment_of(row.full_since)
            for batch in self.judge.world.batches.values():
                if batch.was_listed_throughout(since, now):
                    self.judge.check_seen(batch, since, now, f"complete since {row.full_since} ({since})")
            return None
        if self.is_full:
            raise Wrong(f"a full sync was asked for, and this was done: {row}")
        return self._check_incremental(now)

    def _check_backfill(self, window: Window, row: RunRow, now: int) -> None:
        """All of the window, from when its first attempt began until now."""
        if row.full_since is None:
            raise Wrong(f"a backfill that began at no time: {row}")
        since, until = self.judge.moment_of(row.full_since), window.until or instant(row.full_since)
        for batch in self.judge.world.batches.values():
            is_inside = batch.created_at is not None and window.since <= batch.created_at < until
            statuses = {state.status for state in batch.states(since, now)}
            is_asked = not window.statuses or (len(statuses) == 1 and statuses <= set(window.statuses))
            if is_inside and is_asked and batch.was_listed_throughout(since, now):
                self.judge.check_seen(batch, since, now, f"backfill {window} since {row.full_since}")

    def _check_incremental(self, now: int) -> None:
        """New batches are there, live ones and those that were live are as they were during the run."""
        stood_still = self.judge.world.revision == self.revision and "false empty" not in self.process.befell
        for batch in self.judge.world.batches.values():
            if not batch.was_listed_throughout(self.began, now):
                continue
            stored = self.before.batches.get(batch.id)
            was_live = stored is not None and stored.is_alive and stored.values[0] in LIVE
            is_live = stood_still and all(state.status in LIVE for state in batch.states(self.began, now))
            if was_live or is_live:
                self.judge.check_seen(batch, self.began, now, f"it is or was live; run since {self.began}")
            elif not self._was_covered(batch.past, batch.created_at):
                self.judge.check_seen(batch, batch.past[0].since, now, f"it is new; run since {self.began}")

    def _was_covered(self, past: list[Any], created_at: Any) -> bool:
        """Whether a proof stands where the batch came to be later, or came back to."""
        text = None if created_at is None else created_at.isoformat(" ", "microseconds")[:26]
        return any(covered.holds(text) for covered in self.before.coverage)


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return str(value) if isinstance(value, str) else value
