"""Exports hold what the tables hold, and a file is there as a whole or not at all."""

from __future__ import annotations

import csv
import errno
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from pyarrow import parquet
from sqlalchemy import Table, insert, select

from etl.engine import reading
from etl.errors import ExportError
from etl.export.formats import Format, Opener, Rows, Writer, find_format, find_writer
from etl.export.relation import RELATIONS, Choice, select_rows
from etl.export.stream import CHUNK_ROWS, export_rows
from etl.export.target import check_target
from etl.migrate import migrate
from etl.sandbox import SandboxOptions
from etl.tables import UtcDateTime, sync_requests
from etl.views import batch_runs, report_campaigns, report_daily, report_status

from support.clocks import START
from support.databases import Database, fresh_postgres, fresh_sqlite
from support.pipeline import Pipeline

OPTIONS = SandboxOptions(batches=60, accounts=("acme", "globex"), null_created_at=1, null_counts=2)
JSON_COLUMNS = {"window_days", "extra", "proven", "reached"}


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """Two accounts, synced, with a re-run and with names that somebody made up to do harm."""
    return filled(database)


def filled(database: Database) -> Pipeline:
    migrate(database.engine, database.settings)
    pipeline = Pipeline(database, OPTIONS)
    pipeline.truth.create(name='=HYPERLINK("http://example.com")')
    pipeline.truth.create(name="<script>alert(1)</script>\u2028")
    pipeline.truth.create(recurrence_end_date="infinity")
    # One after the other, so that the same happens at the same time whenever it is done.
    for name in pipeline.sandbox.world:
        pipeline.sync_all(accounts=[name])
    pipeline.truth.rerun(pipeline.truth.listed("completed")[0].id)
    pipeline.sync()
    return pipeline


def export(
    pipeline: Pipeline,
    relation: Table,
    path: Path,
    choice: Choice | None = None,
    opener: Opener | None = None,
) -> int:
    opener = opener or find_writer(find_format(path))
    query = select_rows(relation, choice or Choice())
    with reading(pipeline.database.engine) as connection:
        return export_rows(connection, relation, query, path, opener)


def stored(pipeline: Pipeline, relation: Table) -> list[dict[str, Any]]:
    query = select(relation).order_by(*relation.primary_key)
    with reading(pipeline.database.engine) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().split("\n") if line]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_relation_can_be_had_in_every_format(pipeline: Pipeline, tmp_path: Path) -> None:
    for relation in RELATIONS.values():
        expected = stored(pipeline, relation)
        for format_ in Format:
            assert export(pipeline, relation, tmp_path / f"x.{format_}") == len(expected)
        found = parquet.read_table(tmp_path / "x.parquet").to_pylist()
        assert [comparable(row) for row in found] == [comparable(row) for row in expected], relation
        for rows in (read_jsonl(tmp_path / "x.jsonl"), read_csv(tmp_path / "x.csv")):
            assert [list(row) for row in rows] == [list(row) for row in expected], relation


