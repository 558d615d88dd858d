"""Text that a spreadsheet cannot run."""

from __future__ import annotations

import pytest

from etl.spreadsheet import inert


@pytest.mark.parametrize(
    "text",
    [
        "=1+2",
        '=HYPERLINK("http://example.com")',
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "+1-800-555",
        "+33 1 99\n=1",
    ],
)
def test_a_formula_is_inert_in_a_spreadsheet(text: str) -> None:
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("value", ["plain", "a=b", "", None, -5, 0.5, True])
def test_what_is_no_formula_is_left_alone(value: object) -> None:
    assert inert(value) == value


@pytest.mark.parametrize("text", ["+33199005512", "+33 1 99 00 55 12", "-2", "+1.604.555.0100"])
def test_a_telephone_number_is_left_alone(text: str) -> None:
    assert inert(text) == text
