"""The hooks, the journal, and what nobody may see."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from etl.sandbox import Request, Sandbox, SandboxOptions, World
from etl.sandbox.endpoint import PATH

from support.sandbox import ask, ask_list

MOMENT = datetime(2026, 3, 13, 10, 30, tzinfo=UTC)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxOptions(batches=100), now=lambda: MOMENT)


def test_a_batch_created_during_a_walk_moves_every_older_row_down(sandbox: Sandbox) -> None:
    first = ask_list(sandbox, limit=10)
    sandbox.before = lambda number, world: world["default"].create()
    second = ask_list(sandbox, limit=10, offset=10)
    assert second[0]["id"] == first[-1]["id"]


def test_a_batch_deleted_during_a_walk_lets_a_row_be_skipped(sandbox: Sandbox) -> None:
    everything = [row["id"] for row in ask_list(sandbox, limit=100)]
    sandbox.account.delete(everything[3])
    assert ask_list(sandbox, limit=10, offset=10)[0]["id"] == everything[11]


def test_the_hook_is_called_ahead_of_every_answer_with_its_number(sandbox: Sandbox) -> None:
    seen: list[int] = []

    def before(number: int, world: World) -> None:
        seen.append(number)
        if number % 2 == 0:
            world["default"].create()

    sandbox.before = before
    for _ in range(4):
        ask(sandbox, action="list")
    assert seen == [1, 2, 3, 4]
    assert len(sandbox.account) == 102


def test_the_journal_tells_what_was_asked_and_answered(sandbox: Sandbox) -> None:
    ask(sandbox, action="list", limit=30, offset=90, status="completed")
    sandbox.faults.next("bad_gateway")
    ask(sandbox, action="list", limit=30, offset=90)
    ask(sandbox, key="wrong", action="list")
    told = [(e.number, e.account, e.limit, e.offset, e.status_filter, e.answered) for e in sandbox.journal]
    assert told == [
        (1, "default", 30, 90, "completed", 200),
        (2, "default", 30, 90, None, 502),
        (3, None, None, None, None, 401),
    ]
    assert sandbox.journal[1].rows == 10
    assert len(sandbox.journal) == sandbox.requests == 3
    assert sandbox.journal.by_status == {200: 1, 502: 1, 401: 1}
    sandbox.journal.clear()
    assert (len(sandbox.journal), sandbox.requests) == (0, 3)


def test_no_key_is_shown(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    request = Request("POST", PATH, {"authorization": f"Bearer {sandbox.key}"}, b'{"action":"list"}')
    sandbox.answer(request)
    shown = f"{request!r} {sandbox.keys!r} {sandbox.journal[0]!r} {caplog.text}"
    assert "sandbox.answered" in caplog.text
    assert sandbox.key not in shown
    assert "mgp_" not in shown


def test_keys_are_the_same_for_the_same_seed() -> None:
    keys = [Sandbox(SandboxOptions(batches=0, seed=seed), now=lambda: MOMENT).key for seed in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2]
