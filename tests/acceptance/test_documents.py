"""What the documents show was run: their commands, their Python, their queries, their examples of files."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.engine import reading
from etl.sandbox import SandboxOptions, SandboxServer, serve
from etl.settings import load_settings

from support.command import PROGRAM, InstalledCommand
from support.databases import API_KEY, Database, fresh_postgres
from support.documents import Block, blocks, table
from support.pipeline import Pipeline

EXAMPLE_KEY = "mgp_…"
EXAMPLE_URL = "postgresql://magpipe:secret@db.example.com/magpipe"
# Lines that can be run as they stand, in any folder; a sandbox and a service do not end by themselves.
RUNNABLE = re.compile(rf"export |{PROGRAM.name} (?!sandbox|schedule)")


def runnable(document: str) -> list[str]:
    texts = [block.text for block in blocks("sh") if block.document == document]
    return [text for text in texts if all(map(RUNNABLE.match, text.splitlines()))]


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with serve(SandboxOptions(batches=60)) as server:
        yield server


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_a_block_for_the_shell_is_well_formed(block: Block) -> None:
    outcome = subprocess.run(["bash", "-n", "-c", block.text], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.slow
@pytest.mark.parametrize("document", ["README.md", "docs/operations.md"])
def test_the_commands_of_a_document_do_what_they_say(
    document: str, server: SandboxServer, tmp_path: Path, postgres_url: str
) -> None:
    with fresh_postgres(postgres_url) as database:
        lines = ["magpipe-etl -q sync", *(f"(\n{text})" for text in runnable(document))]
        script = "\n".join(lines).replace(EXAMPLE_KEY, server.key)
        environ = InstalledCommand(tmp_path).environ(
            MAGPIPE_BASE_URL=server.base_url,
            MAGPIPE_API_KEY=server.key,
            DATABASE_SCHEMA=database.settings.database_schema,
        )
        environ["PATH"] = f"{PROGRAM.parent}:{environ['PATH']}"
        outcome = subprocess.run(
            ["bash", "-euxc", script.replace(EXAMPLE_URL, f"'{postgres_url}'")],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.slow
def test_the_documents_of_json_have_the_fields_that_are_told(server: SandboxServer, tmp_path: Path) -> None:
    command = InstalledCommand(tmp_path)
    variables = {"MAGPIPE_BASE_URL": server.base_url, "MAGPIPE_API_KEY": server.key}
    for call, told in table("docs/commands.md", "JSON"):
        outcome = command.run(*call.strip("`").split(), **variables)
        assert set(json.loads(outcome.out)) == set(re.findall(r"`(\w+)`", told)), call


@pytest.mark.slow
@pytest.mark.parametrize("document", sorted({block.document for block in blocks("python")}))
def test_the_python_of_a_document_runs_from_its_top_to_its_end(
    document: str, server: SandboxServer, tmp_path: Path
) -> None:
    program = "\n".join(block.text for block in blocks("python") if block.document == document)
    outcome = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=InstalledCommand(tmp_path).environ(MAGPIPE_BASE_URL=server.base_url, MAGPIPE_API_KEY=server.key),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr


def test_the_queries_of_the_documents_are_taken_by_either_database(database: Database) -> None:
    Pipeline(database, SandboxOptions(batches=60)).sync()
    for block in blocks("sql"):
        with reading(database.engine) as connection:
            assert connection.exec_driver_sql(block.text).keys(), block


def test_what_is_meant_for_postgresql_is_taken_there(postgres_url: str) -> None:
    with fresh_postgres(postgres_url) as database:
        own = database.settings.database_schema[:50]
        for block in blocks("sql postgresql"):
            with database.engine.connect() as connection:  # rolled back: roles belong to the whole server
                connection.exec_driver_sql(re.sub(r"\bmagpipe(?=[_ ])", own, block.text))


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_an_example_of_the_file_is_taken(block: Block, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "etl.toml").write_text(block.text)
    accounts = tomllib.loads(block.text)["accounts"]
    keys = {account["api_key_env"]: API_KEY for account in accounts if "api_key_env" in account}
    assert len(load_settings({}, keys, tmp_path).accounts) == len(accounts)


@pytest.mark.parametrize("block", blocks("ini"), ids=str)
def test_a_unit_is_well_formed(block: Block) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(block.text)
    assert "Unit" in unit
