"""One sync of one account: plan the reads from what is known, carry them out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from etl.errors import DeletesGuardError
from etl.interval import RESOLUTION, Interval
from etl.model import RunMode
from etl.plan import FullWalk, Head, LiveBatches, Plan, Stretch, plan_sync
from etl.reader import Reader
from etl.run import Run
from etl.settings import Settings
from etl.survey import survey, unknown


class Sync:
    """The job of a sync."""

    mode = RunMode.FULL

    def __init__(self, settings: Settings, *, full: bool = False, allow_deletes: bool = False) -> None:
        self._settings = settings
        self._full = full
        self._allow_deletes = allow_deletes

    def plan(
        self, connection: Connection | None, account: str, now: datetime, *, doubtful: bool = False
    ) -> Plan:
        """What is to be read; without a connection, nothing is known."""
        if connection is None:
            return plan_sync(unknown(account, self._settings, now), full=self._full)
        known = survey(connection, account, self._settings, now)
        return plan_sync(known, full=self._full, doubtful=doubtful)

    def carry_out(self, plan: Plan, run: Run, reader: Reader) -> None:
        """Take the plan's steps, one after the other; an empty list ends them."""
        for step in plan.steps:
            if isinstance(step, FullWalk | Head):
                until = step.until if isinstance(step, Head) else None
                if not reader.read_down_to(until):
                    self._take_empty(run)
                    return
            elif isinstance(step, Stretch):
                for part in run.unproven(step.interval):
                    reader.read_stretch(part, most_pages=step.most_pages)
            else:
                _read_live(step, run, reader)

    def _take_empty(self, run: Run) -> None:
        """The source lists nothing at all: that never deletes anything by itself."""
        if run.rows_before and not self._allow_deletes:
            raise DeletesGuardError(
                f"the source lists no batch at all, the table {run.rows_before:,}: none was marked deleted",
                hint="look at the source; if it is really empty, run `magpipe-etl sync --allow-deletes`",
            )
        run.commit_empty()


def _read_live(step: LiveBatches, run: Run, reader: Reader) -> None:
    """Read the lists of the live statuses, then look up in the whole list whoever is in none of them now."""
    seen: set[str] = set()
    for status in step.statuses:
        seen.update(reader.read_status(status))
    for place in reader.find_unread(step.statuses, but=seen):
        if not run.has_proven(place):
            reader.read_stretch(Interval(after=place - RESOLUTION, upto=place))
