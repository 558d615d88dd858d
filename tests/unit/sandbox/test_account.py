from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from etl.sandbox import Batch, Sandbox, SandboxOptions, SourceAccount

from support.sandbox import ask_list


class Hands:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 13, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def turn(self, **span: float) -> datetime:
        self.moment += timedelta(**span)
        return self.moment


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def sandbox(hands: Hands) -> Sandbox:
    return Sandbox(SandboxOptions(batches=40), now=hands)


@pytest.fixture
def account(sandbox: Sandbox) -> SourceAccount:
    return sandbox.account


def test_a_created_batch_is_the_newest_of_the_list(sandbox: Sandbox) -> None:
    batch = sandbox.account.create(name="New")
    row = ask_list(sandbox, limit=1)[0]
    assert (row["id"], row["name"], row["status"]) == (batch.id, "New", "draft")
    assert row["created_at"] == row["updated_at"] == "2026-03-13T09:00:00+00:00"


def test_a_batch_runs_to_its_end(account: SourceAccount, hands: Hands) -> None:
    batch = account.create(total_recipients=10)
    started_at = hands.turn(minutes=1)
    account.start(batch.id)
    account.progress(batch.id, completed=6, failed=1)
    account.progress(batch.id, completed=3)
    ended_at = hands.turn(hours=1)
    done = account.finish(batch.id)
    assert (done.status, done.completed_count, done.failed_count) == ("completed", 9, 1)
    assert (done.started_at, done.completed_at, done.updated_at) == (started_at, ended_at, ended_at)
    assert account[batch.id] is done


def test_a_re_run_resets_counts_and_keeps_the_old_end(account: SourceAccount, hands: Hands) -> None:
    batch = account.create()
    account.start(batch.id)
    account.progress(batch.id, completed=5)
    done = account.finish(batch.id)
    restarted_at = hands.turn(days=1)
    again = account.rerun(batch.id)
    assert (again.status, again.completed_count, again.failed_count) == ("running", 0, 0)
    assert again.started_at == restarted_at
    assert again.completed_at == done.completed_at
    assert again.created_at == batch.created_at


def test_a_series_that_is_paused_waits_again_and_a_batch_runs_again(account: SourceAccount) -> None:
    series = account.create(status="recurring", recurrence_type="weekly")
    batch = account.create()
    account.start(batch.id)
    for each, status in ((series, "recurring"), (batch, "running")):
        assert account.pause(each.id).status == "paused"
        assert account.resume(each.id).status == status


@pytest.mark.parametrize(
    "operation",
    [
        SourceAccount.start,
        SourceAccount.finish,
        SourceAccount.cancel,
        SourceAccount.pause,
        SourceAccount.resume,
    ],
)
def test_a_batch_that_is_done_can_only_be_run_again(
    account: SourceAccount, operation: Callable[[SourceAccount, str], Batch]
) -> None:
    batch = account.create(status="completed")
    with pytest.raises(ValueError, match="batch is completed: expected"):
        operation(account, batch.id)
    assert account.rerun(batch.id).status == "running"


def test_a_change_moves_updated_at_unless_it_is_told_not_to(account: SourceAccount, hands: Hands) -> None:
    batch = account.create()
    later = hands.turn(minutes=5)
    assert account.change(batch.id, touch=False, name="Quiet").updated_at == batch.updated_at
    assert account.change(batch.id, name="Loud").updated_at == later


def test_a_change_of_status_moves_a_batch_between_filtered_lists(account: SourceAccount) -> None:
    batch = account.create()
    running, drafts = account.count("running"), account.count("draft")
    account.start(batch.id)
    assert (account.count("running"), account.count("draft")) == (running + 1, drafts - 1)
    assert batch.id in [each.id for each in account.listed("running")]


def test_a_deleted_batch_is_gone_until_it_is_restored(sandbox: Sandbox) -> None:
    account = sandbox.account
    batch = account.listed()[7]
    gone = account.delete(batch.id)
    assert gone is batch
    assert batch.id not in account
    assert batch.id not in {row["id"] for row in ask_list(sandbox)}
    account.restore(gone)
    assert batch.id in {row["id"] for row in ask_list(sandbox)}


def test_a_share_of_the_list_vanishes_and_the_same_share_by_the_same_seed(hands: Hands) -> None:
    gone = []
    for _ in range(2):
        account = Sandbox(SandboxOptions(batches=40), now=hands).account
        gone.append([batch.id for batch in account.vanish(0.25)])
        assert len(account) == 30
    assert gone[0] == gone[1]


def test_the_whole_list_vanishes(sandbox: Sandbox) -> None:
    gone = sandbox.account.vanish()
    assert ask_list(sandbox) == []
    sandbox.account.restore(*gone)
    assert len(ask_list(sandbox)) == 40


def test_a_run_of_a_series_is_hidden_and_changes_like_any_batch(account: SourceAccount) -> None:
    series = account.create(status="recurring", recurrence_type="daily")
    run = account.spawn_run(series.id)
    account.progress(run.id, completed=1)
    account.finish(run.id)
    assert [each.status for each in account.runs(series.id)] == ["completed"]
    assert run.id not in [each.id for each in account.listed()]
    assert account[series.id].recurrence_run_count == 1
    account.delete(run.id)
    assert account.runs(series.id) == []


def test_what_was_true_is_kept_by_who_kept_it(account: SourceAccount) -> None:
    batch = account.create(name="Before")
    account.change(batch.id, name="After")
    assert batch.name == "Before"
