"""What this process has seen of its own work: requests by answer, and how long things took.

Unlike all that is read from the tables, it begins anew with the process, as the counters of Prometheus may.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from etl.model import RunSummary

_REQUEST_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TURN_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)


class Meters:
    """Counts and measures. Any thread may use it; it is a progress that keeps the figures of all runs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "magpipe_etl_requests",
            "Requests to the source by the status of the answer; none where there was no answer",
            ["account", "answer"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "magpipe_etl_request_seconds",
            "How long requests to the source took",
            ["account"],
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self._turn_seconds = Histogram(
            "magpipe_etl_run_seconds",
            "How long runs took, by how they ended",
            ["account", "status"],
            buckets=_TURN_SECONDS,
            registry=registry,
        )
        self._under_way = Gauge(
            "magpipe_etl_turns_under_way", "Turns at work in this process", registry=registry
        )
        self._notices = Counter(
            "magpipe_etl_notifications",
            "Notifications by their way and by whether they were taken",
            ["way", "taken"],
            registry=registry,
        )

    def began(self) -> None:
        """A turn is under way."""
        self._under_way.inc()

    def ended(self) -> None:
        """It is no longer."""
        self._under_way.dec()

    def heard(self, account: str, status: int | None, seconds: float) -> None:
        """A request was answered, or was not."""
        self._requests.labels(account, "none" if status is None else str(status)).inc()
        self._request_seconds.labels(account).observe(seconds)

    def sent(self, way: str, taken: bool) -> None:
        """A notification was sent."""
        self._notices.labels(way, "yes" if taken else "no").inc()

    def page(
        self, *, account: str, rows: int, pages: int, requests: int, expected_rows: int | None
    ) -> None: ...

    def finished(self, summary: RunSummary) -> None:
        if summary.run_id is not None:  # or it never began
            self._turn_seconds.labels(summary.account, summary.status).observe(summary.seconds)
