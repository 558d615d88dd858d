"""Superset takes the dashboard, and every chart of it shows what the views say."""

from __future__ import annotations

import io
import json
import secrets
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url, text

from etl.engine import reading
from etl.migrate import migrate
from etl.sandbox import SandboxOptions

from support.databases import Database, fresh_postgres
from support.pipeline import Pipeline
from support.servers import free_port, running
from support.sources import ROOT
from support.tools import Tool, make_tool

pytestmark = pytest.mark.timeout(1800)  # the first time, the tool is installed
FILES = ROOT / "bi" / "superset" / "magpipe"
ADDRESS = "postgresql+psycopg2://magpipe_read@db.example.com/magpipe"
CONFIG = """
SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = {{"CACHE_TYPE": "SimpleCache"}}
"""


class Superset:
    """A Superset of one's own, with the dashboard in it."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        who = {"username": "admin", "password": "admin", "provider": "db"}
        token = self.posts("/api/v1/security/login", json=who)["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"

    def posts(self, path: str, **content: Any) -> Any:
        answer = self._client.post(path, **content)
        assert answer.status_code == 200, f"{path}: {answer.text[:500]}"
        return answer.json()

    def gets(self, path: str) -> Any:
        answer = self._client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text[:500]}"
        return answer.json()

    def chart(self, title: str, **changed: Any) -> list[dict[str, Any]]:
        """The rows that the chart draws, its query changed as a filter of the dashboard would."""
        chart = next(chart for chart in self.charts() if chart["slice_name"] == title)
        context = json.loads(self.gets(f"/api/v1/chart/{chart['id']}")["result"]["query_context"])
        context["queries"][0] |= changed
        [result] = self.posts("/api/v1/chart/data", json=context)["result"]
        assert result["status"] == "success", result["error"]
        rows: list[dict[str, Any]] = result["data"]
        return rows

    def charts(self) -> list[dict[str, Any]]:
        charts: list[dict[str, Any]] = self.gets("/api/v1/chart/?q=(page_size:100)")["result"]
        return charts


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[Database]:
    """Two accounts with batches that were run again."""
    with fresh_postgres(postgres_url) as database:
        migrate(database.engine, database.settings)
        options = SandboxOptions(batches=150, accounts=("acme", "globex"), null_created_at=1)
        pipeline = Pipeline(database, options)
        pipeline.sync_all()
        for batch in pipeline.truth.listed("completed")[:3]:
            pipeline.truth.rerun(batch.id)
        pipeline.sync_all()
        yield database


@pytest.fixture(scope="module")
def superset(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    folder = tmp_path_factory.mktemp("superset")
    (folder / "config.py").write_text(CONFIG.format(key=secrets.token_hex(32), folder=folder))
    tool = make_tool("superset")
    variables = {"SUPERSET_CONFIG_PATH": str(folder / "config.py"), "FLASK_APP": "superset"}
    set_up(tool, folder, variables)
    port = free_port()
    command = [str(tool.program("superset")), "run", "-h", "127.0.0.1", "-p", str(port)]
    with running(command, folder=folder, port=port, **variables) as client:
        superset = Superset(client)
        content = zipped(database)
        superset.posts("/api/v1/dashboard/import/", files={"formData": ("magpipe.zip", content)})
        yield superset


def set_up(tool: Tool, folder: Path, variables: dict[str, str]) -> None:
    who = "--username admin --password admin --firstname a --lastname b --email a@example.com".split()
    for arguments in (["db", "upgrade"], ["fab", "create-admin", *who], ["init"]):
        outcome: subprocess.CompletedProcess[str] = tool.run(
            "superset", *arguments, folder=folder, **variables
        )
        assert outcome.returncode == 0, outcome.stderr[-2000:]


def zipped(database: Database) -> bytes:
    """The files as one sends them to Superset, with where the database really is."""
    url = make_url(database.settings.database_url).set(drivername="postgresql+psycopg2")
    here = {
        json.dumps(ADDRESS): json.dumps(url.render_as_string(hide_password=False)),
        '"schema": "magpipe"': f'"schema": "{database.settings.database_schema}"',
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in FILES.rglob("*.yaml"):
            text = path.read_text()
            for example, real in here.items():
                text = text.replace(example, real)
            archive.writestr(f"magpipe/{path.relative_to(FILES).as_posix()}", text)
    return content.getvalue()


def reads(database: Database, query: str) -> list[tuple[Any, ...]]:
    with reading(database.engine) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_every_chart_of_the_dashboard_draws_something(superset: Superset) -> None:
    dashboard = superset.gets("/api/v1/dashboard/magpipe")["result"]
    assert dashboard["dashboard_title"] == "Magpipe's campaigns"
    titles = {chart["slice_name"] for chart in superset.gets("/api/v1/dashboard/magpipe/charts")["result"]}
    assert len(titles) == len(list((FILES / "charts").iterdir()))
    for title in titles:
        assert superset.chart(title), title


def test_its_figures_are_the_views(superset: Superset, database: Database) -> None:
    [[campaigns, calls, completed]] = reads(
        database, "SELECT sum(campaigns), sum(attempted_count), sum(completed_count) FROM report_status"
    )
    assert superset.chart("Campaigns") == [{"campaigns": campaigns}] == [{"campaigns": 300}]
    assert superset.chart("Calls") == [{"attempted_count": calls}]
    [success] = superset.chart("Success")
    assert success["success_rate"] == pytest.approx(float(completed / calls))
    by_status = {row["status"]: row["campaigns"] for row in superset.chart("By status")}
    expected = reads(database, "SELECT status, sum(campaigns) FROM report_status GROUP BY status")
    assert by_status == dict(expected)
    assert len(superset.chart("Campaigns that were run again")) == 3


def test_a_filter_of_time_or_account_leaves_what_it_should(superset: Superset, database: Database) -> None:
    window = "created_at >= '2026-02-01' AND created_at < '2026-03-01'"
    [[within]] = reads(database, f"SELECT count(*) FROM report_campaigns WHERE {window}")
    assert superset.chart("Campaigns", time_range="2026-02-01 : 2026-03-01") == [{"campaigns": within}]
    of_one = [{"col": "account", "op": "IN", "val": ["acme"]}]
    assert superset.chart("Campaigns", filters=of_one) == [{"campaigns": 150}]


def test_days_are_days_to_it(superset: Superset, database: Database) -> None:
    [[days]] = reads(database, "SELECT count(DISTINCT day) FROM report_daily")
    assert len(superset.chart("Calls by day of creation")) == days
