"""All that one report shows, read at one moment of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from etl.report.figures import Campaign, Ranking, Tally, Trend, derive_ranking, derive_trend
from etl.report.health_queries import read_last_complete
from etl.report.queries import (
    Oddities,
    Scope,
    count_ranked,
    read_best,
    read_days,
    read_oddities,
    read_running,
    read_statuses,
    read_total,
    read_worst,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of a scope, as of `now`."""

    now: datetime
    scope: Scope
    last_complete: Mapping[str, datetime | None]  # by account: when its last complete sync ended
    total: Tally
    statuses: Mapping[str, Tally]
    trend: Trend
    ranking: Ranking
    running: tuple[Campaign, ...]
    oddities: Oddities


def read_summary(
    connection: Connection, scope: Scope, *, now: datetime, top: int, least_calls: int
) -> Summary:
    """Read everything; of each list of campaigns, the first `top`."""
    best = read_best(connection, scope, least_calls=least_calls, limit=top)
    worst = read_worst(connection, scope, least_calls=least_calls, limit=top)
    ranked = count_ranked(connection, scope, least_calls=least_calls)
    return Summary(
        now=now,
        scope=scope,
        last_complete=read_last_complete(connection, scope.accounts),
        total=read_total(connection, scope),
        statuses=read_statuses(connection, scope),
        trend=derive_trend(read_days(connection, scope)),
        ranking=derive_ranking(best, worst, least_calls=least_calls, ranked=ranked),
        running=tuple(read_running(connection, scope, limit=top)),
        oddities=read_oddities(connection, scope),
    )
