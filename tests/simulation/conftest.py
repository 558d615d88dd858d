"""Seeds in blocks, a place for their databases, and what happened in all of them together."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from support.simulation.postgres_site import PostgresSite
from support.simulation.site import Site, SqliteSite

SEEDS = 200
BLOCK = 25  # seeds that one test lives through: a test each would cost more than they do
FEWER_ON_POSTGRES = 20  # where each takes several times as long
_EVENTS = "simulated events"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `block` runs once for each block of seeds; fewer on PostgreSQL."""
    if "block" in metafunc.fixturenames:
        first = metafunc.config.getoption("first_seed")
        seeds = metafunc.config.getoption("seeds") or SEEDS
        last = first + (
            ceil(seeds / FEWER_ON_POSTGRES) if "postgres_site" in metafunc.fixturenames else seeds
        )
        blocks = [range(start, min(start + BLOCK, last)) for start in range(first, last, BLOCK)]
        metafunc.parametrize("block", blocks, ids=[f"{block[0]}-{block[-1]}" for block in blocks])


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A database in memory where there is a file system in memory: seeds are many."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        site = SqliteSite(Path(folder))
        yield site
        site.close()


@pytest.fixture(scope="session")
def postgres_site(postgres_url: str) -> Iterator[Site]:
    site = PostgresSite(postgres_url)
    yield site
    site.close()


@pytest.fixture
def events(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Whatever a test counts here is summed up over all tests and told at the end."""
    counts: Counter[str] = Counter()
    yield counts
    request.node.user_properties.append((_EVENTS, dict(counts)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What the seeds were made of, where they were asked for."""
    if config.getoption("seeds") is None:
        return
    total: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, counts in getattr(report, "user_properties", ()):
                total.update(counts if name == _EVENTS and report.when == "teardown" else {})
    terminalreporter.section(_EVENTS)
    for event, count in sorted(total.items()):
        terminalreporter.write_line(f"{count:>10,}  {event}")
