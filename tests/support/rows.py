"""Rows put into the tables by hand, for what reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from etl.engine import reading, writing
from etl.interval import NEWEST
from etl.model import RunMode, RunStatus
from etl.proof import Row
from etl.tables import batch_call_history, batch_calls, quarantine, sync_runs
from etl.transform.records import row_hash

from support.databases import Database

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def listed(of_id: str, created_at: datetime | None) -> Row:
    """A batch as a page shows it, of few words."""
    shown = created_at.isoformat() if created_at is not None else None
    raw = json.dumps({"id": of_id, "status": "running", "created_at": shown}).encode()
    return Row(id=of_id, place=created_at or NEWEST, raw=raw, row_hash=row_hash(raw))


class Tables:
    """Rows of the tables, put there without a sync; what a test does not care for is filled in."""

    def __init__(self, database: Database) -> None:
        self.engine = database.engine
        self._number = count(1)

    def ask(self, question: Any, *arguments: Any, **options: Any) -> Any:
        """The answer of a function that reads with a connection."""
        with reading(self.engine) as connection:
            return question(connection, *arguments, **options)

    def _insert(self, table: Any, values: dict[str, Any] | Sequence[dict[str, Any]]) -> None:
        with writing(self.engine) as connection:
            connection.execute(table.insert().values(values))

    def batch(self, completed: int | None = 0, failed: int | None = 0, **values: Any) -> str:
        number = next(self._number)
        attempted = (completed or 0) + (failed or 0)
        given = {
            "account": "acme",
            "id": f"b-{number}",
            "name": f"Campaign {number}",
            "status": "completed",
            "total_recipients": 100,
            "completed_count": completed,
            "failed_count": failed,
            "success_rate": (completed or 0) / attempted if attempted else None,
            "counts_consistent": True,
            "created_at": NOW,
            "first_seen_at": NOW,
            "changed_at": NOW,
            "run_id": 1,
            "version": 1,
            "row_hash": number,
            "values_hash": number,
        }
        self._insert(batch_calls, given | values)
        return f"b-{number}"

    def seen(self, *versions: dict[str, Any], **values: Any) -> str:
        """A batch with its history: what each version changed, and when; it is now as the last says."""
        now: dict[str, Any] = {"completed_count": 0, "failed_count": 0, "status": "draft", "started_at": None}
        history: list[dict[str, Any]] = []
        for number, version in enumerate(versions, start=1):
            now |= {"change": "updated" if number > 1 else "inserted", **version, "version": number}
            history.append(dict(now))
        change, changed_at = now.pop("change"), now.pop("observed_at")
        now["deleted_at"] = changed_at if change == "deleted" else None
        first_seen_at = history[0]["observed_at"]
        completed, failed = now.pop("completed_count"), now.pop("failed_count")
        times = {"first_seen_at": first_seen_at, "changed_at": changed_at}
        batch = self.batch(completed, failed, **{**times, **now, **values})
        known = {name: value for name, value in values.items() if name in batch_call_history.c}
        shared = {"account": "acme", "id": batch, "run_id": 1, "created_at": NOW, **known}
        self._insert(batch_call_history, [{**shared, **one} for one in history])
        return batch

    def run(self, ended: timedelta = HOUR, **values: Any) -> None:
        given = {
            "account": "acme",
            "mode": RunMode.FULL,
            "status": RunStatus.SUCCEEDED,
            "complete": values.get("status", RunStatus.SUCCEEDED) is RunStatus.SUCCEEDED,
            "started_at": NOW - ended - timedelta(minutes=1),
            "heartbeat_at": NOW - ended,
            "finished_at": NOW - ended,
            "requests": 5,
            "program_version": "0",
        }
        self._insert(sync_runs, given | values)

    def set_aside(self, **values: Any) -> None:
        given = {
            "account": "acme",
            "id": "b-1",
            "run_id": 1,
            "last_run_id": 1,
            "reason": "status: expected a text, got a number",
            "raw": '{"id":"b-1"}',
            "raw_hash": next(self._number),
            "row_loaded": False,
            "seen_at": NOW,
        }
        self._insert(quarantine, given | values)

    def insert(self, table: Any, **values: Any) -> None:
        self._insert(table, values)
