"""What the views of the database are, and how old they say that their numbers can be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Table, inspect, text

from etl.engine import reading, writing
from etl.interval import Interval
from etl.migrate import migrate
from etl.proof import Proof
from etl.sandbox import SandboxOptions
from etl.state.coverage import save_coverage
from etl.tables import metadata
from etl.views import views

from support.databases import Database, fresh_postgres
from support.pipeline import Pipeline


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=30))


def freshness(database: Database) -> list[tuple[object, ...]]:
    query = text("SELECT account, last_complete_at, oldest_proof_at, lag_seconds FROM report_freshness")
    with reading(database.engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_after_a_complete_sync_no_number_is_older_than_its_beginning(
    pipeline: Pipeline, database: Database
) -> None:
    summary = pipeline.sync()
    [(account, last_complete_at, oldest_proof_at, lag_seconds)] = freshness(database)
    assert account == summary.account
    assert str(last_complete_at)[:19] == str(summary.finished_at)[:19]
    assert str(oldest_proof_at)[:19] == str(summary.started_at)[:19]
    assert isinstance(lag_seconds, float)


def test_while_a_batch_was_never_proven_no_age_is_claimed(pipeline: Pipeline, database: Database) -> None:
    summary = pipeline.sync()
    now = summary.started_at
    with writing(database.engine) as connection:
        connection.execute(text("DELETE FROM sync_coverage"))
        upper = Interval(after=now - timedelta(days=1), upto=now)
        save_coverage(
            connection, summary.account, [Proof(interval=upper, rows=(), observed_at=now)], since=now
        )
    assert [row[2:] for row in freshness(database)] == [(None, None)]


@pytest.mark.parametrize("gap", [timedelta(0), timedelta(hours=1)], ids=["joined", "gap"])
def test_the_oldest_proof_counts_where_the_intervals_join(
    pipeline: Pipeline, database: Database, gap: timedelta
) -> None:
    summary = pipeline.sync()
    now = summary.started_at
    border = now - timedelta(days=1)
    with writing(database.engine) as connection:
        connection.execute(text("DELETE FROM sync_coverage"))
        for interval, age in (
            (Interval(after=None, upto=border - gap), timedelta(hours=5)),
            (Interval(after=border, upto=now), timedelta(0)),
        ):
            save_coverage(
                connection,
                summary.account,
                [Proof(interval=interval, rows=(), observed_at=now - age)],
                since=now,
            )
    [(_, _, oldest_proof_at, _)] = freshness(database)
    if gap:
        assert oldest_proof_at is None
    else:
        assert str(oldest_proof_at)[:19] == str(now - timedelta(hours=5))[:19]


@pytest.mark.parametrize("view", views.tables.values(), ids=str)
def test_a_client_is_told_the_name_and_the_type_of_every_column(database: Database, view: Table) -> None:
    dialect = database.engine.dialect
    found = inspect(database.engine).get_columns(view.name)
    assert [(column["name"], column["type"].compile(dialect)) for column in found] == [
        (column.name, column.type.compile(dialect)) for column in view.columns
    ]


def test_every_view_is_among_the_definitions(database: Database) -> None:
    assert set(inspect(database.engine).get_view_names()) == set(views.tables)


def test_no_name_of_a_view_needs_quotes(database: Database) -> None:
    quote = database.engine.dialect.identifier_preparer.quote
    names = {view.name for view in views.tables.values()}
    names |= {column.name for view in views.tables.values() for column in view.columns}
    assert {name for name in names if quote(name) != name} == set()


def test_every_table_view_and_column_has_its_meaning_as_a_comment_in_postgresql(postgres_url: str) -> None:
    with fresh_postgres(postgres_url) as database:
        migrate(database.engine, database.settings)
        inspector = inspect(database.engine)
        for relation in (*metadata.tables.values(), *views.tables.values()):
            assert inspector.get_table_comment(relation.name)["text"] == relation.comment, relation.name
            comments = {column["name"]: column["comment"] for column in inspector.get_columns(relation.name)}
            assert comments == {column.name: column.comment for column in relation.columns}, relation.name
            assert all(comments.values()), relation.name
