"""What a reader is warned of, and how loudly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from etl.coverage import Covered
from etl.interval import Interval
from etl.model import RunMode, RunStatus
from etl.report.figures import Oddities
from etl.report.health import Health, Run, Streak, derive_health
from etl.report.notices import Grade, Notice, derive_notices

from support.summaries import MAX_AGE, NOW, health

FINE = Oddities()


def told(*accounts: Health, odd: Oddities = FINE) -> list[Notice]:
    return list(derive_notices(accounts, odd, now=NOW, max_age=MAX_AGE))


def kinds(*accounts: Health, odd: Oddities = FINE) -> list[str]:
    return [notice.kind for notice in told(*accounts, odd=odd)]


def test_of_an_account_that_is_well_nothing_is_told() -> None:
    assert kinds(health("acme", timedelta(minutes=5))) == []


@pytest.mark.parametrize(
    ("ended", "expected"),
    [(None, ["never_complete"]), (MAX_AGE, []), (MAX_AGE + timedelta(seconds=1), ["stale"])],
)
def test_data_is_old_when_its_last_complete_sync_is(ended: timedelta | None, expected: list[str]) -> None:
    assert kinds(health("acme", ended)) == expected


def test_a_proof_that_is_too_old_is_told_also_after_a_young_sync() -> None:
    old = Covered(Interval(after=None, upto=None), NOW - 2 * MAX_AGE)
    facts = health("acme", timedelta(minutes=5)).facts
    [one] = derive_health([replace(facts, coverage=(old,))], (), NOW, MAX_AGE)
    assert [notice.text for notice in told(one)] == ["some figures were last proven 2 d ago"]
    [never] = derive_health([replace(facts, coverage=())], (), NOW, MAX_AGE)
    assert kinds(never) == ["unproven"]


def test_a_streak_of_failures_is_told_with_its_length() -> None:
    run = Run(
        run_id=9,
        account="acme",
        mode=RunMode.FULL,
        status=RunStatus.FAILED,
        complete=False,
        started_at=NOW,
        heartbeat_at=NOW,
        finished_at=NOW,
        requests=1,
        error="the source answered 500",
    )
    failing = health("acme", timedelta(minutes=5), failing=Streak(count=3, since=NOW, last=run))
    [notice] = told(failing)
    assert notice.text == "the last sync failed, 3 times in a row: the source answered 500"
    assert (notice.kind, notice.grade) == ("failing", Grade.ALARM)


def test_alarms_come_before_notes() -> None:
    odd = Oddities(inconsistent=1, without_time=1, rows_set_aside=1, fields_set_aside=1)
    notices = told(health("acme", None, drift=("field x",)), odd=odd)
    grades = [notice.grade for notice in notices]
    assert grades == [Grade.ALARM] * 2 + [Grade.NOTE] * 4


def test_one_is_told_as_one_and_many_as_many() -> None:
    assert [notice.text.split()[:3] for notice in told(odd=Oddities(inconsistent=1))] == [
        ["1", "campaign", "has"]
    ]
    assert [notice.text.split()[:3] for notice in told(odd=Oddities(inconsistent=1200))] == [
        ["1,200", "campaigns", "have"]
    ]


def test_of_many_unknown_fields_some_are_named_and_all_counted() -> None:
    drift = tuple(f"field f{number}" for number in range(9))
    [notice] = told(health("acme", timedelta(), drift=drift))
    assert notice.text.endswith("field f0, field f1, field f2, field f3, field f4 and 4 more")
