from __future__ import annotations

import pytest

from etl.engine import advisory_key, create_engine
from etl.errors import SettingsError

from support.databases import Target


def refusal(url: str, schema: str = "magpipe") -> str:
    with pytest.raises(SettingsError) as caught:
        create_engine(Target(database_url=url, database_schema=schema))
    return str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_means_psycopg_3(scheme: str) -> None:
    engine = create_engine(Target(database_url=f"{scheme}://anna@db.example:5433/magpipe"))
    assert engine.url.drivername == "postgresql+psycopg"
    assert (engine.url.username, engine.url.host, engine.url.port) == ("anna", "db.example", 5433)


@pytest.mark.parametrize(
    "url", ["mysql://db/magpipe", "postgresql+psycopg2://db/magpipe", "sqlite+aiosqlite:///x.db"]
)
def test_another_database_or_driver_is_refused_by_its_name(url: str) -> None:
    assert url.partition(":")[0] in refusal(url)
    assert "expected sqlite:///FILE or postgresql://" in refusal(url)


@pytest.mark.parametrize("url", ["", "magpipe.db", "postgresql://anna:hunter2@db:port/x"])
def test_what_is_no_url_is_refused_without_being_shown(url: str) -> None:
    assert "this is no database URL" in refusal(url)
    assert "hunter2" not in refusal(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    assert "in memory" in refusal(url)


@pytest.mark.parametrize("url", ["sqlite://magpipe.db/x", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_sqlite_url_with_a_host_or_parameters_is_refused(url: str) -> None:
    assert "no host and no parameters" in refusal(url)


def test_what_may_be_the_rest_of_a_password_is_not_told_as_a_parameter_s_name() -> None:
    said = refusal("postgresql://anna@db/magpipe?password=hunter&hunter2=1")
    assert "an unknown parameter" in said
    assert "hunter" not in said


def test_a_parameter_of_another_tool_is_refused_by_its_name() -> None:
    text = refusal("postgresql://anna:hunter2@db/magpipe?schema=secret")
    assert '"schema"' in text
    assert "secret" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize("schema", ["", "a\0b", "ä" * 32, "pg_magpipe"])
def test_a_schema_that_postgresql_would_cut_or_refuse_is_refused_first(schema: str) -> None:
    assert "DATABASE_SCHEMA" in refusal("postgresql://db/magpipe", schema)


def test_a_key_of_a_lock_never_changes_and_fits_64_signed_bits() -> None:
    assert advisory_key("account", "magpipe", "acme") == 7222976376024350570
    assert -(2**63) <= advisory_key("account", "magpipe", "acme") < 2**63


def test_keys_tell_apart_names_that_read_the_same_when_joined() -> None:
    assert advisory_key("ab", "c") != advisory_key("a", "bc")
