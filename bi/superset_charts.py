"""The charts of the dashboard for Superset, as data.

Every figure is a metric over a view: a rate is made of sums, so it stays right however a reader groups and
filters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Table

from etl.views import batch_runs, report_campaigns, report_daily, report_freshness, report_status

Document = dict[str, Any]

MOST_ROWS = 1000

RATES = {
    "success_rate": "SUM(GREATEST(completed_count, 0)) * 1.0 / NULLIF(SUM(attempted_count), 0)",
    "completion_rate": "SUM(attempted_count) * 1.0 / NULLIF(SUM(GREATEST(total_recipients, 0)), 0)",
}
SUMS = {name: f"SUM({name})" for name in ("campaigns", "attempted_count", "completed_count", "failed_count")}
METRICS: Mapping[Table, Mapping[str, str]] = {
    report_daily: {**SUMS, **RATES},
    report_status: {**SUMS, **RATES},
    report_campaigns: {"campaigns": "COUNT(*)", "attempted_count": SUMS["attempted_count"], **RATES},
    batch_runs: {"runs": "COUNT(*)", "attempted_count": SUMS["attempted_count"], **RATES},
    report_freshness: {"lag_seconds": "MAX(lag_seconds)"},
}
TIMES = ("datetime", "date")
FORMATS = {"success_rate": ".1%", "completion_rate": ".1%"}


def identity(kind: str, name: str) -> str:
    """The same for the same thing whenever it is written, so that an import replaces and does not add."""
    return str(uuid5(NAMESPACE_URL, f"magpipe-etl/{kind}/{name}"))


def first_time(view: Table) -> str:
    """The time that the view's rows are about stands first."""
    return next(column.name for column in view.columns if kind_of(column) in TIMES)


def kind_of(column: Any) -> str:
    return str(column.type.python_type.__name__)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart: how it is drawn, over which view, with which metrics or, for a list, which columns."""

    title: str
    kind: str
    view: Table
    width: int
    height: int = 50
    metrics: Sequence[str] = ()
    columns: Sequence[str] = ()
    axis: str | None = None
    filters: Sequence[tuple[str, str, Any]] = ()
    newest_by: str | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def uuid(self) -> str:
        return identity("chart", self.title)

    def document(self) -> Document:
        """The chart's file: how Superset draws it, and the query by which its data can be had by itself."""
        return {
            "slice_name": self.title,
            "viz_type": self.kind,
            "params": {**self._form(), "datasource": "1__table"},
            "query_context": json.dumps(
                {
                    "datasource": {"id": 1, "type": "table"},
                    "force": False,
                    "queries": [self._query()],
                    "form_data": self._form(),
                    "result_format": "json",
                    "result_type": "full",
                }
            ),
            "cache_timeout": None,
            "uuid": self.uuid,
            "version": "1.0.0",
            "dataset_uuid": identity("dataset", self.view.name),
        }

    def _query(self) -> Document:
        axis = {
            "timeGrain": "P1D",
            "columnType": "BASE_AXIS",
            "sqlExpression": self.axis,
            "label": self.axis,
            "expressionType": "SQL",
        }
        return {
            "columns": [*([axis] if self.axis else []), *self.columns],
            "metrics": list(self.metrics) if self.metrics else None,
            "filters": [{"col": name, "op": op, "val": value} for name, op, value in self.filters],
            "orderby": [[self.newest_by, False]] if self.newest_by else [],
            "granularity": None if self.axis else first_time(self.view),
            "row_limit": MOST_ROWS,
            "time_range": "No filter",
        }

    def _form(self) -> Document:
        form: Document = {
            "viz_type": self.kind,
            "adhoc_filters": [
                {
                    "clause": "WHERE",
                    "expressionType": "SIMPLE",
                    "subject": name,
                    "operator": op,
                    "comparator": value,
                }
                for name, op, value in self.filters
            ],
            "granularity_sqla": self.axis or first_time(self.view),
            "row_limit": MOST_ROWS,
            "time_range": "No filter",
            **self.shown,
        }
        if self.kind == "table":
            by_rows = {"query_mode": "raw", "all_columns": list(self.columns)}
            by_sums = {
                "query_mode": "aggregate",
                "groupby": list(self.columns),
                "metrics": list(self.metrics),
            }
            form |= by_sums if self.metrics else by_rows
            form["order_by_cols"] = [json.dumps([self.newest_by, False])] if self.newest_by else []
        elif self.axis:
            form |= {"x_axis": self.axis, "time_grain_sqla": "P1D", "metrics": list(self.metrics)}
            form["groupby"] = list(self.columns)
        else:
            form["metric"] = self.metrics[0]
        return form


def _number(title: str, metric: str, shown: str) -> Chart:
    """One figure over all campaigns that the filters leave."""
    return Chart(
        title=title,
        kind="big_number_total",
        view=report_campaigns,
        width=2,
        height=22,
        metrics=[metric],
        shown={"y_axis_format": shown},
    )


def _list(title: str, view: Table, columns: str, **rest: Any) -> Chart:
    """Rows as they are, or sums by the columns."""
    plain = {"show_cell_bars": False, "color_pn": False}
    return Chart(title=title, kind="table", view=view, columns=columns.split(), shown=plain, **rest)


CHARTS: Sequence[Sequence[Chart]] = (
    (
        _number("Campaigns", "campaigns", ",d"),
        _number("Calls", "attempted_count", ",d"),
        _number("Success", "success_rate", ".1%"),
        _list(
            "How old can any number be?",
            report_freshness,
            "account last_complete_at oldest_proof_at",
            width=6,
            height=22,
        ),
    ),
    (
        Chart(
            title="Success by day of creation",
            kind="echarts_timeseries_line",
            view=report_daily,
            width=6,
            metrics=["success_rate"],
            axis="day",
            columns=["account"],
            shown={"y_axis_format": ".0%", "truncateYAxis": True, "show_legend": True},
        ),
        Chart(
            title="Calls by day of creation",
            kind="echarts_timeseries_bar",
            view=report_daily,
            width=6,
            metrics=["completed_count", "failed_count"],
            axis="day",
            shown={"stack": "Stack", "y_axis_format": ",d", "show_legend": True},
        ),
    ),
    (
        _list(
            "By status",
            report_campaigns,
            "status",
            metrics=["campaigns", "attempted_count", "success_rate", "completion_rate"],
            width=6,
        ),
        _list(
            "Running now",
            report_campaigns,
            "started_at account name completion_rate success_rate",
            filters=[("status", "==", "running")],
            newest_by="started_at",
            width=6,
        ),
    ),
    (
        _list(
            "Campaigns that were run again",
            batch_runs,
            "started_at account name run_number attempted_count success_rate status",
            filters=[("run_number", ">", 1)],
            newest_by="started_at",
            width=12,
        ),
    ),
)
NUMBERS = {chart.title: number for number, chart in enumerate((c for row in CHARTS for c in row), start=1)}
