"""dbt takes the project as it is: sources as fresh as they are, every model built, every test passed."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.schema import DropSchema

from etl import app
from etl.engine import reading, writing
from etl.sandbox import Sandbox, SandboxOptions, serve
from etl.settings import Settings

from support.databases import Database, fresh_postgres
from support.sources import ROOT
from support.tools import Tool, make_tool

pytestmark = pytest.mark.timeout(1200)  # the first time, the tool is installed
PROJECT = ROOT / "bi" / "dbt"


class Dbt:
    """dbt with the project of `bi/dbt`, on the tables of one test."""

    def __init__(self, tool: Tool, database: Database, folder: Path) -> None:
        self._tool = tool
        self._folder = folder
        self.database = database
        self.models = f"{database.settings.database_schema}_models"

    def runs(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        url = make_url(self.database.settings.database_url)
        schema = json.dumps({"magpipe_schema": self.database.settings.database_schema})
        return self._tool.run(
            *("dbt", "--no-use-colors", *arguments, "--vars", schema),
            folder=self._folder,
            DBT_PROJECT_DIR=str(PROJECT),
            DBT_PROFILES_DIR=str(PROJECT),
            DBT_TARGET_PATH=str(self._folder / "target"),
            DBT_LOG_PATH=str(self._folder / "logs"),
            DBT_SCHEMA=self.models,
            PGHOST=str(url.query.get("host") or url.host or ""),
            PGPORT=str(url.port or 5432),
            PGUSER=url.username or "",
            PGPASSWORD=url.password or "",
            PGDATABASE=url.database or "",
        )

    def results(self) -> Counter[tuple[str, str]]:
        """How many of each kind of thing ended how, in the last run."""
        document = json.loads((self._folder / "target" / "run_results.json").read_text())
        return Counter(
            (result["unique_id"].partition(".")[0], result["status"]) for result in document["results"]
        )

    def reads(self, query: str) -> list[tuple[Any, ...]]:
        with reading(self.database.engine) as connection:
            return [tuple(row) for row in connection.execute(text(query.format(models=self.models)))]


@pytest.fixture(scope="module")
def dbt(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dbt]:
    """Tables that a sync has just filled, with batches that were run again."""
    with (
        fresh_postgres(postgres_url) as database,
        serve(SandboxOptions(batches=200, null_created_at=2)) as server,
    ):
        settings = Settings(
            database_url=database.settings.database_url,
            database_schema=database.settings.database_schema,
            base_url=server.base_url,
            api_key=server.key,
        )
        sync(settings)
        rerun(server.sandbox, 3)
        sync(settings)
        dbt = Dbt(make_tool("dbt"), database, tmp_path_factory.mktemp("dbt"))
        yield dbt
        with writing(database.engine) as connection:
            connection.execute(DropSchema(dbt.models, cascade=True, if_exists=True))


def sync(settings: Settings) -> None:
    assert [run.complete for run in app.sync(settings, full=True)] == [True]


def rerun(sandbox: Sandbox, count: int) -> None:
    for batch in sandbox.account.listed("completed")[:count]:
        sandbox.account.rerun(batch.id)


def test_what_was_just_synced_is_fresh(dbt: Dbt) -> None:
    outcome = dbt.runs("source", "freshness")
    assert outcome.returncode == 0, outcome.stdout
    assert "PASS freshness of magpipe.report_freshness" in outcome.stdout


def test_every_model_is_built_and_every_test_passes(dbt: Dbt) -> None:
    outcome = dbt.runs("build")
    assert outcome.returncode == 0, outcome.stdout
    results = dbt.results()
    assert set(results) == {("model", "success"), ("test", "pass")}
    assert results["model", "success"] == len(list((PROJECT / "models").glob("*.sql")))
    assert results["test", "pass"] > 20
    assert dbt.reads("SELECT count(*) FROM {models}.reruns") == [(3,)]
    assert dbt.reads("SELECT sum(campaigns) FROM {models}.weeks") == [(198,)]
    assert dbt.reads("SELECT sum(campaigns) FROM {models}.agents") == [(200,)]


def test_the_project_uses_nothing_that_dbt_means_to_drop(dbt: Dbt) -> None:
    outcome = dbt.runs("parse", "--no-partial-parse", "--show-all-deprecations")
    assert outcome.returncode == 0, outcome.stdout
    assert "deprecat" not in outcome.stdout.lower()


def test_what_was_synced_long_ago_is_stale(dbt: Dbt) -> None:
    with writing(dbt.database.engine) as connection:
        connection.execute(text("UPDATE sync_runs SET finished_at = finished_at - INTERVAL '2 days'"))
    outcome = dbt.runs("source", "freshness")
    assert outcome.returncode == 1, outcome.stdout
    assert "ERROR STALE freshness of magpipe.report_freshness" in outcome.stdout
