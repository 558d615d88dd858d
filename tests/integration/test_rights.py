"""A user of PostgreSQL who may only read is found out before a sync fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, event, text

from etl.engine import create_engine, writing
from etl.errors import DestinationError
from etl.migrate import migrate
from etl.rights import check_writable
from etl.sandbox import SandboxOptions
from etl.tables import batch_call_history

from support.databases import Database, fresh_postgres
from support.pipeline import Pipeline, changes


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    with fresh_postgres(postgres_url) as database:
        yield database


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    """A role without any right of its own."""
    name = f"reader_{uuid4().hex}"
    with writing(database.engine) as connection:
        connection.execute(text(f"CREATE ROLE {name}"))
    yield name
    with writing(database.engine) as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))


@pytest.fixture
def reader(database: Database, role: str) -> Iterator[Engine]:
    """The database as the role sees it."""

    def become(connection: Any, _record: object) -> None:
        connection.autocommit = True  # else the role would go with the transaction
        connection.execute(f"SET ROLE {role}")
        connection.autocommit = False

    engine = create_engine(database.settings)
    event.listen(engine, "connect", become)
    yield engine
    engine.dispose()


def grant(database: Database, role: str, *rights: str) -> None:
    schema = database.settings.database_schema
    with writing(database.engine) as connection:
        for right in ("USAGE ON SCHEMA {schema}", *rights):
            connection.execute(text(f"GRANT {right.format(schema=schema)} TO {role}"))


def check(engine: Engine, database: Database, *, at_head: bool) -> None:
    check_writable(engine, database.settings.database_schema, at_head=at_head)


def test_an_owner_may_do_everything(database: Database) -> None:
    check(database.engine, database, at_head=False)
    migrate(database.engine, database.settings)
    check(database.engine, database, at_head=True)


def test_who_may_not_make_the_schema_is_told_so(database: Database, reader: Engine) -> None:
    with pytest.raises(DestinationError, match="may not make the schema"):
        check(reader, database, at_head=False)


def test_who_may_read_the_tables_is_told_that_they_cannot_sync(
    database: Database, reader: Engine, role: str
) -> None:
    migrate(database.engine, database.settings)
    grant(database, role, "SELECT ON ALL TABLES IN SCHEMA {schema}")
    with pytest.raises(DestinationError, match=f"user '{role}' may read the tables and not write") as caught:
        check(reader, database, at_head=True)
    assert "grant" in str(caught.value.hint)


def test_who_may_write_the_tables_needs_no_more_while_they_are_the_newest(
    database: Database, reader: Engine, role: str
) -> None:
    migrate(database.engine, database.settings)
    grant(database, role, "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema}")
    check(reader, database, at_head=True)
    with pytest.raises(DestinationError, match="may not make tables"):
        check(reader, database, at_head=False)


def test_a_table_with_policies_is_loaded_by_whoever_they_let_write(
    database: Database, reader: Engine, role: str
) -> None:
    """PostgreSQL refuses a COPY into such a table."""
    pipeline = Pipeline(database, SandboxOptions(batches=60), page_size=20)
    migrate(database.engine, database.settings)
    grant(database, role, "ALL ON ALL TABLES IN SCHEMA {schema}", "ALL ON ALL SEQUENCES IN SCHEMA {schema}")
    with writing(database.engine) as connection:
        for table in ("batch_calls", "batch_call_history"):
            connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
            connection.execute(text(f"CREATE POLICY all_of_it ON {table} TO {role} USING (true)"))
    assert pipeline.sync(engine=reader).inserted == 60
    pipeline.truth.change(pipeline.truth.listed()[0].id, name="changed")
    assert changes(pipeline.sync(engine=reader)) == {"unchanged": 59, "updated": 1}
    assert pipeline.differences() == []
    assert len(pipeline.read(batch_call_history)) == 61
