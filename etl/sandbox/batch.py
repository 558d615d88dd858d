"""One campaign as the source keeps it: thirty columns, in the order in which they are sent.

Frozen, so that a test can keep what was true at some moment; a change makes a new value. Times are aware,
or text where Postgres can hold what Python cannot (`infinity`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

Moment = datetime | str | None

DONE = frozenset({"completed", "cancelled", "failed"})
TIMES = tuple("scheduled_at created_at updated_at started_at completed_at recurrence_end_date".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A row of the source's table; `extra` are columns that it has beyond the thirty."""

    id: str
    user_id: str
    name: str
    caller_id: str
    agent_id: str | None = None
    status: str = "draft"
    send_now: bool | None = True
    scheduled_at: Moment = None
    window_start_time: str | None = "00:00:00"
    window_end_time: str | None = "23:59:00"
    window_days: tuple[int, ...] | None = (0, 1, 2, 3, 4, 5, 6)
    max_concurrency: int | None = 1
    reserved_concurrency: int | None = 5
    total_recipients: int | None = 0
    completed_count: int | None = 0
    failed_count: int | None = 0
    template_id: str | None = None
    purpose: str | None = None
    goal: str | None = None
    created_at: datetime | None
    updated_at: Moment = None
    started_at: Moment = None
    completed_at: Moment = None
    recurrence_type: str | None = "none"
    recurrence_interval: int | None = 1
    recurrence_end_date: Moment = None
    recurrence_max_runs: int | None = None
    recurrence_run_count: int | None = 0
    parent_batch_id: str | None = None
    occurrence_number: int | None = None
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_series(self) -> bool:
        """Whether this is the parent of a repeating series rather than something that runs itself."""
        return self.recurrence_type not in {None, "none"} and self.parent_batch_id is None

    @property
    def attempted(self) -> int:
        return (self.completed_count or 0) + (self.failed_count or 0)


COLUMNS = tuple(column.name for column in fields(Batch) if column.name != "extra")
