"""The pages of the service, by what the tables say and when these cannot be read."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from prometheus_client import CollectorRegistry

from etl.sandbox import SandboxOptions
from etl.service.pages import Pages
from etl.service.reading import Reading
from etl.service.site import Answer

from support.databases import Database
from support.outages import away
from support.pipeline import Pipeline

MAX_AGE = timedelta(minutes=15)


class Pulse:
    """A service that is well until it is told otherwise."""

    why: str | None = None

    def failure(self) -> str | None:
        return self.why


def pages_of(pipeline: Pipeline, pulse: Pulse | None = None) -> Pages:
    return Pages(
        Reading(pipeline.database.engine),
        pipeline.settings,
        clock=pipeline.clock,
        pulse=pulse or Pulse(),
        max_age=MAX_AGE,
        faults={},
        registry=CollectorRegistry(),
    )


def ask(pages: Pages, path: str) -> Answer:
    return pages.by_path()[path]()


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=60))


def test_the_report_is_that_of_the_moment(pipeline: Pipeline) -> None:
    pages = pages_of(pipeline)
    pipeline.sync()
    first = ask(pages, "/")
    assert (first.status, first.content_type) == (HTTPStatus.OK, "text/html; charset=utf-8")
    pipeline.clock.pass_time(1)
    batch = pipeline.truth.create(
        name="<b>the newest</b>", total_recipients=5, created_at=pipeline.clock.now()
    )
    pipeline.truth.start(batch.id)
    pipeline.sync()
    second = ask(pages, "/").body.decode()
    assert "the newest" not in first.body.decode()
    assert "the newest" in second
    assert "<b>" not in second


def test_it_is_ready_once_it_was_synced_and_until_that_is_too_long_ago(pipeline: Pipeline) -> None:
    pages = pages_of(pipeline)
    assert ask(pages, "/readyz").status is HTTPStatus.SERVICE_UNAVAILABLE
    pipeline.sync()
    assert ask(pages, "/readyz").status is HTTPStatus.OK
    pipeline.clock.pass_time(MAX_AGE.total_seconds() + 1)
    assert ask(pages, "/readyz").status is HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("path", ["/", "/readyz"])
def test_without_its_database_a_page_says_so_and_comes_back_with_it(pipeline: Pipeline, path: str) -> None:
    pages = pages_of(pipeline)
    pipeline.sync()
    with away(pipeline.database):
        answer = ask(pages, path)
        assert answer.status is HTTPStatus.SERVICE_UNAVAILABLE
        assert re.search(rb"cannot be reached|refused|cannot be opened", answer.body)
        assert ask(pages, "/healthz").status is HTTPStatus.OK
        assert ask(pages, "/metrics").status is HTTPStatus.OK
    assert ask(pages, path).status is HTTPStatus.OK


def test_before_the_first_sync_every_page_has_an_answer(empty_database: Database) -> None:
    pages = pages_of(Pipeline(empty_database))
    statuses = {path: ask(pages, path).status.value for path in pages.by_path()}
    assert statuses == {"/": 503, "/healthz": 200, "/readyz": 503, "/metrics": 200}
    [account] = json.loads(ask(pages, "/readyz").body)["accounts"]
    assert account["reasons"] == ["no sync was complete yet"]


def test_a_service_that_has_to_be_started_again_is_not_healthy(pipeline: Pipeline) -> None:
    pulse = Pulse()
    pages = pages_of(pipeline, pulse)
    assert ask(pages, "/healthz").body == b"ok\n"
    pulse.why = "the turns of acme do not end"
    answer = ask(pages, "/healthz")
    assert (answer.status, answer.body) == (
        HTTPStatus.SERVICE_UNAVAILABLE,
        b"the turns of acme do not end\n",
    )
