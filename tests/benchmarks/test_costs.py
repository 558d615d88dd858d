"""What a sync costs beside the floor, the least that anybody could do, measured in the same run.

Nothing is asserted but that the work was done: machines differ, and what counts are the ratios in the table.
BENCH_BATCHES, BENCH_ROUNDS and BENCH_GROWTH say how much and how often. The ways that were measured and lost
stand in docs/design.md, each beside the one that was chosen.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from benchmarks.measure import HERE, Cost, in_turns, measure, median, source

from support.databases import NoPostgresError, running_postgres

BATCHES = int(os.environ.get("BENCH_BATCHES", "100000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
GROWTH = [int(size) for size in os.environ.get("BENCH_GROWTH", "10000 100000 1000000").split()]
QUOTA = {"ETL_REQUESTS_PER_MINUTE": "1000000", "ETL_REQUESTS_PER_HOUR": "10000000"}
COLUMNS = "{:<34}{:>9}{:>9}{:>9}{:>10}{:>9}{:>9}{:>9}"


def sync(base_url: str, database: dict[str, str], *flags: str) -> Cost:
    variables = {**QUOTA, **database, "MAGPIPE_BASE_URL": base_url, "MAGPIPE_API_KEY": "k" * 40}
    cost = measure(["-m", "etl", "sync", "--json", "-q", *flags], variables)
    assert cost.told["runs"][0]["complete"], cost.told
    return cost


def floor(base_url: str, what: str, database_url: str = "") -> Cost:
    cost = measure([str(HERE / "floor.py"), base_url, what, database_url])
    assert cost.told == BATCHES
    return cost


def rounds(act: Callable[[], Cost]) -> Cost:
    return median([act() for _ in range(ROUNDS)])


class Table:
    """What was measured in turns, each with its ratios to a floor: the medians of the rounds' own ratios."""

    def __init__(self, title: str, acts: dict[str, Callable[[], Cost]]) -> None:
        print(f"\n\n{title}, medians of {ROUNDS}\n")
        print(COLUMNS.format("", "rows/s", "requests", "wall s", "CPU s", "MiB", "x wall", "x CPU"))
        self._costs = in_turns(acts, ROUNDS)

    def add(self, name: str, floor: str | None = None) -> None:
        cost = median(self._costs[name])
        told: Any = cost.told
        print(
            COLUMNS.format(
                name,
                f"{BATCHES / cost.wall_seconds:,.0f}",
                told["runs"][0]["requests"] if isinstance(told, dict) else "",
                f"{cost.wall_seconds:.2f}",
                f"{cost.cpu_seconds:.2f}",
                f"{cost.peak_mib:.0f}",
                *(self._ratios(name, floor) if floor else ("", "")),
            ),
            flush=True,
        )

    def _ratios(self, name: str, floor: str) -> tuple[str, str]:
        pairs = list(zip(self._costs[name], self._costs[floor], strict=True))
        wall = statistics.median(cost.wall_seconds / least.wall_seconds for cost, least in pairs)
        cpu = statistics.median(cost.cpu_seconds / least.cpu_seconds for cost, least in pairs)
        return f"{wall:.2f}", f"{cpu:.2f}"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Makes an empty database at each call; the settings that name it."""
    if request.param == "sqlite":
        yield lambda: {"DATABASE_URL": f"sqlite:///{tmp_path / uuid4().hex}.db"}
        return
    try:
        with running_postgres(f"bench-{uuid4().hex[:8]}") as url:
            yield lambda: {"DATABASE_URL": url, "DATABASE_SCHEMA": f"bench_{uuid4().hex}"}
    except NoPostgresError as error:
        pytest.skip(str(error))


@pytest.mark.timeout(3600)
def test_a_sync_beside_the_floor(
    database: Callable[[], dict[str, str]], request: pytest.FixtureRequest
) -> None:
    dialect = request.node.callspec.params["database"]
    fetch, write = "floor: fetch and parse", "floor: fetch, parse and write"
    with source(BATCHES) as before, source(BATCHES, calls=1) as after:
        kept = database()
        sync(before, kept)
        table = Table(
            f"{BATCHES:,} batches into {dialect}",
            {
                fetch: lambda: floor(before, "fetch"),
                write: lambda: floor(before, "load", empty_for_floor(database())),
                "first load": lambda: sync(before, database()),
                "unchanged": lambda: sync(before, kept),
                "unchanged, all read again": lambda: sync(before, kept, "--full"),
                # There and back again, so that each round meets as many changes.
                "5 % changed": lambda: sync(after, kept),
                "5 % changed, all read again": lambda: sync(before, kept, "--full"),
            },
        )
    table.add(fetch)
    table.add(write)
    table.add("first load", write)
    for name in ("unchanged", "unchanged, all read again", "5 % changed", "5 % changed, all read again"):
        table.add(name, fetch)


def empty_for_floor(settings: dict[str, str]) -> str:
    url = settings["DATABASE_URL"]
    if not url.startswith("sqlite"):
        with psycopg.connect(url) as connection:
            connection.execute("DROP TABLE IF EXISTS floor_batches")
    return url


@pytest.mark.timeout(3600)
def test_waiting_for_the_source(tmp_path: Path) -> None:
    """A tenth of a second for each page: fetched ahead, they are not waited for one by one."""

    def first_load(base_url: str) -> Cost:
        return sync(base_url, new_file(tmp_path))

    with source(BATCHES) as near, source(BATCHES, latency=0.1) as far:
        table = Table(
            f"latency: {BATCHES:,} batches into sqlite",
            {
                "floor, 0 ms": lambda: floor(near, "load", new_file(tmp_path)["DATABASE_URL"]),
                "first load, 0 ms": lambda: first_load(near),
                "first load, 100 ms": lambda: first_load(far),
            },
        )
    table.add("floor, 0 ms")
    table.add("first load, 0 ms", "floor, 0 ms")
    table.add("first load, 100 ms", "floor, 0 ms")
    shutil.rmtree(tmp_path)


@pytest.mark.timeout(3600)
def test_a_start(tmp_path: Path) -> None:
    """What is paid before there is anything to do."""
    database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'start.db'}"}
    line = "{:<34}{:>9}{:>9}{:>9}"
    print(f"\n\nstarts, medians of {ROUNDS}\n\n" + line.format("", "wall s", "CPU s", "MiB"))
    with source(50) as base_url:
        costs = in_turns(
            {
                "magpipe-etl --help": lambda: measure(["-m", "etl", "--help"]),
                "a first sync of 50 batches": lambda: sync(base_url, new_file(tmp_path)),
                "the next": lambda: sync(base_url, database),
            },
            ROUNDS,
        )
    for name, each in costs.items():
        cost = median(each)
        print(
            line.format(name, f"{cost.wall_seconds:.2f}", f"{cost.cpu_seconds:.2f}", f"{cost.peak_mib:.0f}")
        )


def new_file(folder: Path) -> dict[str, str]:
    return {"DATABASE_URL": f"sqlite:///{folder / uuid4().hex}.db"}


@pytest.mark.timeout(3600)
def test_growth(tmp_path: Path) -> None:
    """The same at any size: time and memory per row, and what a row takes on the disk with its indexes."""
    line = "{:>10}" + "{:>9}" * 8
    print("\n\ngrowth, into sqlite: microseconds and bytes per row, first load and all read again\n")
    print(line.format("", *["first"] * 3, *["again"] * 3, "batch", "history"))
    print(line.format("batches", *["CPU us", "wall us", "MiB"] * 2, "bytes", "bytes"))
    for batches in GROWTH:
        file = tmp_path / f"{batches}.db"
        database = {"DATABASE_URL": f"sqlite:///{file}"}
        with source(batches) as base_url:
            costs = sync(base_url, database), sync(base_url, database, "--full")
        figures = [
            figure
            for cost in costs
            for figure in (cost.cpu_seconds / batches * 1e6, cost.wall_seconds / batches * 1e6, cost.peak_mib)
        ]
        sizes = [bytes_of(file, table) / batches for table in ("batch_calls", "batch_call_history")]
        print(line.format(f"{batches:,}", *(f"{figure:,.0f}" for figure in [*figures, *sizes])), flush=True)
        file.unlink()


def bytes_of(file: Path, table: str) -> int:
    """What a table and its indexes take in the file."""
    parts = "SELECT name FROM sqlite_schema WHERE tbl_name = ?"
    with closing(sqlite3.connect(file)) as connection:
        query = f"SELECT sum(pgsize) FROM dbstat WHERE name IN ({parts})"
        [size] = connection.execute(query, [table]).fetchone()
    return int(size)


@pytest.mark.timeout(3600)
def test_the_report(database: Callable[[], dict[str, str]], request: pytest.FixtureRequest) -> None:
    """Beside `status`, which asks hardly anything: what is more than that is the report's own."""
    dialect = request.node.callspec.params["database"]
    line = "{:<34}{:>9}{:>9}{:>9}"
    print(f"\n\nreport of {BATCHES:,} batches in {dialect}, 5 % changed today, medians of {ROUNDS}\n")
    print(line.format("", "wall s", "CPU s", "MiB"))
    settings = database()
    with source(BATCHES) as before, source(BATCHES, calls=1) as after:
        sync(before, settings)
        sync(after, settings)
    for command in ("status", "report", "report --since 30d", "report --timezone America/New_York"):
        call = ["-m", "etl", *command.split(), "--json"]
        cost = rounds(partial(measure, call, settings))
        figures = (f"{cost.wall_seconds:.2f}", f"{cost.cpu_seconds:.2f}", f"{cost.peak_mib:.0f}")
        print(line.format(command, *figures), flush=True)
