"""Rows and fields that were set aside, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from etl.report.safe_text import harmless
from etl.tables import quarantine

_COLUMNS = "quarantine_id account id run_id last_run_id field reason row_loaded seen_at resolved_at".split()


def read_set_aside(
    connection: Connection, *, accounts: Sequence[str] = (), resolved: bool = False, raw: bool = False
) -> Iterator[RowMapping]:
    """The open ones, oldest first; with `resolved` the others too, with `raw` the text as received."""
    columns = [*_COLUMNS, "raw"] if raw else _COLUMNS
    query = select(*(quarantine.c[name] for name in columns)).order_by(quarantine.c.quarantine_id)
    if not resolved:
        query = query.where(quarantine.c.resolved_at.is_(None))
    if accounts:
        query = query.where(quarantine.c.account.in_(accounts))
    yield from connection.execute(query, execution_options={"yield_per": 1000}).mappings()


def set_aside_as_json(row: RowMapping) -> dict[str, Any]:
    times = {name: row[name].isoformat() if row[name] else None for name in ("seen_at", "resolved_at")}
    return {**row, **times}


def render_set_aside(row: RowMapping) -> str:
    """One line; a second one for the text as received."""
    what = f"field {row['field']}" if row["field"] else "row"
    state = "loaded without it" if row["row_loaded"] else "not loaded"
    if row["resolved_at"]:
        state = f"resolved {row['resolved_at']:%Y-%m-%d %H:%M}"
    line = f"{row['account']} {row['id'] or '(no id)'}, {what}: {row['reason']}"
    told = f"{harmless(line)} ({state}, seen {row['seen_at']:%Y-%m-%d %H:%M})"
    return f"{told}\n    {harmless(row['raw'])}" if "raw" in row else told
