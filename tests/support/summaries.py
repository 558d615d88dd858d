"""Summaries put together by hand, for tests of how a report looks: one full of everything, one of nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from etl.coverage import Covered
from etl.interval import Interval
from etl.model import RunMode, RunStatus
from etl.report.changes import Changes, Event, Move
from etl.report.figures import Campaign, Oddities, Ranking, Tally
from etl.report.health import Facts, Health, Run, derive_health
from etl.report.notices import derive_notices
from etl.report.running import UnderWay, derive_running
from etl.report.scope import Scope
from etl.report.summary import Summary
from etl.report.sums import Cell, Sums
from etl.report.trend import derive_trend

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
MAX_AGE = timedelta(days=1)
TALLY = Tally(campaigns=2, recipients=1500, completed=900, failed=100)
ODDITIES = Oddities(inconsistent=1, without_time=2, rows_set_aside=3, fields_set_aside=4)
EVIL = "<script>alert(1)</script>"


def campaign(name: str | None, **values: Any) -> Campaign:
    given = {"account": "acme", "id": "b-1", "status": "running", "started_at": NOW - timedelta(hours=1)}
    return Campaign(**{**given, "name": name, "tally": replace(TALLY, campaigns=1), **values})


def event(name: str | None, change: str = "updated", **values: Any) -> Event:
    given = {"account": "acme", "id": "b-1", "before": "scheduled", "after": "running"}
    return Event(**{**given, "name": name, "change": change, "observed_at": NOW, **values})


def sums(days: Mapping[date, Tally], status: str = "running", account: str = "acme") -> Sums:
    return Sums(tuple(Cell(account=account, status=status, day=day, tally=days[day]) for day in days))


def health(account: str, ended: timedelta | None, **facts: Any) -> Health:
    """An account whose last complete sync ended so long ago, or that has none."""
    at = NOW - ended if ended is not None else None
    run = Run(
        run_id=1,
        account=account,
        mode=RunMode.FULL,
        status=RunStatus.SUCCEEDED,
        complete=True,
        started_at=at or NOW,
        heartbeat_at=at or NOW,
        finished_at=at,
        requests=3,
        error=None,
    )
    proof = Covered(Interval(after=None, upto=None), at) if at else None
    known = Facts(
        account=account,
        last_run=run if at else None,
        last_complete=run if at else None,
        coverage=(proof,) if proof else (),
        **facts,
    )
    return derive_health([known], (), NOW, MAX_AGE)[0]


ACCOUNTS = (health("acme", timedelta(minutes=3), drift=("field tags",)), health("globex", None))
DAYS = {date(2026, 3, 1): TALLY, date(2026, 3, 3): Tally(campaigns=1, completed=5)}
CELLS = (*sums(DAYS).cells, *sums({date(2026, 3, 3): Tally(campaigns=1)}, "par\x1bked", "globex").cells)

SUMMARY = Summary(
    now=NOW,
    scope=Scope(),
    accounts=ACCOUNTS,
    sums=Sums(CELLS),
    trend=derive_trend(Sums(CELLS).days),
    ranking=Ranking(
        least_calls=20, ranked=2, best=(campaign("[b]Best[/b]"),), worst=(campaign(None, id="b-9"),)
    ),
    under_way=UnderWay(count=3, shown=(derive_running(campaign("Reminders \x1b[31m\u202e"), NOW),)),
    changes=Changes(
        since=NOW - timedelta(days=1),
        created=1,
        loaded=2,
        gone=3,
        returned=4,
        run_again=5,
        completed=60,
        failed=40,
        moves=(Move(before="scheduled", after="running", times=7),),
        events=(event(EVIL), event("Gone", "deleted"), event("Back", "revived"), event("New", "inserted")),
        events_left_out=8,
    ),
    oddities=ODDITIES,
    notices=derive_notices(ACCOUNTS, ODDITIES, now=NOW, max_age=MAX_AGE),
)
EMPTY = Summary(
    now=NOW,
    scope=Scope(),
    accounts=(),
    sums=Sums(()),
    trend=derive_trend([]),
    ranking=Ranking(least_calls=20, ranked=0, best=(), worst=()),
    under_way=UnderWay(count=0, shown=()),
    changes=Changes(since=NOW - timedelta(days=1)),
    oddities=Oddities(),
    notices=(),
)