def comparable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Lists and objects as themselves, which Parquet has as text; without what is another at every look."""
    parsed = {name: json.loads(row[name]) for name in JSON_COLUMNS & row.keys() if isinstance(row[name], str)}
    return {name: value for name, value in {**row, **parsed}.items() if name != "lag_seconds"}


def test_times_stay_times_in_utc(pipeline: Pipeline, tmp_path: Path) -> None:
    for format_ in Format:
        export(pipeline, report_campaigns, tmp_path / f"x.{format_}")
    expected = [row["created_at"] for row in stored(pipeline, report_campaigns)]
    assert parquet.read_table(tmp_path / "x.parquet")["created_at"].to_pylist() == expected
    for rows in (read_csv(tmp_path / "x.csv"), read_jsonl(tmp_path / "x.jsonl")):
        texts = [row["created_at"] for row in rows]
        assert [datetime.fromisoformat(text) if text else None for text in texts] == expected


def test_a_name_that_is_meant_to_do_harm_does_none(pipeline: Pipeline, tmp_path: Path) -> None:
    for format_ in Format:
        export(pipeline, report_campaigns, tmp_path / f"x.{format_}")
    names = [row["name"] for row in stored(pipeline, report_campaigns)]
    formula, script = '=HYPERLINK("http://example.com")', "<script>alert(1)</script>\u2028"
    assert {formula, script} < set(names)
    assert [row["name"] for row in read_jsonl(tmp_path / "x.jsonl")] == names
    assert parquet.read_table(tmp_path / "x.parquet")["name"].to_pylist() == names
    expected = [f"'{name}" if name == formula else name for name in names]
    assert [row["name"] for row in read_csv(tmp_path / "x.csv")] == expected


def test_the_same_source_makes_the_same_file_out_of_either_database(
    tmp_path: Path, postgres_url: str
) -> None:
    files: dict[str, list[bytes]] = {}
    with fresh_sqlite(tmp_path) as one, fresh_postgres(postgres_url) as other:
        for pipeline in (filled(one), filled(other)):
            for view in (report_campaigns, report_daily, report_status, batch_runs):
                export(pipeline, view, tmp_path / "x.csv")
                files.setdefault(view.name, []).append((tmp_path / "x.csv").read_bytes())
    for name, (first, second) in files.items():
        assert first.count(b"\n") > 3, name
        assert first == second, name


def test_only_what_is_chosen_is_exported(pipeline: Pipeline, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    since, until = START - timedelta(days=200), START - timedelta(days=100)
    count = export(pipeline, report_campaigns, path, Choice(accounts=("acme",), since=since, until=until))
    expected = [
        row["id"]
        for row in stored(pipeline, report_campaigns)
        if row["account"] == "acme" and row["created_at"] and since <= row["created_at"] < until
    ]
    assert [row["id"] for row in read_jsonl(path)] == expected
    assert 0 < count == len(expected) < 60


class Recorder:
    """A writer that notes how many rows it is given at a time, and does what a test wants."""

    def __init__(self, act: Callable[[BinaryIO], object] = lambda _: None) -> None:
        self.sizes: list[int] = []
        self._act = act

    def __call__(self, file: BinaryIO, _relation: Table) -> Writer:
        self._file = file
        return self

    def write(self, rows: Rows) -> None:
        self.sizes.append(len(rows))
        self._file.write(b"half a file")
        self._act(self._file)

    def close(self) -> None: ...


def test_no_more_than_a_chunk_of_rows_is_in_memory(pipeline: Pipeline, tmp_path: Path) -> None:
    with pipeline.connected() as connection:
        counted_at = UtcDateTime().process_bind_param(START, connection.dialect)
        rows = [{"budget": "x", "counted_at": counted_at} for _ in range(2 * CHUNK_ROWS + 5)]
        connection.exec_driver_sql("DELETE FROM sync_requests")
        connection.execute(insert(sync_requests), rows)
    recorder = Recorder()
    assert export(pipeline, sync_requests, tmp_path / "x", opener=recorder) == len(rows)
    assert recorder.sizes == [CHUNK_ROWS, CHUNK_ROWS, 5]


def full_disk(_file: BinaryIO) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupt(_file: BinaryIO) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("act", "error", "told"),
    [(full_disk, ExportError, "No space left on device"), (interrupt, KeyboardInterrupt, "^$")],
    ids=["disk full", "interrupted"],
)
def test_what_fails_half_way_leaves_what_was_there_and_nothing_else(
    pipeline: Pipeline,
    tmp_path: Path,
    act: Callable[[BinaryIO], object],
    error: type[BaseException],
    told: str,
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    path = folder / "x.csv"
    path.write_text("what was there")
    with pytest.raises(error, match=told):
        export(pipeline, report_status, path, opener=Recorder(act))
    assert [file.name for file in folder.iterdir()] == ["x.csv"]
    assert path.read_text() == "what was there"


def test_until_it_is_whole_the_file_has_another_name(pipeline: Pipeline, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    seen: list[str] = []

    def look(_file: BinaryIO) -> None:
        seen.extend(file.name for file in folder.iterdir())

    export(pipeline, report_status, folder / "x.csv", opener=Recorder(look))
    [name] = seen
    assert name.startswith(".x.csv.")
    assert [file.name for file in folder.iterdir()] == ["x.csv"]


def test_a_link_stays_a_link(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, target = tmp_path / "latest.csv", tmp_path / "there" / "x.csv"
    link.symlink_to(target)
    export(pipeline, report_status, link)
    assert link.is_symlink()
    assert target.read_text().startswith("newest_created_at,account,status,")


def test_a_place_where_no_file_can_be_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(ValueError, match="is there and is not a file"):
        check_target(tmp_path / "x.csv")
    with pytest.raises(ValueError, match=r"the folder .*nowhere does not exist"):
        check_target(tmp_path / "nowhere" / "x.csv")
    check_target(tmp_path / "y.csv")
