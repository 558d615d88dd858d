from __future__ import annotations

from etl.transform.statuses import KNOWN_STATUSES


def test_the_eight_statuses_of_the_source_are_known_once() -> None:
    assert sorted(KNOWN_STATUSES) == sorted(
        "draft scheduled running paused recurring completed cancelled failed".split()
    )
