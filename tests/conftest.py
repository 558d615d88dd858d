"""What every test may ask for by name: a database, or as many seeds as were ordered."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

from etl.logs import StderrHandler, levels

from support.databases import (
    DIALECTS,
    Database,
    NoPostgresError,
    fresh_postgres,
    fresh_sqlite,
    running_postgres,
)
from support.templates import PostgresTemplate, SqliteTemplate, Template

SEEDS = 20  # of a seeded test, unless told otherwise

# How long an example takes says more of what else the machine does than of the program.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
# For mutmut: the same few examples for each of many hundred mutants.
settings.register_profile("mutation", max_examples=20, derandomize=True, database=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("seeds", "how much of what a test may meet is tried")
    group.addoption(
        "--seeds", type=int, metavar="N", help="run each seeded test N times (20), simulate N (200)"
    )
    group.addoption("--first-seed", type=int, default=0, metavar="N", help="… beginning with this seed")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `seed` runs once for each."""
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("first_seed")
        metafunc.parametrize("seed", range(first, first + (metafunc.config.getoption("seeds") or SEEDS)))


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command that is run inside the tests' process sets logging up; the next test is not to see it."""
    loggers = [logging.getLogger(name) for name in levels(0)]
    before = [logger.level for logger in loggers]
    yield
    logging.captureWarnings(False)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)
    for handler in [each for each in logging.root.handlers if isinstance(each, StderrHandler)]:
        logging.root.removeHandler(handler)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server; without one its tests are skipped, but on CI they fail."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)
    try:
        with running_postgres(run) as url:
            yield url
    except NoPostgresError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(params=DIALECTS)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database that no migration has seen, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        with fresh_sqlite(tmp_path) as database:
            yield database
    else:
        with fresh_postgres(request.getfixturevalue("postgres_url")) as database:
            yield database


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return SqliteTemplate(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Template:
    return PostgresTemplate(postgres_url)


@pytest.fixture
def database(request: pytest.FixtureRequest, empty_database: Database) -> Database:
    """A database with every table in it, once in SQLite and once in PostgreSQL."""
    template: Template = request.getfixturevalue(f"{empty_database.dialect}_template")
    template.fill(empty_database)
    return empty_database
