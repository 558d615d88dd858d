"""The roles that the documents tell PostgreSQL to make: one that syncs, and one that can only read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from etl.sandbox import SandboxOptions, serve

from support.command import InstalledCommand, Outcome
from support.documents import blocks

pytestmark = pytest.mark.slow

BATCHES = 40


class Roles:
    """The statements of the documents carried out, under names that nobody else on the server has."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.schema = f"test_{uuid4().hex}"

    @property
    def statements(self) -> str:
        [text] = [block.text for block in blocks("sql postgresql") if "CREATE ROLE magpipe_etl" in block.text]
        return re.sub(r"\bmagpipe(?=[_ ;])", self.schema, text)

    def url_of(self, role: str) -> str:
        return make_url(self.url).set(username=f"{self.schema}_{role}").render_as_string(hide_password=False)

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture
def roles(postgres_url: str) -> Iterator[Roles]:
    roles = Roles(postgres_url)
    roles.execute(roles.statements)
    yield roles
    both = f"{roles.schema}_etl, {roles.schema}_read"
    roles.execute(f"DROP SCHEMA {roles.schema} CASCADE", f"DROP OWNED BY {both}", f"DROP ROLE {both}")


def test_one_role_syncs_and_the_other_reads_and_can_do_nothing_else(roles: Roles, tmp_path: Path) -> None:
    command = InstalledCommand(tmp_path)
    with serve(SandboxOptions(batches=BATCHES)) as server:

        def run(role: str, *arguments: str) -> Outcome:
            return command.run(
                *arguments,
                MAGPIPE_BASE_URL=server.base_url,
                MAGPIPE_API_KEY=server.key,
                DATABASE_URL=roles.url_of(role),
                DATABASE_SCHEMA=roles.schema,
            )

        assert run("etl", "sync").code == 0
        for reads in (("status",), ("report",), ("export", "batch_runs", "--to", "runs.csv")):
            outcome = run("read", *reads)
            assert (outcome.code, outcome.err) == (0, ""), reads
        for writes in (("sync",), ("backfill", "--since", "30d"), ("check",)):
            outcome = run("read", *writes)
            assert outcome.code == 4, writes
            assert "permit" in outcome.err + outcome.out or "may read the tables and not" in outcome.out
    with psycopg.connect(roles.url_of("read"), autocommit=True) as reader:
        reader.execute(f"SET search_path = {roles.schema}".encode())
        for statement in (
            "DELETE FROM batch_calls",
            "UPDATE quarantine SET raw = ''",
            "INSERT INTO sync_missing (account, id, run_id) VALUES ('x', 'x', 1)",
            "DROP VIEW report_daily",
            "CREATE TABLE mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement.encode())
