"""All that one report shows, read at one moment of the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from etl.report.change_queries import read_changes
from etl.report.changes import LATELY, Changes
from etl.report.figures import Oddities, Ranking, derive_ranking
from etl.report.health import Health, derive_health
from etl.report.health_queries import read_facts
from etl.report.notices import Notice, derive_notices
from etl.report.queries import read_best, read_running, read_set_aside, read_sums, read_worst
from etl.report.running import UnderWay, derive_running
from etl.report.scope import Scope
from etl.report.sums import Sums
from etl.report.trend import Trend, derive_trend

TOP: Final = 8  # campaigns in each list, where nobody asks for more or fewer
LEAST_CALLS: Final = 20  # with fewer, a rate tells more of chance than of the campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of a scope, as of `now`."""

    now: datetime
    scope: Scope
    accounts: tuple[Health, ...]  # of the scope: how old their figures may be
    sums: Sums
    trend: Trend
    ranking: Ranking
    under_way: UnderWay
    changes: Changes
    oddities: Oddities
    notices: tuple[Notice, ...]

    @property
    def read_at(self) -> datetime | None:
        """When the oldest of the accounts' last complete syncs ended; None where one has none yet."""
        ends = [one.facts.last_complete.finished_at for one in self.accounts if one.facts.last_complete]
        known = [end for end in ends if end is not None]
        return min(known) if known and len(known) == len(self.accounts) else None

    @property
    def proven_at(self) -> datetime | None:
        """No figure is older than that; None where no age can be claimed."""
        proofs = [one.oldest_proof_at for one in self.accounts]
        known = [proof for proof in proofs if proof is not None]
        return min(known) if known and len(known) == len(proofs) else None


def read_summary(
    connection: Connection,
    scope: Scope,
    *,
    now: datetime,
    max_age: timedelta,
    top: int = TOP,
    least_calls: int = LEAST_CALLS,
) -> Summary:
    """Read everything; of each list of campaigns, the first `top`. Older than `max_age` is stale."""
    facts = [one for one in read_facts(connection) if not scope.accounts or one.account in scope.accounts]
    accounts = derive_health(facts, (), now, max_age)
    sums = read_sums(connection, scope, least_calls=least_calls)
    rows, fields = read_set_aside(connection, scope)
    oddities = Oddities(
        inconsistent=sums.inconsistent,
        without_time=sums.without_time,
        rows_set_aside=rows,
        fields_set_aside=fields,
    )
    return Summary(
        now=now,
        scope=scope,
        accounts=accounts,
        sums=sums,
        trend=derive_trend(sums.days),
        ranking=derive_ranking(
            read_best(connection, scope, least_calls=least_calls, limit=top),
            read_worst(connection, scope, least_calls=least_calls, limit=top),
            least_calls=least_calls,
            ranked=sums.ranked,
        ),
        under_way=_read_under_way(connection, scope, accounts, sums, top),
        changes=read_changes(connection, scope, since=now - LATELY, most_events=top),
        oddities=oddities,
        notices=derive_notices(accounts, oddities, now=now, max_age=max_age),
    )


def _read_under_way(
    connection: Connection, scope: Scope, accounts: tuple[Health, ...], sums: Sums, top: int
) -> UnderWay:
    """Each complete sync reads all that is running, so a count that did not change is as young as that."""
    last = {one.facts.account: one.facts.last_complete for one in accounts}
    running = []
    for campaign, changed_at in read_running(connection, scope, limit=top):
        complete = last.get(campaign.account)
        read_at = complete.started_at if complete else changed_at
        running.append(derive_running(campaign, max(changed_at, read_at)))
    tally = sums.statuses.get("running")
    return UnderWay(count=tally.campaigns if tally else 0, shown=tuple(running))
