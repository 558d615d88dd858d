"""Writes what other tools are told of the tables and views: dbt's sources, Datasette's metadata, Superset's
dashboard.

`make docs` runs it, so that a column's meaning stands in one place. With `--check` it writes nothing and ends
with 1 where a file is out of date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Table

from etl.tables import metadata
from etl.views import views

from superset_dashboard import render_superset

FOLDER = Path(__file__).parent
HEAD = "# Written by `make docs` out of the program's own definitions."
# What is worth a question; the other tables are the program's own memory.
OFFERED: tuple[Table, ...] = (
    *views.tables.values(),
    *(
        metadata.tables[name]
        for name in "batch_calls batch_call_history sync_runs sync_coverage quarantine".split()
    ),
)
FRESH = {
    "loaded_at_query": "select min(last_complete_at) from {{ source('magpipe', 'report_freshness') }}",
    "freshness": {
        "warn_after": {"count": 1, "period": "hour"},
        "error_after": {"count": 24, "period": "hour"},
    },
}
# How Datasette shows a table at first.
SHOWN = {
    "report_campaigns": ["sort_desc: created_at", "facets: [account, status]", "label_column: name"],
    "report_daily": ["sort_desc: day", "facets: [account]"],
    "report_status": ["sort_desc: campaigns"],
    "batch_runs": ["sort_desc: started_at", "facets: [account, status]"],
    "batch_call_history": ["sort_desc: observed_at", "facets: [account, change]"],
    "sync_runs": ["sort_desc: run_id", "facets: [account, status, mode]"],
    "quarantine": ["sort_desc: seen_at", "facets: [account, field]"],
}


def render_dbt_sources() -> Iterator[str]:
    """Every offered table and view as a source, its key tested, the whole as fresh as the stalest account."""
    yield from [HEAD, "", "version: 2", "", "sources:", "  - name: magpipe"]
    yield f"    description: {_quoted('Batch calls of Magpipe, brought and proven by magpipe-etl.')}"
    yield "    schema: \"{{ var('magpipe_schema') }}\""
    yield "    tables:"
    for table in OFFERED:
        yield f"      - name: {table.name}"
        yield f"        description: {_quoted(table.comment)}"
        if table.name == "report_freshness":
            yield f"        config: {json.dumps(FRESH)}"
        keys = [column.name for column in table.primary_key]
        yield "        data_tests:"
        yield f"          - unique_together: {json.dumps({'arguments': {'columns': keys}})}"
        yield "        columns:"
        for column in table.columns:
            yield f"          - name: {column.name}"
            yield f"            description: {_quoted(column.comment)}"
            if column.primary_key:
                yield "            data_tests: [not_null]"


def render_datasette() -> Iterator[str]:
    """Every table and view with what it is, the program's own memory hidden; the questions as queries."""
    yield from [HEAD, "", "title: Magpipe's batch calls"]
    yield f"description: {_quoted('Kept by magpipe-etl. Every view says when its rows were last proven.')}"
    yield from ["databases:", "  magpipe:", "    queries:"]
    for name, question in questions().items():
        yield f"      {name}:"
        yield f"        title: {_quoted(question.title)}"
        yield f"        description: {_quoted(question.comment)}"
        yield from ["        sql: |-", *(f"          {line}" for line in question.sql.splitlines())]
    yield "    tables:"
    yield from [
        "      report_types:",
        "        hidden: true",
        "      alembic_version:",
        "        hidden: true",
    ]
    for table in (*views.tables.values(), *metadata.tables.values()):
        yield f"      {table.name}:"
        yield f"        description: {_quoted(table.comment)}"
        yield from [f"        {line}" for line in SHOWN.get(table.name, ())]
        if table not in OFFERED:
            yield "        hidden: true"
        yield "        columns:"
        yield from (f"          {column.name}: {_quoted(column.comment)}" for column in table.columns)


@dataclass(frozen=True, slots=True)
class Question:
    """One of docs/sql.md."""

    title: str
    comment: str
    sql: str


def questions() -> dict[str, Question]:
    """The questions by a name that can stand in an address."""
    text = (FOLDER.parent / "docs" / "sql.md").read_text(encoding="utf-8")
    found = re.findall(
        r"^## ([^\n]+)\n\n((?:[^\n`]+\n)*)\n?```sql\n(.+?);\n```", text, re.MULTILINE | re.DOTALL
    )
    return {
        re.sub(r"\W+", "_", title.lower()).strip("_"): Question(title, " ".join(comment.split()), sql)
        for title, comment, sql in found
    }


def render_files() -> Iterator[tuple[str, str]]:
    """Every file by its place in this folder, and what is in it."""
    yield "dbt/models/sources.yml", _lines(render_dbt_sources())
    yield "datasette/metadata.yml", _lines(render_datasette())
    for name, text in render_superset():
        yield f"superset/magpipe/{name}", text


def main(arguments: Sequence[str]) -> int:
    """Bring every file up to date, or say which is not; gives the exit code."""
    stale = []
    for name, text in render_files():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        sys.stderr.write(f"out of date, run `make docs`: {', '.join(stale)}\n")
        return 1
    return 0


def _lines(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _quoted(text: str | None) -> str:
    """A text as YAML takes it whatever is in it."""
    return json.dumps(text or "", ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
