"""The pages of the service: whether it lives, whether its data is young, its figures.

Each page reads the tables at the moment when it is asked for, so that it is true whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Protocol

from prometheus_client import CollectorRegistry

from etl.clock import Clock
from etl.errors import DestinationError
from etl.report.health import Health
from etl.report.page import render_page
from etl.report.scope import Scope
from etl.report.summary import LEAST_CALLS, TOP, Summary, read_summary
from etl.service.metrics import CONTENT_TYPE, TablesCollector, render_metrics
from etl.service.readiness import is_ready, readiness_as_json
from etl.service.reading import Reading
from etl.service.site import HTML, Answer, Page, json_answer, text_answer
from etl.settings import Settings
from etl.standing import read_standing


class Pulse(Protocol):
    """What is known of the service's own life."""

    def failure(self) -> str | None:
        """Why it should be started again; None while it is well."""
        ...


class Pages:
    """Makes the pages; `faults` says by account why it is not worked for."""

    def __init__(
        self,
        reading: Reading,
        settings: Settings,
        *,
        clock: Clock,
        pulse: Pulse,
        max_age: timedelta,
        faults: Mapping[str, str],
        registry: CollectorRegistry,
    ) -> None:
        self._reading = reading
        self._settings = settings
        self._clock = clock
        self._pulse = pulse
        self._max_age = max_age
        self._faults = faults
        self._registry = registry
        registry.register(TablesCollector(reading.tables, settings, clock, max_age))

    def by_path(self) -> dict[str, Page]:
        return {
            "/": self.front,
            "/healthz": self.health,
            "/readyz": self.readiness,
            "/metrics": self.metrics,
        }

    def health(self) -> Answer:
        """Whether the process lives and moves; asks nobody else, so that it is answered in any case."""
        failure = self._pulse.failure()
        if failure is None:
            return text_answer(HTTPStatus.OK, "ok")
        return text_answer(HTTPStatus.SERVICE_UNAVAILABLE, failure)

    def readiness(self) -> Answer:
        """Whether the database is there and every account's data young enough."""
        try:
            accounts = self._standing()
        except DestinationError as error:
            unreachable = {"ready": False, "database": str(error), "accounts": []}
            return json_answer(HTTPStatus.SERVICE_UNAVAILABLE, unreachable)
        status = HTTPStatus.OK if is_ready(accounts) else HTTPStatus.SERVICE_UNAVAILABLE
        return json_answer(status, readiness_as_json(accounts, self._faults))

    def metrics(self) -> Answer:
        """For Prometheus; what the tables would say is left out while they cannot be read."""
        return Answer(HTTPStatus.OK, CONTENT_TYPE, render_metrics(self._registry))

    def front(self) -> Answer:
        """The report, as it is at this moment."""
        try:
            summary = self._summary()
        except DestinationError as error:
            return text_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if summary is None:
            return text_answer(
                HTTPStatus.SERVICE_UNAVAILABLE, "there are no tables yet: no sync has made them"
            )
        return Answer(HTTPStatus.OK, HTML, render_page(summary).encode())

    def _summary(self) -> Summary | None:
        with self._reading.tables() as connection:
            if connection is None:
                return None
            return read_summary(
                connection,
                Scope(),
                now=self._clock.now(),
                max_age=timedelta(seconds=self._settings.max_age_seconds),
                top=TOP,
                least_calls=LEAST_CALLS,
            )

    def _standing(self) -> tuple[Health, ...]:
        with self._reading.tables() as connection:
            return read_standing(connection, self._settings, self._clock.now(), self._max_age)
