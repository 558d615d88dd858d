"""What the views have to show, worked out in plain Python from what the source was seen to hold.

Nothing of the views' SQL is used here: two ways to the same figure, or a difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from etl.coverage import Covered
from etl.interval import Interval
from etl.sandbox import Batch

from support.truth import expected_row

DAY = timedelta(days=1)
Key = tuple[Any, ...]
Row = dict[str, Any]


class Proofs:
    """When each account's batches were last proven."""

    def __init__(
        self, coverage: Mapping[str, list[Covered]], last_complete: Mapping[str, datetime | None]
    ) -> None:
        self.coverage = coverage
        self.last_complete = last_complete  # the beginning of the last complete sync

    def of(self, account: str, created_at: datetime | None) -> datetime | None:
        if created_at is None:
            return self.last_complete[account]
        found = [one.proven_at for one in self.coverage[account] if created_at in one.interval]
        return found[0] if found else None

    def of_day(self, account: str, day: date) -> datetime | None:
        """The oldest proof of any instant of the day; None where one has none."""
        first = datetime(day.year, day.month, day.day, tzinfo=UTC)
        instants = {first, first + DAY - timedelta(microseconds=1)}
        top = max((one.interval.upto for one in self.coverage[account] if one.interval.upto), default=None)
        for one in self.coverage[account]:
            for border in (one.interval.after, one.interval.upto):
                if border is not None:
                    instants |= {border, border + timedelta(microseconds=1)}
        within = [instant for instant in instants if first <= instant < first + DAY]
        proofs = [
            self.last_complete[account] if top is None or instant > top else self.of(account, instant)
            for instant in within
        ]
        known = [proof for proof in proofs if proof is not None]
        return min(known) if len(known) == len(proofs) else None

    def of_everything(self, account: str) -> datetime | None:
        covered = self.coverage[account]
        whole = Interval(
            after=None, upto=max((o.interval.upto for o in covered if o.interval.upto), default=None)
        )
        borders = {o.interval.after for o in covered if o.interval.after}
        unproven = [border for border in borders if self.of(account, border) is None]
        reaches_down = any(one.interval.after is None for one in covered)
        return min(o.proven_at for o in covered) if whole.upto and reaches_down and not unproven else None


class Runs:
    """The runs of batches, as whoever looks at the source from time to time comes to know them."""

    def __init__(self) -> None:
        self.last: dict[Key, Row] = {}
        self.names: dict[Key, str] = {}
        self.present: dict[Key, Any] = {}

    def look(self, account: str, batches: Iterable[Batch]) -> None:
        for batch in batches:
            row = expected_row(batch)
            self.names[account, batch.id] = batch.name
            self.present[account, batch.id] = row["started_at"]
            if row["started_at"] is not None:
                self.last[account, batch.id, row["started_at"]] = row

    def rows(self) -> dict[Key, Row]:
        starts = defaultdict(list)
        for account, id_, started_at in sorted(self.last):
            starts[account, id_].append(started_at)
        return {
            (account, id_, start): {
                **_named(row, "status total_recipients completed_count failed_count created_at"),
                **_named(row, "success_rate failure_rate completion_rate duration_seconds"),
                "ended_at": row["completed_at"]
                if row["completed_at"] and row["completed_at"] >= start
                else None,
                "attempted_count": _sum([row], "completed_count") + _sum([row], "failed_count"),
                "run_number": starts[account, id_].index(start) + 1,
                "is_present": self.present[account, id_] == start,
                "name": self.names[account, id_],
            }
            for (account, id_, start), row in self.last.items()
        }


def campaigns(listed: Mapping[str, Iterable[Batch]], proofs: Proofs) -> dict[Key, Row]:
    """`report_campaigns` by account and id, without what only the program knows."""
    rows = {}
    for account, batches in listed.items():
        for batch in batches:
            row = expected_row(batch)
            attempted = _sum([row], "completed_count") + _sum([row], "failed_count")
            proven_at = proofs.of(account, row["created_at"])
            rows[account, batch.id] = {**row, "attempted_count": attempted, "proven_at": proven_at}
    return rows


def days(listed: Mapping[str, Iterable[Batch]], proofs: Proofs) -> dict[Key, Row]:
    """`report_daily` by day and account."""
    by_day: defaultdict[Key, list[Row]] = defaultdict(list)
    for account, batches in listed.items():
        for row in map(expected_row, batches):
            if row["created_at"] is not None:
                by_day[row["created_at"].date(), account].append(row)
    if by_day:
        for account, last_complete in proofs.last_complete.items():
            day = min(day for day, _ in by_day)
            while last_complete is not None and day <= last_complete.date():
                by_day.setdefault((day, account), [])
                day += DAY
    return {
        (day, account): {**_sums(rows), "proven_at": proofs.of_day(account, day)}
        for (day, account), rows in by_day.items()
    }


def statuses(listed: Mapping[str, Iterable[Batch]], proofs: Proofs) -> dict[Key, Row]:
    """`report_status` by account and status."""
    by_status: defaultdict[Key, list[Row]] = defaultdict(list)
    for account, batches in listed.items():
        for row in map(expected_row, batches):
            by_status[account, row["status"]].append(row)
    return {
        (account, status): {
            **_sums(rows),
            "newest_created_at": max((r["created_at"] for r in rows if r["created_at"]), default=None),
            "proven_at": proofs.of_everything(account),
        }
        for (account, status), rows in by_status.items()
    }


def _sums(rows: list[Row]) -> Row:
    total, completed, failed = (
        _sum(rows, name) for name in ("total_recipients", "completed_count", "failed_count")
    )
    attempted = completed + failed
    return {
        "campaigns": len(rows),
        "total_recipients": total,
        "attempted_count": attempted,
        "completed_count": completed,
        "failed_count": failed,
        "success_rate": completed / attempted if attempted else None,
        "failure_rate": failed / attempted if attempted else None,
        "completion_rate": attempted / total if total else None,
    }


def _sum(rows: Iterable[Row], name: str) -> int:
    return sum(row[name] for row in rows if row[name] is not None and row[name] > 0)


def _named(row: Row, names: str) -> Row:
    return {name: row[name] for name in names.split()}
