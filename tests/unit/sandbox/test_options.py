from __future__ import annotations

from datetime import datetime

import pytest

from etl.errors import SettingsError
from etl.sandbox import SandboxOptions


def test_the_defaults_can_be_served() -> None:
    assert SandboxOptions().accounts == ("default",)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        SandboxOptions(batches=-1, cap=0, fault_rate=2, fault_kinds=("flood",), accounts=())
    names = [fault.split(" ", 1)[0] for fault in caught.value.faults]
    assert names == ["batches", "cap", "fault_rate", "accounts", "fault_kinds"]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batches": 5, "tie_groups": 3, "tie_size": 2}, "6 batches: expected at most 5"),
        ({"accounts": ("a", "a")}, "expected one or more different names"),
        ({"tie_groups": -1}, "tie_groups is -1: expected 0 or more"),
        ({"tie_size": 1}, "tie_size is 1: expected 2 or more"),
        ({"until": datetime(2026, 1, 1)}, "expected a time with its zone"),  # noqa: DTZ001
        ({"shape": "round"}, "shape is round: expected one of documented, observed"),
        ({"error_shape": "round"}, "error_shape is round: expected one of text, documented, mixed"),
        ({"speed": -1.0}, "speed is -1.0: expected 0 or more"),
    ],
)
def test_a_refusal_says_what_was_seen_and_what_is_expected(options: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        SandboxOptions(**options)  # type: ignore[arg-type]
