from __future__ import annotations

from datetime import UTC, datetime, timedelta

from etl.sandbox import Batch, Sandbox, SandboxOptions, World


class Days:
    """A world whose time is moved along with its ticks."""

    def __init__(self, seed: int = 0) -> None:
        self.moment = datetime(2026, 3, 13, tzinfo=UTC)
        self.world: World = Sandbox(SandboxOptions(batches=300, seed=seed), now=lambda: self.moment).world

    def live(self, hours: int) -> list[Batch]:
        for _ in range(hours * 60):
            self.moment += timedelta(minutes=1)
            self.world.tick(60)
        return self.world["default"].listed()


def test_the_same_seed_and_the_same_ticks_make_the_same_life() -> None:
    assert Days().live(6) == Days().live(6)
    assert Days(seed=1).live(6) != Days(seed=2).live(6)


def test_batches_are_created_run_end_are_re_run_and_vanish() -> None:
    days = Days()
    before = {batch.id: batch for batch in days.world["default"].listed()}
    after = {batch.id: batch for batch in days.live(48)}
    created = [batch for batch in after.values() if batch.id not in before]
    assert 100 < len(created) < 300
    assert {"running", "completed"} <= {batch.status for batch in created}
    assert set(before) - set(after)
    assert any(
        before[batch.id].status in {"completed", "cancelled", "failed"}
        and batch.started_at != before[batch.id].started_at
        for batch in after.values()
        if batch.id in before
    )
    assert all(
        batch.created_at == before[batch.id].created_at for batch in after.values() if batch.id in before
    )


def test_runs_of_series_begin_and_end_out_of_sight() -> None:
    days = Days()
    account = days.world["default"]
    days.live(48)
    runs = [run for series in account.listed() if series.is_series for run in account.runs(series.id)]
    new = [
        run
        for run in runs
        if run.created_at is not None and run.created_at > datetime(2026, 3, 13, tzinfo=UTC)
    ]
    assert {"completed"} <= {run.status for run in new}


def test_scheduled_batches_start_when_they_are_due() -> None:
    days = Days()
    account = days.world["default"]
    due = account.create(status="scheduled", scheduled_at=days.moment + timedelta(minutes=30))
    far = account.create(status="scheduled", scheduled_at=days.moment + timedelta(days=30))
    days.live(1)
    assert account[due.id].started_at == days.moment - timedelta(minutes=30)
    assert account[far.id].status == "scheduled"


def test_a_tick_of_no_time_changes_next_to_nothing() -> None:
    days = Days()
    before = days.world["default"].count()
    days.world.tick(0)
    assert days.world["default"].count() == before
