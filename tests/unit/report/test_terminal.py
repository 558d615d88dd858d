"""The report as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from etl.report.document import summary_as_json
from etl.report.figures import Campaign, Ranking, Step, Tally, Trend, derive_trend
from etl.report.queries import Oddities, Scope
from etl.report.summary import Summary
from etl.report.terminal import percent, render_report, sparkline

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
TALLY = Tally(campaigns=2, recipients=1500, completed=900, failed=100)


def campaign(name: str | None, **values: object) -> Campaign:
    given = {"account": "acme", "id": "b-1", "status": "running", "started_at": NOW - timedelta(hours=1)}
    return Campaign(**{**given, "name": name, "tally": replace(TALLY, campaigns=1), **values})  # type: ignore[arg-type]


SUMMARY = Summary(
    now=NOW,
    scope=Scope(),
    last_complete={"acme": NOW - timedelta(minutes=3), "globex": None},
    total=TALLY,
    statuses={"running": TALLY, "par\x1bked": Tally(campaigns=1)},
    trend=derive_trend([(date(2026, 3, 1), TALLY), (date(2026, 3, 3), Tally(campaigns=1, completed=5))]),
    ranking=Ranking(
        least_calls=20, ranked=2, best=(campaign("[b]Best[/b]"),), worst=(campaign(None, id="b-9"),)
    ),
    running=(campaign("Reminders \x1b[31m\u202e"),),
    oddities=Oddities(inconsistent=1, without_time=2, rows_set_aside=3, fields_set_aside=4),
)
NOTHING = replace(
    SUMMARY,
    last_complete={},
    total=Tally(),
    statuses={},
    trend=Trend(step=Step.DAY, buckets=()),
    ranking=Ranking(least_calls=20, ranked=0, best=(), worst=()),
    running=(),
    oddities=Oddities(inconsistent=0, without_time=0, rows_set_aside=0, fields_set_aside=0),
)


def shown(summary: Summary, width: int = 80) -> str:
    out = StringIO()
    console = Console(file=out, width=width, markup=False, emoji=False, highlight=False)
    for part in render_report(summary):
        console.print(part)
    return out.getvalue()


def test_the_report_tells_what_matters_from_top_to_bottom() -> None:
    text = shown(SUMMARY)
    places = [
        text.index(heading)
        for heading in (
            "Campaigns of acme, globex",
            "2 campaigns   1,500 recipients   1,000 calls   90.0 % succeeded",
            "Success by day of creation",
            "By status",
            "Best, of 2 with 20 calls or more",
            "Worst, of 2 with 20 calls or more",
            "Running now: 2",
            "Mind",
            "As of 2026-03-31 11:57 UTC, 3 min ago",
        )
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = replace(SUMMARY, running=(campaign("x" * 500),))
    assert max(map(len, shown(long, width).splitlines())) <= width


def test_names_cannot_drive_the_terminal_and_are_no_markup() -> None:
    text = shown(SUMMARY)
    assert "Reminders �[31m�" in text
    assert "par�ked" in text
    assert "[b]Best[/b]" in text
    assert not set("\x1b\u202e") & set(text)


def test_a_campaign_without_a_name_goes_by_its_id() -> None:
    assert "b-9" in shown(SUMMARY)


def test_what_a_reader_has_to_mind_is_counted() -> None:
    mind = shown(SUMMARY).partition("Mind\n")[2]
    counts = [line.partition(": ")[2].partition(";")[0] for line in mind.splitlines()[:5]]
    assert counts == ["3", "4", "1", "2", "no sync has been complete yet"]


def test_without_campaigns_there_is_little_to_say() -> None:
    assert shown(NOTHING).split("\n") == ["Campaigns of no account", "", "No campaigns.", ""]


def test_a_window_is_named() -> None:
    scope = Scope(since=NOW - timedelta(days=1), until=NOW)
    first = shown(replace(SUMMARY, scope=scope), width=120).splitlines()[0]
    assert first == "Campaigns of acme, globex, created since 2026-03-30 12:00 until 2026-03-31 12:00 UTC"


def test_a_sparkline_goes_from_the_lowest_to_the_highest_with_gaps() -> None:
    assert sparkline([0.5, None, 0.75, 1.0], 0.5, 1.0) == "▁ ▅█"
    assert sparkline([0.7, 0.7], 0.7, 0.7) == "██"


def test_a_share_is_told_with_one_digit() -> None:
    assert (percent(None), percent(0), percent(0.98765), percent(1)) == ("–", "0.0 %", "98.8 %", "100.0 %")


def test_json_holds_the_same_figures() -> None:
    document = json.loads(json.dumps(summary_as_json(SUMMARY)))
    assert document["generated_at"] == "2026-03-31T12:00:00+00:00"
    assert document["total"] == {
        "campaigns": 2,
        "recipients": 1500,
        "attempted": 1000,
        "completed": 900,
        "failed": 100,
        "success_rate": 0.9,
        "completion_rate": 1000 / 1500,
    }
    assert [status["status"] for status in document["statuses"]] == ["running", "par\x1bked"]
    assert [bucket["first_day"] for bucket in document["trend"]["buckets"]] == [
        "2026-03-01",
        "2026-03-02",
        "2026-03-03",
    ]
    assert document["running"][0]["name"] == "Reminders \x1b[31m\u202e"
    assert document["warnings"] == {
        "quarantined_rows": 3,
        "quarantined_fields": 4,
        "inconsistent_counts": 1,
        "without_created_at": 2,
    }
    assert document["accounts"][1] == {"account": "globex", "last_complete_at": None}
