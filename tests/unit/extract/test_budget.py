from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl.extract.budget import Request, Unlimited, told_by
from etl.extract.limits import Limits
from etl.state.allowance import Told, ToldWindow

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


def told(limits: Limits, *, refused: bool = False) -> Told | None:
    return told_by(Request(limits=limits, refused=refused), NOW)


def test_a_request_without_an_answer_tells_nothing() -> None:
    assert told_by(Request(), NOW) is None


def test_an_answer_without_headers_tells_that_there_was_one() -> None:
    assert told(Limits()) == Told()


def test_delays_become_instants() -> None:
    assert told(Limits(limit=100, remaining=7, reset_seconds=30.5)) == Told(
        window=ToldWindow(remaining=7, limit=100, resets_at=NOW + timedelta(seconds=30.5))
    )
    assert told(Limits(retry_after_seconds=40)) == Told(wait_until=NOW + timedelta(seconds=40))


@pytest.mark.parametrize("half", [Limits(remaining=7), Limits(reset_seconds=30), Limits(limit=100)])
def test_half_a_word_about_the_window_is_none(half: Limits) -> None:
    assert told(half) == Told()


def test_a_refusal_is_told_as_one() -> None:
    assert told(Limits(remaining=0, reset_seconds=0), refused=True) == Told(
        window=ToldWindow(remaining=0, limit=None, resets_at=NOW), refused=True
    )


def test_without_a_budget_every_request_passes_at_once() -> None:
    budget = Unlimited()
    budget.close()
    with budget.request() as request:
        request.limits = Limits(remaining=0, reset_seconds=3600)
    with budget.request() as request:
        assert request == Request()
