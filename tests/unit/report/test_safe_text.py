"""Text from elsewhere made harmless."""

from __future__ import annotations

import pytest

from etl.report.safe_text import harmless


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
