"""Text from elsewhere made harmless."""

from __future__ import annotations

import pytest

from etl.report.safe_text import harmless, inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Appointment Reminders", "Appointment Reminders"),
        ("تذكير بالموعد", "تذكير بالموعد"),
        ("family 👨‍👩‍👧", "family 👨‍👩‍👧"),
        ("two\nlines\tand  spaces ", "two lines and spaces"),
        ("\x1b]0;title\x07\x1b[31mred", "�]0;title��[31mred"),
        ("\x9b31m", "�31m"),
        ("abc\u202etxt.exe", "abc�txt.exe"),
        ("a\u2028b", "a b"),
        ("\ud800", "�"),
        (None, ""),
    ],
)
def test_a_name_is_shown_as_it_is_but_cannot_drive_a_terminal(text: str | None, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.parametrize("text", ["=1+2", "+1604555", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
def test_a_formula_is_inert_in_a_spreadsheet(text: str) -> None:
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("value", ["plain", "a=b", "", None, -5, 0.5, True])
def test_what_is_no_formula_is_left_alone(value: object) -> None:
    assert inert(value) == value
