"""What is there when a sandbox starts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from etl.sandbox import Batch, Sandbox, SandboxOptions
from etl.sandbox.campaigns import ODD_TITLES

MOMENT = datetime(2026, 3, 13, 10, 30, tzinfo=UTC)


def batches_of(**options: object) -> list[Batch]:
    return Sandbox(SandboxOptions(**options), now=lambda: MOMENT).account.listed()  # type: ignore[arg-type]


def groups_of(batches: list[Batch]) -> list[int]:
    """The sizes of the groups that share a created_at."""
    return [size for size in Counter(batch.created_at for batch in batches).values() if size > 1]


@pytest.fixture(scope="module")
def believable() -> list[Batch]:
    return batches_of(batches=4000)


def test_the_same_seed_is_the_same_world_and_another_is_another() -> None:
    assert batches_of(batches=60, seed=3) == batches_of(batches=60, seed=3)
    assert batches_of(batches=60, seed=3) != batches_of(batches=60, seed=4)


def test_two_sandboxes_of_one_day_are_alike() -> None:
    later = Sandbox(SandboxOptions(batches=60), now=lambda: MOMENT + timedelta(hours=9))
    assert later.account.listed() == batches_of(batches=60)


def test_a_world_may_end_at_a_given_moment() -> None:
    until = datetime(2025, 1, 1, tzinfo=UTC)
    newest = batches_of(batches=60, until=until)[0].created_at
    assert newest is not None
    assert until - timedelta(days=60) < newest <= until


def test_every_account_has_as_many_batches_as_asked_for() -> None:
    sandbox = Sandbox(SandboxOptions(batches=70, accounts=("a", "b")), now=lambda: MOMENT)
    assert [len(sandbox.world[name]) for name in ("a", "b")] == [70, 70]


def test_some_are_tied_and_no_group_is_wider_than_a_handful(believable: list[Batch]) -> None:
    assert len(groups_of(believable)) >= 1
    assert max(groups_of(believable)) <= 5


@pytest.mark.parametrize(("groups", "size"), [(0, 2), (1, 40), (10, 4), (20, 2)])
def test_ties_are_as_asked_for(groups: int, size: int) -> None:
    batches = batches_of(batches=40, tie_groups=groups, tie_size=size)
    assert len(batches) == 40
    assert groups_of(batches) == [size] * groups


def test_nulls_are_as_asked_for() -> None:
    batches = batches_of(batches=40, null_created_at=4, null_counts=6, tie_groups=10, tie_size=3)
    assert sum(batch.created_at is None for batch in batches) == 4
    assert sum(batch.completed_count is None and batch.total_recipients is None for batch in batches) == 6


def test_all_eight_statuses_occur(believable: list[Batch]) -> None:
    seen = {batch.status for batch in believable}
    assert seen == set("draft scheduled running paused completed cancelled failed recurring".split())


def test_batches_spread_over_months_and_none_is_of_the_future(believable: list[Batch]) -> None:
    times = [batch.created_at for batch in believable if batch.created_at is not None]
    assert max(times) <= MOMENT
    assert max(times) - min(times) > timedelta(days=360)
    weekend = sum(time.weekday() >= 5 for time in times)
    assert weekend < len(times) / 7


def test_names_hold_what_trips_careless_programs(believable: list[Batch]) -> None:
    text = "".join(batch.name for batch in believable)
    assert all(odd in text for odd in ("🎉", "تذكير", "\t", "\n", "\u2028", "\u200f"))
    assert {batch.name for batch in believable} >= set(ODD_TITLES)


def test_counters_race_and_re_runs_leave_an_end_before_their_start(believable: list[Batch]) -> None:
    done = [batch for batch in believable if batch.status == "completed" and not batch.is_series]
    assert any(batch.attempted > (batch.total_recipients or 0) for batch in done)
    assert any(batch.attempted < (batch.total_recipients or 0) for batch in done)
    assert any(
        isinstance(batch.started_at, datetime)
        and isinstance(batch.completed_at, datetime)
        and batch.completed_at < batch.started_at
        for batch in believable
    )


def test_times_have_six_digits_or_three_or_none(believable: list[Batch]) -> None:
    microseconds = [batch.created_at.microsecond for batch in believable if batch.created_at is not None]
    assert any(value == 0 for value in microseconds)
    assert any(value and value % 1000 == 0 for value in microseconds)
    assert any(value % 10 for value in microseconds)


def test_a_series_counts_more_runs_than_are_kept() -> None:
    account = Sandbox(SandboxOptions(batches=2000), now=lambda: MOMENT).account
    series = [batch for batch in account.listed() if batch.is_series]
    assert any(len(account.runs(batch.id)) < (batch.recurrence_run_count or 0) for batch in series)
    assert all(run.parent_batch_id == batch.id for batch in series for run in account.runs(batch.id))
