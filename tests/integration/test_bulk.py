"""What goes to the databases in bulk may be of any size."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, text

from etl.load.lookup import IsOneOf
from etl.load.stored import read_stored_by_id
from etl.model import RunStatus
from etl.sandbox import SandboxOptions
from etl.tables import batch_call_history, batch_calls

from support.databases import Database, ask, fresh_sqlite
from support.pipeline import Pipeline

MORE_THAN_PARAMETERS = 70_000


def test_batches_are_found_by_more_ids_than_a_statement_has_parameters(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=40))
    pipeline.truth.create(id='a "quoted", \\N {id}')
    pipeline.sync()
    ids = [batch.id for batch in pipeline.truth.listed()]
    asked = [*ids[::2], *(f"no batch {number}" for number in range(MORE_THAN_PARAMETERS))]
    with pipeline.connected() as connection:
        found = read_stored_by_id(connection, pipeline.truth.name, asked)
    assert found.keys() == set(ids[::2])


@pytest.mark.parametrize("keys", [[], [-(2**63), 2**63 - 1, 7]])
def test_whole_numbers_are_keys_too(database: Database, keys: list[int]) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=3))
    pipeline.sync()
    hashes = [row["row_hash"] for row in pipeline.alive().values()]
    with pipeline.connected() as connection:
        for wanted in (keys, [*keys, *hashes[:2]]):
            query = select(batch_calls.c.row_hash).where(IsOneOf(batch_calls.c.row_hash, "wanted"))
            found = connection.scalars(query, {"wanted": wanted}).all()
            assert sorted(found) == sorted(set(hashes) & set(wanted))


TRIGGERS = {
    "sqlite": "CREATE TRIGGER own BEFORE INSERT ON batch_calls BEGIN SELECT RAISE(ABORT, 'no'); END",
    "postgres": "ALTER TABLE batch_calls ADD CONSTRAINT own CHECK (status = 'no')",
}


def test_what_a_constraint_of_somebody_else_s_refuses_is_no_duplicate(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=3))
    pipeline.change(text(TRIGGERS[database.dialect]))
    summary = pipeline.sync()
    assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 4)
    assert "refused a row that breaks a constraint" in str(summary.error)
    assert pipeline.alive() == {}


def test_unknown_values_keep_their_kind_beside_others_that_are_equal(database: Database) -> None:
    """Python takes 1, 1.0 and true for equal; JSON does not."""
    pipeline = Pipeline(database, SandboxOptions(batches=0))
    shown = [1, True, 1.0, 1]
    ids = [pipeline.truth.create(extra={"flag": value}).id for value in shown]
    pipeline.sync()
    kept = pipeline.alive()
    assert [repr(kept[of_id]["extra"]["flag"]) for of_id in ids] == [repr(value) for value in shown]


@pytest.mark.parametrize("last", [2**63 - 1, 2**63 - 2])
def test_history_is_whole_where_a_row_has_the_last_number_that_there_is(tmp_path: Path, last: int) -> None:
    """SQLite gives those that follow it any number that is free."""
    with fresh_sqlite(tmp_path) as database:
        pipeline = Pipeline(database, SandboxOptions(accounts=("acme", "other"), batches=20))
        pipeline.sync_all(accounts=["other"])
        pipeline.change(text(f"UPDATE batch_calls SET rowid = {last} WHERE rowid = 1"))
        assert pipeline.sync().inserted == 20
        is_mine = batch_call_history.c.account == pipeline.truth.name
        assert len(pipeline.read(batch_call_history, is_mine)) == 20


def test_a_column_of_somebody_else_s_that_must_have_a_value_gets_its_own(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=3))
    pipeline.change(text("ALTER TABLE batch_calls ADD COLUMN label TEXT NOT NULL DEFAULT 'none'"))
    assert pipeline.sync().inserted == 3
    pipeline.truth.create()
    assert pipeline.sync().inserted == 1
    assert ask(database, "SELECT DISTINCT label FROM batch_calls") == [("none",)]
