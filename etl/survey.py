"""What the database knows of an account before a sync: the facts that a plan is made of."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from etl.interval import NEWEST, RESOLUTION, Interval
from etl.load.deletes import count_missing
from etl.load.stored import count_alive, count_by_status
from etl.plan import Known, Part
from etl.settings import Settings
from etl.state.coverage import read_coverage
from etl.state.runs import read_last_run, read_whole_at
from etl.transform.statuses import ENDED_STATUSES, LIVE_STATUSES

# A full sync that was cut off is gone on with for so long; after that it is begun anew.
RESUMABLE = timedelta(hours=1)
_UNDATED = Interval(after=NEWEST - RESOLUTION, upto=None)


def survey(connection: Connection, account: str, settings: Settings, now: datetime) -> Known:
    """Read what is known of the account; `now` is the coming run's clock."""
    counts = count_by_status(connection, account)
    live = {status: counts.get(status, 0) for status in LIVE_STATUSES}
    live |= {status: count for status, count in counts.items() if status not in ENDED_STATUSES}
    last = read_last_run(connection, account)
    undated = count_alive(connection, account, _UNDATED)
    cut_off = last is not None and not last.complete and now - last.heartbeat_at <= RESUMABLE
    return Known(
        account=account,
        now=now,
        rows=sum(counts.values()),
        page_rows=(last.page_rows if last else 0) or settings.page_size,
        live=live,
        parts=[
            Part(covered=covered, rows=count_alive(connection, account, covered.interval))
            for covered in read_coverage(connection, account)
        ],
        last_started_at=last.started_at if last else None,
        full_since=last.full_since if last and cut_off else None,
        missing=count_missing(connection, account),
        undated=undated,
        whole_at=read_whole_at(connection, account) if undated else None,
        max_age=timedelta(seconds=settings.max_age_seconds),
    )


def unknown(account: str, settings: Settings, now: datetime) -> Known:
    """What is known before the first sync: nothing."""
    return Known(
        account=account,
        now=now,
        rows=0,
        page_rows=settings.page_size,
        live={},
        parts=[],
        max_age=timedelta(seconds=settings.max_age_seconds),
    )
