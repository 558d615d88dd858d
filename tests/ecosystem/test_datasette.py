"""Datasette shows the SQLite file as the metadata say: all is explained, every question answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from etl.migrate import migrate
from etl.sandbox import SandboxOptions
from etl.views import views

from support.databases import fresh_sqlite
from support.documents import blocks
from support.pipeline import Pipeline
from support.servers import free_port, running
from support.sources import ROOT
from support.tools import make_tool

pytestmark = pytest.mark.timeout(1200)  # the first time, the tool is installed
METADATA = ROOT / "bi" / "datasette" / "metadata.yml"
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def datasette(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server of a file that a sync has filled."""
    folder = tmp_path_factory.mktemp("datasette")
    with fresh_sqlite(folder) as database:
        migrate(database.engine, database.settings)
        pipeline = Pipeline(database, SandboxOptions(batches=150))
        pipeline.truth.create(name=EVIL)
        pipeline.sync()
        port = free_port()
        program = str(make_tool("datasette").program("datasette"))
        address = ["--host", "127.0.0.1", "--port", str(port)]
        command = [program, "serve", "magpipe.db", "--metadata", str(METADATA), *address]
        with running(command, folder=folder, port=port) as client:
            yield client


def get(datasette: httpx.Client, path: str) -> Any:
    answer = datasette.get(path)
    assert answer.status_code == 200, f"{path}: {answer.text[:500]}"
    return answer.json()


def test_the_tables_for_questions_are_shown_and_the_program_s_memory_is_not(datasette: httpx.Client) -> None:
    database = get(datasette, "/magpipe.json")
    assert {view["name"] for view in database["views"]} == set(views.tables)
    hidden = {table["name"] for table in database["tables"] if table["hidden"]}
    assert {"report_types", "sync_missing", "sync_drift", "sync_budget", "sync_requests"} <= hidden
    shown = {table["name"] for table in database["tables"]} - hidden
    assert shown == {"batch_calls", "batch_call_history", "sync_runs", "sync_coverage", "quarantine"}


@pytest.mark.parametrize("view", views.tables)
def test_a_view_is_explained_column_by_column(datasette: httpx.Client, view: str) -> None:
    page = datasette.get(f"/magpipe/{view}")
    assert page.status_code == 200
    assert page.text.count('data-column-description="') >= len(views.tables[view].columns)
    assert get(datasette, f"/magpipe/{view}.json?_shape=array")


def test_every_question_of_the_documents_is_answered(datasette: httpx.Client) -> None:
    queries = get(datasette, "/magpipe.json")["queries"]
    asked = {block.text.strip().rstrip(";") for block in blocks("sql") if block.document == "docs/sql.md"}
    assert {query["sql"] for query in queries} == asked
    for query in queries:
        assert "columns" in get(datasette, f"/magpipe/{query['name']}.json"), query["name"]


def test_a_name_that_is_meant_to_do_harm_does_none(datasette: httpx.Client) -> None:
    page = datasette.get("/magpipe/report_campaigns").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert EVIL not in page
