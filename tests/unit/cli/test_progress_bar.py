"""Progress as bars, called from several threads."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from etl.cli.progress_bar import Bars, shown_progress
from etl.cli.sync import progress_for
from etl.model import RunMode, RunStatus, RunSummary
from etl.progress import Silent


@pytest.fixture
def drawn() -> Progress:
    return Progress(TextColumn("{task.description}"), console=Console(file=StringIO()))


def test_each_account_has_one_bar_whatever_thread_calls(drawn: Progress) -> None:
    bars = Bars(drawn)

    def work(number: int) -> None:
        for rows in range(1, 50):
            bars.page(account=f"a{number % 4}", rows=rows, pages=rows, requests=rows, expected_rows=None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sorted(task.description for task in drawn.tasks) == ["a0", "a1", "a2", "a3"]


def test_a_bar_goes_as_far_as_is_known(drawn: Progress) -> None:
    bars = Bars(drawn)
    bars.page(account="acme", rows=500, pages=1, requests=2, expected_rows=None)
    assert drawn.tasks[0].total is None
    bars.page(account="acme", rows=500, pages=1, requests=2, expected_rows=1000)
    assert drawn.tasks[0].percentage == 50
    bars.page(account="acme", rows=1200, pages=2, requests=3, expected_rows=1000)
    assert drawn.tasks[0].percentage == 100
    assert drawn.tasks[0].fields["counts"] == "requests 3  rows 1,200  pages 2"


def test_a_bar_is_full_when_the_run_has_ended(drawn: Progress) -> None:
    run = RunSummary(
        run_id=1,
        account="acme",
        mode=RunMode.FULL,
        status=RunStatus.SUCCEEDED,
        complete=True,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    Bars(drawn).finished(run)
    assert drawn.tasks[0].finished is False
    assert drawn.tasks[0].total == 1


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("width", "has_bar"), [(48, False), (80, True)])
def test_a_narrow_terminal_has_room_for_the_counts(
    width: int, has_bar: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress() as bars:
        bars.page(account="acme", rows=10_916, pages=11, requests=12, expected_rows=20_000)
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "requests 12  rows 10,916  pages 11" in drawn
    assert ("━" in drawn) is has_bar


@pytest.mark.parametrize("quiet", [True, False])
def test_nothing_is_drawn_where_nobody_looks(quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_for(quiet=quiet) as progress:
        assert isinstance(progress, Silent)
        progress.page(account="acme", rows=1, pages=1, requests=1, expected_rows=1)
    assert capsys.readouterr().err == ""
