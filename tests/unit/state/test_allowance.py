from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from etl.settings import Settings
from etl.state.allowance import (
    Allowance,
    Ended,
    Quota,
    Sent,
    Told,
    ToldWindow,
    Window,
    hear,
    is_awaited,
    share_of,
    wait_seconds,
)

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
QUOTA = Quota(windows=(Window(most=100, seconds=60), Window(most=1000, seconds=3600)))
NOTHING_SENT = Sent(under_way=0, of_window=0, counted_at=(None, None))
POLL = 0.05
KEY = "mgp_" + "0123456789" * 4


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def told(remaining: int, resets_in: float = 40, **others: object) -> Told:
    window = ToldWindow(remaining=remaining, limit=100, resets_at=after(resets_in))
    return replace(Told(window=window), **others)  # type: ignore[arg-type]


def known(remaining: int, resets_in: float = 40) -> Allowance:
    return Allowance(
        told_remaining=remaining, told_limit=100, opened_at=after(-20), resets_at=after(resets_in)
    )


def heard(before: Allowance, word: Told | None, *, overlapping: int = 0, way: float = 0.2) -> Allowance:
    return hear(before, word, Ended(sent_at=after(-way), overlapping=overlapping), NOW)


def wait(allowance: Allowance, quota: Quota = QUOTA, **sent: object) -> float:
    return wait_seconds(allowance, replace(NOTHING_SENT, **sent), quota, NOW)  # type: ignore[arg-type]


# -- the settings' quota -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "minute", "hour"), [(1.0, 100, 1000), (0.5, 50, 500), (0.29, 29, 290), (0.001, 1, 1)]
)
def test_a_share_is_rounded_down_but_never_to_nothing(share: float, minute: int, hour: int) -> None:
    quota = Quota.of(Settings(api_key=KEY, quota_share=share))
    assert quota.windows == (Window(most=minute, seconds=60), Window(most=hour, seconds=3600))
    assert quota.share == share


@pytest.mark.parametrize(
    ("requests", "share", "kept"), [(7, 0.5, 3), (1, 0.9, 1), (3, 1.0, 3), (100, 0.07, 7)]
)
def test_a_share_of_requests(requests: int, share: float, kept: int) -> None:
    assert share_of(requests, share) == kept


# -- our own windows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minute", "hour", "spare"), [(100, 1000, 0), (500, 10**6, 1), (10**6, 499, 0), (10**6, 10**6, 2000)]
)
def test_of_the_smallest_window_a_little_may_be_in_vain(minute: int, hour: int, spare: int) -> None:
    windows = (Window(most=minute, seconds=60), Window(most=hour, seconds=3600))
    assert Quota(windows=windows).spare == spare


def test_nothing_is_waited_for_while_a_window_has_room() -> None:
    assert wait(Allowance()) == 0


def test_a_full_window_has_room_again_when_its_last_but_most_has_left_it() -> None:
    assert wait(Allowance(), counted_at=(after(-59), None)) == pytest.approx(1)
    assert wait(Allowance(), counted_at=(after(-60), None)) == 0


def test_the_longest_wait_counts() -> None:
    assert wait(Allowance(), counted_at=(after(-59), after(-600))) == pytest.approx(3000)


def test_what_is_under_way_is_counted_now_at_the_earliest() -> None:
    assert wait(Allowance(), counted_at=(after(9), None), under_way=100) == pytest.approx(60)


# -- the source's word -------------------------------------------------------------------------------------


def test_what_remains_is_sent_and_no_more() -> None:
    assert wait(known(3), under_way=2) == 0
    assert wait(known(3), under_way=3) == POLL


def test_nothing_is_sent_before_the_reset_once_nothing_remains() -> None:
    assert wait(known(0)) == pytest.approx(40)


def test_one_request_asks_when_the_window_is_over() -> None:
    assert wait(known(0, resets_in=0)) == 0
    assert wait(known(0, resets_in=-5), under_way=1) == POLL


def test_an_answer_is_awaited_where_nobody_sends_before_it() -> None:
    assert is_awaited(known(0), NOTHING_SENT, QUOTA)
    assert not is_awaited(known(2), NOTHING_SENT, QUOTA)
    assert is_awaited(known(2), replace(NOTHING_SENT, under_way=1), QUOTA)
    assert not is_awaited(Allowance(), NOTHING_SENT, QUOTA)
    half = replace(QUOTA, share=0.5)
    assert is_awaited(known(60), replace(NOTHING_SENT, of_window=49), half)
    assert not is_awaited(known(60), replace(NOTHING_SENT, of_window=48), half)


