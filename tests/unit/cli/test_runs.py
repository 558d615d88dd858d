"""Runs as people, programs and shells see them."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from etl.cli.invocation import Invocation
from etl.cli.output import first_exit_code
from etl.cli.runs import render_remarks, render_runs
from etl.cli.sync import show_runs
from etl.model import RunMode, RunStatus, RunSummary
from etl.settings import Settings


def summary(account: str = "acme", **values: Any) -> RunSummary:
    given: dict[str, Any] = {
        "run_id": 1,
        "mode": RunMode.FULL,
        "status": RunStatus.SUCCEEDED,
        "complete": True,
        "started_at": datetime(2026, 1, 1, tzinfo=UTC),
        **values,
    }
    return RunSummary(account=account, **given)


def printed(*runs: RunSummary) -> list[list[str]]:
    out = StringIO()
    Console(file=out, width=120).print(render_runs(runs))
    return [line.split() for line in out.getvalue().splitlines()]


def test_the_exit_code_is_that_of_the_first_run_that_did_not_end_well() -> None:
    assert first_exit_code([]) == 0
    assert first_exit_code([summary(), summary()]) == 0
    assert first_exit_code([summary(), summary(exit_code=3), summary(exit_code=5)]) == 3


def test_a_run_is_a_row_of_its_counts() -> None:
    run = summary(requests=5, rows_seen=3000, inserted=1, updated=2, unchanged=2997, seconds=1.26)
    assert printed(run) == [
        ["account", "mode", "result", "requests", "rows", "new", "changed", "same", "time"],
        ["acme", "full", "succeeded", "5", "3,000", "1", "2", "2,997", "1.3", "s"],
    ]


def test_what_became_of_the_runs_is_shown_though_the_database_went_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings(database_url="sqlite:////nowhere/at/all/magpipe.db")
    runs = [summary(), summary("globex", status=RunStatus.FAILED, exit_code=4, error="it went away")]
    assert show_runs(Invocation(), settings, runs, as_json=False) == 4
    captured = capsys.readouterr()
    assert [line.split()[:3] for line in captured.out.splitlines()[1:]] == [
        ["acme", "full", "succeeded"],
        ["globex", "full", "failed"],
    ]
    assert captured.err == "error: globex: it went away\n"


def test_counts_that_are_rare_have_a_column_only_where_there_are_some() -> None:
    header = printed(summary(deleted=1), summary("globex", quarantined=2, revived=3))[0]
    assert header[-5:] == ["gone", "back", "set", "aside", "time"]


def test_what_was_set_aside_and_what_is_new_is_remarked() -> None:
    runs = [summary(), summary("globex", quarantined=2), summary("initech", quarantined=1)]
    drift = {"globex": ("field tags", "status \x1b[31mparked")}
    assert [str(line) for line in render_remarks(runs, drift)] == [
        "globex: 2 rows were set aside; see `magpipe-etl quarantine list`",
        "globex: the source shows what this version does not know: field tags, status �[31mparked",
        "initech: 1 row was set aside; see `magpipe-etl quarantine list`",
    ]
