from __future__ import annotations

import pytest

from etl.transform.statuses import KNOWN_STATUSES, is_live


def test_the_eight_statuses_of_the_source_are_known() -> None:
    assert sorted(KNOWN_STATUSES) == sorted(
        "draft scheduled running paused recurring completed cancelled failed".split()
    )


@pytest.mark.parametrize("status", "draft scheduled running paused recurring".split())
def test_a_batch_that_changes_by_itself_is_live(status: str) -> None:
    assert is_live(status)


@pytest.mark.parametrize("status", "completed cancelled failed archived Running".split())
def test_a_batch_that_ended_or_whose_status_is_unknown_is_not_live(status: str) -> None:
    assert not is_live(status)