def test_the_least_that_was_told_counts_whatever_the_order_of_the_answers() -> None:
    late_and_early = heard(heard(known(50), told(40)), told(45))
    assert late_and_early == heard(heard(known(50), told(45)), told(40)) == known(40)


def test_the_first_word_is_taken_as_it_is() -> None:
    assert heard(Allowance(), told(99), overlapping=5) == replace(known(99), opened_at=after(-0.2))


def test_after_the_reset_what_overlapped_may_have_been_counted_later() -> None:
    assert heard(known(0, resets_in=-1), told(99), overlapping=5).told_remaining == 94


def test_a_much_later_reset_is_another_window_s() -> None:
    assert heard(known(0, resets_in=2), told(99, 62)) == replace(known(99, 62), opened_at=after(-0.2))


def test_a_reset_that_is_rounded_is_the_same_and_the_nearer_one_is_better_known() -> None:
    assert heard(known(50, 40), told(49, 41)) == known(49, 40)
    assert heard(known(50, 41), told(49, 40)) == known(49, 40)


def test_near_the_reset_the_window_may_have_moved_on() -> None:
    assert heard(known(1, resets_in=0.5), told(0, 1.4)) == known(0, resets_in=1.4)


def test_an_answer_that_was_long_on_its_way_makes_no_new_window() -> None:
    assert heard(known(5, 40), told(90, 46), way=5) == known(5, 40)


def test_an_answer_that_does_not_tell_may_have_been_counted() -> None:
    assert heard(known(5), Told()) == known(4)
    assert heard(known(5), None) == known(4)
    assert heard(known(0), None) == known(0)


def test_a_source_that_tells_no_more_is_forgotten_with_its_window() -> None:
    assert heard(known(0, resets_in=-1), Told()) == Allowance()
    assert heard(known(0, resets_in=-1), None) == known(0, resets_in=-1)


def test_a_source_that_never_tells_leaves_nothing_behind() -> None:
    assert heard(Allowance(), Told()) == heard(Allowance(), None) == Allowance()


# -- a share of it -----------------------------------------------------------------------------------------


def test_a_share_ends_before_the_source_s_window_is_used_up() -> None:
    half = replace(QUOTA, share=0.5)
    assert wait(known(60), half, of_window=49) == 0
    assert wait(known(60), half, of_window=50) == pytest.approx(40)
    assert wait(known(60), half, of_window=50, under_way=1) == POLL
    assert wait(known(60), of_window=50) == 0


# -- what it asks to wait for ------------------------------------------------------------------------------


def test_retry_after_holds_everybody_even_without_a_refusal() -> None:
    allowance = heard(known(50), told(40, wait_until=after(17)))
    assert wait(allowance) == pytest.approx(17)
    assert wait(heard(allowance, told(39, wait_until=after(5)))) == pytest.approx(17)


def test_a_refusal_lasts_until_retry_after() -> None:
    assert wait(heard(known(50), told(0, 40, refused=True, wait_until=after(9)))) == pytest.approx(9)


def test_a_refusal_without_retry_after_lasts_until_the_reset() -> None:
    assert wait(heard(known(50), told(0, 40, refused=True))) == pytest.approx(40)


def test_a_refusal_whose_reset_is_past_lasts_a_moment() -> None:
    assert wait(heard(known(50), told(0, -3, refused=True))) == pytest.approx(1)


def test_bare_refusals_last_longer_and_longer() -> None:
    allowance, waits = Allowance(), []
    for _ in range(4):
        allowance = heard(replace(allowance, not_before=None), Told(refused=True))
        waits.append(wait(allowance))
    assert waits == pytest.approx([20, 40, 60, 60])


def test_refusals_at_the_same_time_are_one() -> None:
    first = heard(Allowance(), Told(refused=True))
    assert heard(heard(first, Told(refused=True)), Told(refused=True)) == first


def test_after_a_refusal_one_alone_asks() -> None:
    refused = heard(Allowance(), Told(refused=True))
    over = replace(refused, resets_at=NOW, not_before=NOW)
    assert (wait(over), wait(over, under_way=1)) == (0, POLL)


@pytest.mark.parametrize("word", [Told(), told(50, 55)])
def test_what_was_let_through_before_a_refusal_says_nothing_of_it_when_it_is_heard_later(word: Told) -> None:
    refused = heard(Allowance(), Told(refused=True))
    assert heard(refused, word) == refused
    assert heard(refused, replace(word, wait_until=after(90))) == replace(refused, not_before=after(90))


def test_an_accepted_request_ends_the_row_of_refusals() -> None:
    refused = replace(heard(Allowance(), Told(refused=True)), resets_at=NOW, not_before=NOW)
    assert heard(refused, Told()) == Allowance(not_before=NOW)
