"""Which reads a sync needs and what they cost in requests: a pure function of what is known.

The plan is data, so that it can be shown without being carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from etl.model import RunMode

OVERLAP_ROWS = 9  # of one page with the next, so that small groups and small moves cost no request
END_REQUESTS = 1  # the page that shows the end a second time
FIRST_SYNC_REQUESTS = 4  # when nothing is known, the end is looked past as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database knows of an account before a sync."""

    account: str
    rows: int  # at the source, as far as is known
    page_size: int  # rows that one request brings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sync of one account will read; `requests` is None where nothing is known that would tell."""

    account: str
    mode: RunMode
    reads: tuple[str, ...]
    requests: int | None
    reason: str


def plan_sync(known: Known) -> Plan:
    """One walk over everything."""
    first = known.rows == 0
    return Plan(
        account=known.account,
        mode=RunMode.FULL,
        reads=("walk the whole list, newest to oldest",),
        requests=None if first else cost_of_walk(known.rows, known.page_size),
        reason="nothing is known of the list yet" if first else f"{known.rows:,} batches are known",
    )


def cost_of_walk(rows: int, page_size: int) -> int:
    """Requests of a walk over so many rows while the list stands still."""
    step = max(1, page_size - min(OVERLAP_ROWS, page_size // 20 + 1))
    return ceil(max(1, rows - (page_size - step)) / step) + END_REQUESTS
