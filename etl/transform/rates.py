"""What is derived from a batch's counts and times; nothing is guessed where the source did not say.

The source's counters are kept by racing writers, so the three may contradict each other. A count that is
missing or negative tells nothing: every figure made of it is null. Sums are Python's integers and
cannot overflow.
"""

from __future__ import annotations

from datetime import datetime


def success_rate(completed_count: int | None, failed_count: int | None) -> float | None:
    """Share of the attempted calls that succeeded, 0 to 1; null when nothing was attempted."""
    attempted = _attempted(completed_count, failed_count)
    return completed_count / attempted if attempted and completed_count is not None else None


def failure_rate(completed_count: int | None, failed_count: int | None) -> float | None:
    """Share of the attempted calls that failed, 0 to 1; null when nothing was attempted."""
    return success_rate(failed_count, completed_count)


def completion_rate(
    total_recipients: int | None, completed_count: int | None, failed_count: int | None
) -> float | None:
    """Attempted calls per recipient; null without recipients.

    Not clamped: a value above 1 shows that the source's counters raced, and hiding it would make it
    look like a batch that is just done.
    """
    attempted = _attempted(completed_count, failed_count)
    if attempted is None or total_recipients is None or total_recipients <= 0:
        return None
    return attempted / total_recipients


def counts_consistent(
    total_recipients: int | None, completed_count: int | None, failed_count: int | None
) -> bool | None:
    """Whether 0 <= completed + failed <= total with no count negative; null when one is missing."""
    if total_recipients is None or completed_count is None or failed_count is None:
        return None
    return min(completed_count, failed_count) >= 0 and completed_count + failed_count <= total_recipients


def duration_seconds(started_at: datetime | None, completed_at: datetime | None) -> float | None:
    """Length of the finished run.

    Null when the end lies before the start: a re-run has a new start and keeps the old end until it is
    done, so there is no length yet.
    """
    if started_at is None or completed_at is None or completed_at < started_at:
        return None
    return (completed_at - started_at).total_seconds()


def _attempted(completed_count: int | None, failed_count: int | None) -> int | None:
    if completed_count is None or failed_count is None or completed_count < 0 or failed_count < 0:
        return None
    return completed_count + failed_count
