"""The dashboard for Superset as files of its own export format, in JSON, which is YAML too."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Table

from etl.views import report_daily, report_freshness

from superset_charts import CHARTS, FORMATS, METRICS, NUMBERS, TIMES, Document, first_time, identity, kind_of

SCHEMA = "magpipe"  # DATABASE_SCHEMA
ADDRESS = "postgresql+psycopg2://magpipe_read@db.example.com/magpipe"
KINDS = {"datetime": "TIMESTAMP WITH TIME ZONE", "date": "DATE", "int": "BIGINT", "float": "DOUBLE PRECISION"}


def render_superset() -> Iterator[tuple[str, str]]:
    """Every file of the dashboard, and what is in it."""
    documents = {
        "metadata": {"version": "1.0.0", "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/magpipe": _database(),
        **{f"datasets/magpipe/{view.name}": _dataset(view) for view in METRICS},
        **{f"charts/{_slug(chart.title)}": chart.document() for row in CHARTS for chart in row},
        "dashboards/magpipe": _dashboard(),
    }
    for name, document in documents.items():
        yield f"{name}.yaml", json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _database() -> Document:
    return {
        "database_name": "magpipe",
        "sqlalchemy_uri": ADDRESS,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": identity("database", "magpipe"),
        "version": "1.0.0",
    }


def _dataset(view: Table) -> Document:
    return {
        "table_name": view.name,
        "main_dttm_col": first_time(view),
        "description": view.comment,
        "schema": SCHEMA,
        "sql": None,
        "columns": [
            {
                "column_name": column.name,
                "is_dttm": kind_of(column) in TIMES,
                "is_active": True,
                "type": KINDS.get(kind_of(column), "TEXT" if kind_of(column) == "str" else "BOOLEAN"),
                "groupby": True,
                "filterable": True,
                "description": column.comment,
            }
            for column in view.columns
        ],
        "metrics": [
            {
                "metric_name": name,
                "verbose_name": name.removesuffix("_count").replace("_", " "),
                "expression": expression,
                "d3format": FORMATS.get(name),
            }
            for name, expression in METRICS[view].items()
        ],
        "uuid": identity("dataset", view.name),
        "version": "1.0.0",
        "database_uuid": identity("database", "magpipe"),
    }


def _dashboard() -> Document:
    return {
        "dashboard_title": "Magpipe's campaigns",
        "description": "Every rate is made of sums; the freshness says how old any number can be.",
        "css": "",
        "slug": "magpipe",
        "published": True,
        "uuid": identity("dashboard", "magpipe"),
        "position": _position(),
        "metadata": {"native_filter_configuration": [_account_filter(), _time_filter()], "color_scheme": ""},
        "version": "1.0.0",
    }


def _position() -> Document:
    """The grid: a row of the page for each row of charts."""
    rows = [f"ROW-{number}" for number, _ in enumerate(CHARTS)]
    position: Document = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": rows, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": "Magpipe's campaigns"}},
    }
    for row, charts in zip(rows, CHARTS, strict=True):
        keys = [f"CHART-{_slug(chart.title)}" for chart in charts]
        position[row] = {
            "id": row,
            "type": "ROW",
            "children": keys,
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for key, chart in zip(keys, charts, strict=True):
            position[key] = {
                "id": key,
                "type": "CHART",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row],
                "meta": {
                    "chartId": NUMBERS[chart.title],  # Superset puts its own there
                    "uuid": chart.uuid,
                    "sliceName": chart.title,
                    "width": chart.width,
                    "height": chart.height,
                },
            }
    return position


def _account_filter() -> Document:
    target = {"column": {"name": "account"}, "datasetUuid": identity("dataset", report_daily.name)}
    controls = {"multiSelect": True, "enableEmptyFilter": False}
    return _filter("Account", "filter_select", target, controls, excluded=[])


def _time_filter() -> Document:
    """The time that each view is about; the freshness is of now, whatever time is looked at."""
    timeless = [NUMBERS[chart.title] for row in CHARTS for chart in row if chart.view is report_freshness]
    return _filter("Time", "filter_time", {}, {}, excluded=timeless)


def _filter(name: str, kind: str, target: Document, controls: Document, *, excluded: list[int]) -> Document:
    return {
        "id": f"NATIVE_FILTER-{name}",
        "name": name,
        "filterType": kind,
        "type": "NATIVE_FILTER",
        "targets": [target],
        "controlValues": controls,
        "defaultDataMask": {"extraFormData": {}, "filterState": {}},
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": excluded},
    }


def _slug(title: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in title.lower()).strip("_")
