"""The report as text and as JSON."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from etl.cli.output import print_rich
from etl.report.document import summary_as_json
from etl.report.glyphs import ASCII, BLOCKS, Glyphs
from etl.report.running import UnderWay, derive_running
from etl.report.scope import Scope
from etl.report.summary import Summary
from etl.report.terminal import render_report

from support.summaries import ACCOUNTS, EMPTY, NOW, SUMMARY, campaign


def shown(summary: Summary, width: int = 80, glyphs: Glyphs = BLOCKS) -> str:
    out = StringIO()
    console = Console(file=out, width=width, markup=False, emoji=False, highlight=False)
    for part in render_report(summary, glyphs):
        console.print(part)
    return out.getvalue()


def running(name: str, **values: object) -> UnderWay:
    return UnderWay(count=1, shown=(derive_running(campaign(name, **values), NOW),))


def test_the_report_tells_what_matters_from_top_to_bottom() -> None:
    text = shown(replace(SUMMARY, accounts=ACCOUNTS[:1]), width=120)
    places = [
        text.index(heading)
        for heading in (
            "Campaigns of acme",
            "As of 2026-03-31 11:57 UTC, 3 min ago; no figure is older than 3 min",
            "4 campaigns   1,500 recipients   1,005 calls   90.0 % succeeded",
            "Success by day of creation",
            "By status",
            "By account",
            "Best, of 2 with 20 calls or more",
            "Worst, of 2 with 20 calls or more",
            "Running now: 3",
            "Since yesterday",
            "100 calls, 60.0 % succeeded   1 new   2 older, first seen   5 run again   3 gone",
            "scheduled → running 7",
            "and 8 more",
            "Mind",
        )
    ]
    assert places == sorted(places)


def test_no_age_is_claimed_while_an_account_was_never_read_completely() -> None:
    assert "As of" not in shown(SUMMARY)


@pytest.mark.parametrize("glyphs", [BLOCKS, ASCII])
@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int, glyphs: Glyphs) -> None:
    long = replace(SUMMARY, under_way=running("x" * 500))
    assert max(map(len, shown(long, width, glyphs).splitlines())) <= width


def test_a_narrow_terminal_cuts_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    with redirect_stdout(StringIO()) as narrow:
        monkeypatch.setattr(narrow, "isatty", lambda: True)
        print_rich(*render_report(SUMMARY))
    figures = {word for word in shown(SUMMARY, 120).split() if set(word) <= set("0123456789,.:-")}
    assert {"1,500", "90.0", "03-31"} <= figures
    assert figures - set(Text.from_ansi(narrow.getvalue()).plain.split()) == set()


def test_names_cannot_drive_the_terminal_and_are_no_markup() -> None:
    text = shown(SUMMARY)
    assert "Reminders �[31m�" in text
    assert "par�ked" in text
    assert "[b]Best[/b]" in text
    assert not set("\x1b\u202e") & set(text)


def test_a_terminal_of_ascii_alone_is_given_nothing_else() -> None:
    plain = replace(
        SUMMARY, under_way=running("Reminders"), sums=replace(SUMMARY.sums, cells=SUMMARY.sums.cells[:2])
    )
    text = shown(plain, glyphs=ASCII)
    assert text.isascii()
    assert "scheduled -> running 7" in text


def test_a_campaign_without_a_name_goes_by_its_id() -> None:
    assert "b-9" in shown(SUMMARY)


def test_the_end_of_what_runs_is_told_as_it_is_expected() -> None:
    assert "ends in 30 min" in shown(SUMMARY)  # 1,000 of 1,500 calls in an hour
    late = replace(SUMMARY, now=NOW + timedelta(hours=1))
    assert "overdue by 30 min" in shown(late)
    unknown = replace(SUMMARY, under_way=running("Reminders", started_at=None))
    assert "ends in" not in shown(unknown)


def test_what_a_reader_has_to_mind_stands_at_the_end_alarms_first() -> None:
    mind = shown(SUMMARY, width=200).partition("Mind\n")[2].splitlines()
    assert [line.strip() for line in mind] == [
        "globex: no sync has been complete yet, so campaigns may be missing",
        "3 rows could not be read, and count here as they last could, or not at all"
        " (`magpipe-etl quarantine list`)",
        "acme: unknown to this version, and loaded all the same: field tags",
        "4 fields could not be read (`magpipe-etl quarantine list`)",
        "1 campaign has counts that contradict each other, as the source sends them",
        "2 campaigns have no time of creation, and so no place in the course over time",
    ]


def test_without_campaigns_there_is_little_to_say() -> None:
    assert shown(EMPTY).split("\n") == ["Campaigns of no account", "", "No campaigns.", ""]


def test_a_window_is_named() -> None:
    scope = Scope(since=NOW - timedelta(days=1), until=NOW, statuses=("completed",))
    first = shown(replace(SUMMARY, scope=scope), width=120).splitlines()[0]
    window = "created since 2026-03-30 12:00 until 2026-03-31 12:00 UTC"
    assert first == f"Campaigns of acme, globex, completed, {window}"


def test_json_holds_the_same_figures() -> None:
    document = json.loads(json.dumps(summary_as_json(SUMMARY)))
    assert document["generated_at"] == "2026-03-31T12:00:00+00:00"
    assert document["total"] == {
        "campaigns": 4,
        "recipients": 1500,
        "attempted": 1005,
        "completed": 905,
        "failed": 100,
        "success_rate": 905 / 1005,
        "completion_rate": 1005 / 1500,
    }
    assert [status["status"] for status in document["statuses"]] == ["running", "par\x1bked"]
    assert [bucket["first_day"] for bucket in document["trend"]["buckets"]] == [
        "2026-03-01",
        "2026-03-02",
        "2026-03-03",
    ]
    assert document["running"][0]["name"] == "Reminders \x1b[31m\u202e"
    assert document["running"][0]["expected_end_at"] == "2026-03-31T12:30:00+00:00"
    assert document["changes"]["moves"] == [{"before": "scheduled", "after": "running", "times": 7}]
    assert document["changes"]["events"][0]["observed_at"] == "2026-03-31T12:00:00+00:00"
    assert document["warnings"] == {
        "quarantined_rows": 3,
        "quarantined_fields": 4,
        "inconsistent_counts": 1,
        "without_created_at": 2,
    }
    assert document["accounts"][1]["last_complete_at"] is None
    assert document["accounts"][1]["campaigns"] == 1
