from __future__ import annotations

import logging
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.schema import DropSchema

from etl.engine import writing
from etl.errors import DestinationError
from etl.migrate import HEAD, current_version, migrate
from etl.model import Change, RunMode, RunStatus
from etl.tables import metadata

from support.databases import API_KEY, Database, opened
from support.processes import worker
from support.templates import file_of

CHECKOUT = Path(__file__).parents[2]

MIGRATE = """
from etl.migrate import migrate
print("ready", flush=True)
sys.stdin.readline()
print(migrate(engine, settings)[1], flush=True)
"""


def test_a_new_database_goes_to_the_newest_version(empty_database: Database) -> None:
    assert current_version(empty_database.engine) is None
    assert migrate(empty_database.engine, empty_database.settings) == (None, HEAD)
    assert current_version(empty_database.engine) == HEAD


def test_a_database_that_is_up_to_date_is_left_alone(database: Database) -> None:
    assert migrate(database.engine, database.settings) == (HEAD, HEAD)


def test_the_migrations_make_what_the_tables_say(empty_database: Database) -> None:
    database = empty_database
    migrate(database.engine, database.settings)
    with opened(database.dialect, database.settings) as seen, seen.engine.connect() as connection:
        # `report_types` is there for SQLite alone, and says nothing to the program.
        options = {"compare_server_default": True, "include_name": lambda name, *_: name != "report_types"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def shape(engine: Engine) -> dict[str, Any]:
    """All that the database tells of its tables and views, their comments among it."""
    seen = inspect(engine)
    tables, views = seen.get_table_names(), seen.get_view_names()
    return {
        "columns": {name: repr(seen.get_columns(name)) for name in (*tables, *views)},
        "keys": {name: seen.get_pk_constraint(name) for name in tables},
        "rules": {name: seen.get_check_constraints(name) for name in tables},
        "indexes": {
            name: [(each["name"], each["column_names"]) for each in seen.get_indexes(name)] for name in tables
        },
        "queries": {name: seen.get_view_definition(name) for name in views},
    }


def wipe(database: Database) -> None:
    if database.dialect == "sqlite":
        database.engine.dispose()
        file_of(database).unlink()
    else:
        with writing(database.engine) as connection:
            connection.execute(DropSchema(database.settings.database_schema, cascade=True))


def test_what_the_tests_start_with_is_what_the_migrations_make(database: Database) -> None:
    at_the_start = shape(database.engine)
    wipe(database)
    assert migrate(database.engine, database.settings) == (None, HEAD)
    assert shape(database.engine) == at_the_start


@pytest.mark.parametrize(
    ("table", "constraint", "values"),
    [
        ("batch_call_history", "ck_batch_call_history_change", set(Change)),
        ("sync_runs", "ck_sync_runs_mode", set(RunMode)),
        ("sync_runs", "ck_sync_runs_status", set(RunStatus)),
    ],
)
def test_the_database_takes_the_values_that_the_program_has(
    database: Database, table: str, constraint: str, values: set[str]
) -> None:
    rules = {rule["name"]: rule["sqltext"] for rule in inspect(database.engine).get_check_constraints(table)}
    assert set(re.findall(r"'(\w+)'", rules[constraint])) == values


def test_two_processes_that_migrate_at_once_both_end_well(empty_database: Database) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(MIGRATE, empty_database)) for _ in range(2)]
        assert [each.hear() for each in workers] == ["ready", "ready"]
        for each in workers:
            each.say("go")
        assert [each.hear() for each in workers] == [HEAD, HEAD]
    assert current_version(empty_database.engine) == HEAD


def test_a_migration_that_fails_leaves_nothing_of_itself(empty_database: Database) -> None:
    migrate(empty_database.engine, empty_database.settings)
    with writing(empty_database.engine) as connection:
        for view in inspect(connection).get_view_names():
            connection.execute(text(f"DROP VIEW {view}"))
        for table in inspect(connection).get_table_names():
            if table != "sync_drift":
                connection.execute(text(f"DROP TABLE {table}"))
    with pytest.raises(DestinationError, match="refused a statement"):
        migrate(empty_database.engine, empty_database.settings)
    assert current_version(empty_database.engine) is None
    assert inspect(empty_database.engine).get_table_names() == ["sync_drift"]


def test_a_database_of_a_newer_release_is_refused(database: Database) -> None:
    with writing(database.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DestinationError, match=f"at version 9999; this program knows those up to {HEAD}"):
        migrate(database.engine, database.settings)


def test_a_start_with_nothing_to_migrate_loads_no_alembic(database: Database) -> None:
    program = "from etl.migrate import migrate; migrate(engine, settings); print('alembic' in sys.modules)"
    with worker(program, database) as process:
        assert process.hear() == "False"


def test_a_migration_says_nothing_and_leaves_logging_as_it_was(
    empty_database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    before = list(logging.root.handlers), logging.root.level
    migrate(empty_database.engine, empty_database.settings)
    assert (list(logging.root.handlers), logging.root.level) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_an_installed_wheel_brings_its_migrations_and_its_page(tmp_path: Path) -> None:
    def run(*command: str, folder: Path, **environment: str) -> str:
        outcome = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    run("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path), folder=CHECKOUT)
    (wheel,) = tmp_path.glob("*.whl")
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    run("-m", "zipfile", "-e", str(wheel), str(site), folder=empty)
    program = (
        "from types import SimpleNamespace\n"
        "from etl.engine import create_engine\n"
        "from etl.migrate import migrate, migrations_folder\n"
        "settings = SimpleNamespace(database_url='sqlite:///magpipe.db', database_schema='magpipe')\n"
        "print(migrations_folder(), migrate(create_engine(settings), settings))\n"
    )
    said = run("-c", program, folder=empty, PYTHONPATH=str(site))
    assert said.strip() == f"{site / 'etl' / 'migrations'} (None, '{HEAD}')"
    assert (empty / "magpipe.db").is_file()
    run(
        "-m",
        "etl",
        "report",
        "--html",
        "page.html",
        folder=empty,
        PYTHONPATH=str(site),
        MAGPIPE_API_KEY=API_KEY,
    )
    assert (empty / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
