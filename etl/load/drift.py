"""What the source shows and this version does not know: each new field and status is reported once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, select

from etl.tables import sync_drift
from etl.transform.statuses import KNOWN_STATUSES


def save_drift(
    connection: Connection,
    account: str,
    run_id: int,
    observed_at: datetime,
    *,
    unknown_fields: Iterable[str],
    statuses: Iterable[str],
) -> list[tuple[str, str]]:
    """Note what is new; return it as (kind, name), kind being `field` or `status`."""
    met = {("field", name) for name in unknown_fields}
    met |= {("status", name) for name in statuses if name not in KNOWN_STATUSES}
    if not met:
        return []
    known = select(sync_drift.c.kind, sync_drift.c.name).where(sync_drift.c.account == account)
    new = sorted(met - {(kind, name) for kind, name in connection.execute(known)})
    if new:
        common = {"account": account, "run_id": run_id, "first_seen_at": observed_at}
        connection.execute(insert(sync_drift), [{**common, "kind": kind, "name": name} for kind, name in new])
    return new
