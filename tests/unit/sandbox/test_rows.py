"""How single rows are served: as they are, broken, mended."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from etl.sandbox import Batch, Sandbox, SandboxOptions, Shape

from support.sandbox import ask, ask_list


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxOptions(batches=20), now=lambda: datetime(2026, 3, 13, tzinfo=UTC))


@pytest.fixture
def batch(sandbox: Sandbox) -> Batch:
    return sandbox.account.listed()[4]


def test_a_row_is_encoded_once_until_it_changes(sandbox: Sandbox, batch: Batch) -> None:
    first = sandbox.rows.encode(batch)
    assert sandbox.rows.encode(batch) is first
    changed = sandbox.account.change(batch.id, name="New name")
    assert json.loads(sandbox.rows.encode(changed))["name"] == "New name"


@pytest.mark.parametrize(
    "fields",
    [{"created_at": "not a time"}, {"completed_count": "12"}, {"id": None}, {"started_at": "infinity"}],
)
def test_a_corrupted_row_shows_other_values_and_the_truth_does_not(
    sandbox: Sandbox, batch: Batch, fields: dict[str, object]
) -> None:
    sandbox.rows.corrupt(batch.id, fields)
    row = ask_list(sandbox)[4]
    assert {name: row[name] for name in fields} == fields
    assert sandbox.account[batch.id] is batch


def test_values_that_are_no_json_and_no_utf8_can_be_served(sandbox: Sandbox, batch: Batch) -> None:
    sandbox.rows.corrupt(batch.id, {"failed_count": float("nan"), "goal": "\ud800"})
    body = ask(sandbox, action="list").body
    assert b'"failed_count":NaN' in body
    assert b'"goal":"\xed\xa0\x80"' in body


def test_bytes_can_be_broken_at_will(sandbox: Sandbox, batch: Batch) -> None:
    sandbox.rows.corrupt(batch.id, raw=lambda row: row.replace(b'"name":"', b'"name":"\x01\\ud800'))
    assert b'"name":"\x01\\ud800' in ask(sandbox, action="list").body


def test_a_mended_row_is_as_it_was(sandbox: Sandbox, batch: Batch) -> None:
    before = ask(sandbox, action="list").body
    sandbox.rows.corrupt(batch.id, {"id": None})
    assert ask(sandbox, action="list").body != before
    sandbox.rows.mend(batch.id)
    assert ask(sandbox, action="list").body == before


def test_a_corrupted_row_stays_so_when_its_batch_changes(sandbox: Sandbox, batch: Batch) -> None:
    sandbox.rows.corrupt(batch.id, {"total_recipients": -1})
    sandbox.account.change(batch.id, name="New name")
    row = next(row for row in ask_list(sandbox) if row["id"] == batch.id)
    assert (row["total_recipients"], row["name"]) == (-1, "New name")


@pytest.mark.parametrize("shape", list(Shape))
def test_a_new_column_appears_unannounced_and_an_old_one_goes(shape: Shape) -> None:
    sandbox = Sandbox(SandboxOptions(batches=5, shape=shape), now=lambda: datetime(2026, 3, 13, tzinfo=UTC))
    ask_list(sandbox)
    sandbox.rows.add_column("timezone", "UTC")
    sandbox.rows.drop_column("failed_count")
    rows = ask_list(sandbox)
    assert all(row["timezone"] == "UTC" and "failed_count" not in row for row in rows)
