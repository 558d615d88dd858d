"""How far apart an account's turns are, where that may be chosen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from etl.service.pace import Activity, next_wait
from etl.service.timing import Every

MINUTE = timedelta(minutes=1)
EVERY = Every(least=MINUTE, most=15 * MINUTE)


def activity(
    *, running: int = 0, changed: bool = False, requests: tuple[int, ...] = (1,), hourly: int = 1000
) -> Activity:
    return Activity(running=running, changed=changed, recent_requests=requests, hourly_requests=hourly)


@pytest.mark.parametrize("seen", [activity(running=1), activity(changed=True)])
def test_turns_come_close_while_batches_run_or_change(seen: Activity) -> None:
    assert next_wait(EVERY, 15 * MINUTE, seen) == MINUTE


def test_turns_move_apart_while_nothing_happens_but_no_further_than_they_may() -> None:
    waits = [MINUTE]
    for _ in range(6):
        waits.append(next_wait(EVERY, waits[-1], activity()))
    assert waits == [n * MINUTE for n in (1, 2, 4, 8, 15, 15, 15)]


def test_the_turns_of_an_hour_stay_within_the_hour_s_quota_whatever_happens() -> None:
    wait = next_wait(EVERY, MINUTE, activity(running=9, requests=(50, 50, 50), hourly=1000))
    assert timedelta(hours=1) / wait * 50 <= 1000
    assert wait > MINUTE


def test_a_quota_that_is_too_small_for_the_longest_wait_wins_over_it() -> None:
    assert next_wait(EVERY, MINUTE, activity(requests=(100,), hourly=200)) > 15 * MINUTE


def test_a_single_dear_turn_is_no_rule() -> None:
    first_sync = activity(running=1, requests=(2, 2, 2, 2, 900))
    assert next_wait(EVERY, MINUTE, first_sync) == MINUTE


def test_without_a_turn_to_judge_by_the_quota_says_nothing() -> None:
    assert next_wait(EVERY, MINUTE, activity(running=1, requests=())) == MINUTE
