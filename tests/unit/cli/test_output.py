"""What goes to stdout."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from etl.cli.invocation import Invocation
from etl.cli.output import print_csv, print_error, print_json, print_rich
from etl.report.columns import Whole


def test_json_is_one_document_that_no_terminal_can_be_driven_by(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"name": "تذكير \x1b[31m\u202e\U0001f600"}
    print_json(document)
    written = capsys.readouterr().out
    assert written.isascii()
    assert json.loads(written) == document


def test_a_long_line_stays_one_line_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    print_rich(Text("word " * 100))
    assert len(capsys.readouterr().out.splitlines()) == 1


class Terminal(StringIO):
    """A stream that says that somebody looks at it."""

    def isatty(self) -> bool:
        return True


def test_what_is_wrapped_in_a_terminal_stays_indented_and_looks_as_it_did() -> None:
    with redirect_stdout(Terminal()) as terminal:
        print_rich(Text("  " + "word " * 100), Text("plain"))
    *wrapped, last = terminal.getvalue().splitlines()
    assert len(wrapped) > 1
    assert all(line.startswith("  word") for line in wrapped)
    assert last == "plain"


def test_a_figure_that_a_narrow_terminal_has_no_room_for_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("account", overflow="fold")
    for title in ("requests", "rows", ""):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_row("the-name-of-an-account", "1,234,567", "98,765,432", "")
    with redirect_stdout(Terminal()) as terminal:
        print_rich(Padding(Whole(table), (0, 0, 0, 2), expand=False), Text("word " * 5))
    header, row, below, first, second = (line.split() for line in terminal.getvalue().splitlines())
    assert header == ["account", "requests", "rows"]
    assert [*row, *below] == ["the-name-of-", "1,234,567", "98,765,432", "an-account"]
    assert (first, second) == (["word"] * 4, ["word"])


def test_markup_in_a_text_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_rich(Text("[red]not red[/red] :smile:"))
    assert capsys.readouterr().out == "[red]not red[/red] :smile:\n"


def test_an_error_is_redacted_and_has_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("the key s3cret-key is bad", "change s3cret-key", Invocation(secrets=["s3cret-key"]))
    assert capsys.readouterr().err == "error: the key *** is bad\nhint: change ***\n"


def test_csv_has_plain_values_and_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["=1+2", True, None, datetime(2026, 3, 31, tzinfo=UTC), 0.5], ["a,b", False, -1, None, "été"]]
    print_csv(["name", "is", "n", "at", "rate"], rows)
    assert capsys.readouterr().out.splitlines() == [
        "name,is,n,at,rate",
        "'=1+2,true,,2026-03-31T00:00:00+00:00,0.5",
        '"a,b",false,-1,,été',
    ]
