"""How accounts stand, as derived from what the tables say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from etl.coverage import Covered
from etl.interval import EVERYTHING, Interval
from etl.model import RunMode, RunStatus
from etl.report.health import (
    Facts,
    Health,
    IncidentKind,
    QuotaUse,
    Run,
    Streak,
    WindowUse,
    derive_health,
)
from etl.report.health_terminal import health_as_json, render_health
from etl.report.words import ago

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run(ended: timedelta = HOUR, status: RunStatus = RunStatus.SUCCEEDED, error: str | None = None) -> Run:
    return Run(
        run_id=7,
        account="acme",
        mode=RunMode.FULL,
        status=status,
        complete=status is RunStatus.SUCCEEDED,
        started_at=NOW - ended - timedelta(minutes=1),
        heartbeat_at=NOW - ended,
        finished_at=NOW - ended,
        requests=5,
        error=error,
    )


QUOTA = QuotaUse(
    windows=(WindowUse(seconds=60, most=100, used=7), WindowUse(seconds=3600, most=1000, used=70)),
    told_remaining=930,
    not_before=NOW + timedelta(seconds=90),
)


def one(facts: Facts, *configured: str, max_age: timedelta | None = None) -> Health:
    [health] = derive_health([facts], configured, NOW, max_age, {"acme": QUOTA} if configured else {})
    return health


def proof(after: datetime | None, upto: datetime | None, age: timedelta = HOUR) -> Covered:
    return Covered(Interval(after=after, upto=upto), NOW - age)


@pytest.mark.parametrize(("ended", "stale"), [(HOUR, False), (HOUR + timedelta(seconds=1), True)])
def test_an_account_is_stale_when_its_last_complete_sync_is_older(ended: timedelta, stale: bool) -> None:
    health = one(Facts(account="acme", last_complete=run(ended)), "acme", max_age=HOUR)
    assert (health.age, health.stale) == (ended, stale)


def test_an_account_that_was_never_complete_is_stale() -> None:
    assert one(Facts(account="acme"), "acme", max_age=HOUR).stale
    assert not one(Facts(account="acme"), "acme").stale


def test_a_clock_that_stepped_back_makes_no_negative_age() -> None:
    assert one(Facts(account="acme", last_complete=run(-HOUR))).age == timedelta()


@pytest.mark.parametrize(("ahead", "stale"), [(HOUR, False), (HOUR + timedelta(seconds=1), True)])
def test_what_ended_far_in_the_future_is_not_fresh(ahead: timedelta, stale: bool) -> None:
    assert one(Facts(account="acme", last_complete=run(-ahead)), "acme", max_age=HOUR).stale is stale


@pytest.mark.parametrize(("ahead", "told"), [(timedelta(minutes=15), False), (24 * HOUR, True)])
def test_a_run_by_a_clock_that_was_far_ahead_is_remarked_on(ahead: timedelta, told: bool) -> None:
    output = StringIO()
    health = one(Facts(account="acme", last_run=run(-ahead), last_complete=run(-ahead)))
    Console(file=output, width=200).print(*render_health([health], NOW))
    assert ("the clock of its last run was 24 h ahead of this one" in output.getvalue()) is told


@pytest.mark.parametrize(
    ("status", "silent", "held", "interrupted"),
    [
        (RunStatus.RUNNING, HOUR, False, True),
        (RunStatus.RUNNING, HOUR, True, False),
        (RunStatus.RUNNING, HOUR, None, False),
        (RunStatus.RUNNING, 3 * HOUR, None, True),
        (RunStatus.RUNNING, 3 * HOUR, True, False),
        (RunStatus.FAILED, 3 * HOUR, False, False),
    ],
)
def test_an_open_run_that_nobody_runs_was_interrupted(
    status: RunStatus, silent: timedelta, held: bool | None, interrupted: bool
) -> None:
    facts = Facts(account="acme", last_run=run(silent, status))
    [health] = derive_health([facts], (), NOW, held={"acme": held})
    assert health.interrupted is interrupted
    told = [incident.kind for incident in health.incidents]
    assert told == ([IncidentKind.INTERRUPTED] if interrupted else [])
    assert ("interrupted, " in shown(health)) is interrupted


def test_a_configured_account_without_a_run_is_shown() -> None:
    names = [(each.facts.account, each.configured) for each in derive_health([], ["b", "a"], NOW, None)]
    assert names == [("b", True), ("a", True)]


def test_an_account_that_is_no_longer_configured_is_shown_and_never_stale() -> None:
    facts = [Facts(account="acme", last_complete=run()), Facts(account="old")]
    health = derive_health(facts, ["acme"], NOW, HOUR)
    assert [(each.facts.account, each.configured, each.stale) for each in health] == [
        ("acme", True, False),
        ("old", False, False),
    ]


def test_where_nothing_is_configured_every_account_counts() -> None:
    assert one(Facts(account="old"), max_age=HOUR).stale


MIDDLE, LATER = NOW - 10 * HOUR, NOW - 5 * HOUR


@pytest.mark.parametrize(
    ("coverage", "age"),
    [
        ([], None),
        ([proof(None, None)], 1),
        ([proof(MIDDLE, None), proof(None, MIDDLE, 3 * HOUR)], 3),
        ([proof(LATER, NOW), proof(MIDDLE, LATER, 2 * HOUR), proof(None, MIDDLE)], 2),
        ([proof(LATER, None), proof(None, MIDDLE)], None),
        ([proof(None, LATER)], 1),
        ([proof(MIDDLE, None)], None),
    ],
)
def test_the_oldest_proof_is_known_once_everything_was_proven(
    coverage: list[Covered], age: int | None
) -> None:
    health = one(Facts(account="acme", coverage=tuple(coverage)))
    assert health.oldest_proof_at == (None if age is None else NOW - age * HOUR)


def test_syncs_that_were_not_complete_are_an_incident_until_one_is() -> None:
    last = run(status=RunStatus.FAILED, error="the source answered 503")
    health = one(Facts(account="acme", failing=Streak(count=3, since=NOW - 5 * HOUR, last=last)))
    [incident] = health.incidents
    assert (incident.kind, incident.since, incident.times) == (IncidentKind.FAILING, NOW - 5 * HOUR, 3)
    assert (incident.what, incident.detail) == ("the last sync failed", "the source answered 503")


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.INCOMPLETE, RunStatus.ABANDONED])
def test_each_way_to_end_badly_has_words(status: RunStatus) -> None:
    streak = Streak(count=1, since=NOW, last=run(status=status))
    assert one(Facts(account="acme", failing=streak)).incidents[0].detail == "no reason was kept"


def test_deletes_that_are_held_back_are_an_incident_that_says_how_to_allow_them() -> None:
    [incident] = one(Facts(account="acme", last_run=run(), deletes_held=900)).incidents
    assert incident.kind is IncidentKind.DELETES_HELD
    assert "batches gone: 900; `sync --allow-deletes`" in incident.detail


def shown(*health: Health, width: int = 80) -> str:
    out = StringIO()
    console = Console(file=out, width=width)
    for part in render_health(health, NOW):
        console.print(part)
    return out.getvalue()


FULL = Facts(
    account="acme",
    last_run=run(),
    last_complete=run(),
    failing=Streak(count=2, since=NOW - HOUR, last=run(status=RunStatus.FAILED, error="no\x1b[2J")),
    rows=12_345,
    deleted=6,
    rows_set_aside=1,
    fields_set_aside=2,
    coverage=(Covered(EVERYTHING, NOW - HOUR),),
    drift=("field tags",),
)


def test_the_terminal_shows_a_row_an_account_and_a_line_for_what_is_wrong() -> None:
    lines = shown(one(FULL, "acme", max_age=timedelta(minutes=5))).splitlines()
    assert lines[0].split()[:2] == ["account", "age"]
    assert "60 min, stale" in lines[1]
    assert all(text in lines[1] for text in ("succeeded, 60 min", "12,345", "70/1,000"))
    assert lines[2] == "acme: the last sync failed (2 in a row, for 60 min): no�[2J"
    assert lines[3] == "acme: the source asked for no request in the next 90 s"
    assert lines[4] == "acme: unknown to this version: field tags"


def test_an_account_without_anything_is_shown_too() -> None:
    assert ["acme", "never", "none", "0", "0", "0", "none"] in map(
        str.split, shown(one(Facts(account="acme"))).splitlines()
    )


def test_json_has_every_documented_field() -> None:
    document = health_as_json(one(FULL, "acme", max_age=HOUR))
    assert document["last_complete_at"] == "2026-03-31T11:00:00+00:00"
    assert (document["age_seconds"], document["stale"]) == (3600, False)
    assert document["oldest_proof_at"] == "2026-03-31T11:00:00+00:00"
    assert (document["rows"], document["deleted"], document["quarantined_open"]) == (12_345, 6, 3)
    assert document["coverage"] == [
        {"created_from": None, "created_to": None, "proven_at": "2026-03-31T11:00:00+00:00"}
    ]
    assert document["incidents"][0]["kind"] == "failing"
    assert document["last_run"]["run_id"] == 7
    assert document["quota"] == {
        "windows": [{"seconds": 60, "most": 100, "used": 7}, {"seconds": 3600, "most": 1000, "used": 70}],
        "told_remaining": 930,
        "resets_at": None,
        "not_before": "2026-03-31T12:01:30+00:00",
    }
    assert health_as_json(one(Facts(account="acme")))["last_run"] is None


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(), "0 s"),
        (timedelta(seconds=119.9), "119 s"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=4, hours=23), "4 d"),
    ],
)
def test_a_length_of_time_is_told_in_one_unit(length: timedelta, text: str) -> None:
    assert ago(length) == text
