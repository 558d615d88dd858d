"""How each account stands at one moment: what the tables say of it, and what is left of its quota."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from etl.model import RunStatus
from etl.report.health import Facts, Health, QuotaUse, WindowUse, derive_health
from etl.report.health_queries import read_facts
from etl.settings import MissingKey, Settings
from etl.state.allowance import Quota
from etl.state.lock import is_held
from etl.state.quota import budget_of, read_quota


def read_standing(
    connection: Connection | None, settings: Settings, now: datetime, max_age: timedelta | None = None
) -> tuple[Health, ...]:
    """The configured accounts, then those that only the tables know. No connection: there are no tables yet.

    An account is stale when its last complete sync ended longer ago than `max_age`.
    """
    configured = [account.name for account in settings.accounts]
    if connection is None:
        return derive_health((), configured, now, max_age)
    facts, quotas = read_facts(connection), read_quotas(connection, settings, now)
    return derive_health(facts, configured, now, max_age, quotas, look_at_locks(connection, settings, facts))


def look_at_locks(
    connection: Connection, settings: Settings, facts: Sequence[Facts]
) -> dict[str, bool | None]:
    """Of each account with an open run: whether a process is at work; a killed one could not say."""
    return {
        one.account: is_held(connection, settings, one.account)
        for one in facts
        if one.last_run and one.last_run.status is RunStatus.RUNNING
    }


def read_quotas(connection: Connection, settings: Settings, now: datetime) -> dict[str, QuotaUse]:
    """Of each account that has a key here: by that the quota is counted."""
    quotas = {}
    for account in settings.accounts:
        if not isinstance(account.api_key, MissingKey):
            state = read_quota(connection, budget_of(settings, account), Quota.of(settings), now)
            quotas[account.name] = QuotaUse(
                windows=tuple(WindowUse(seconds=w.seconds, most=w.most, used=w.used) for w in state.windows),
                told_remaining=state.told.told_remaining,
                resets_at=state.told.resets_at,
                not_before=state.told.not_before,
            )
    return quotas
