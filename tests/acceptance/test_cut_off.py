"""The installed command killed with -9 in the middle of its work, and run again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from etl.interval import RESOLUTION
from etl.sandbox import SandboxOptions, SandboxServer, faults, serve

from support.command import InstalledCommand

pytestmark = pytest.mark.slow

PAGE_SIZE = 50
OPTIONS = SandboxOptions(batches=1_000, tie_groups=20, tie_size=3)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with serve(OPTIONS) as server:
        yield server


class User:
    """Somebody with a source and an empty folder, who reads it in small pages, one at a time."""

    def __init__(self, server: SandboxServer, folder: Path) -> None:
        self.server = server
        self.command = InstalledCommand(folder)
        self.variables = {
            "MAGPIPE_BASE_URL": server.base_url,
            "MAGPIPE_API_KEY": server.key,
            "ETL_PAGE_SIZE": str(PAGE_SIZE),
            "ETL_FETCH_AHEAD": "1",
        }

    def runs(self, *arguments: str, code: int = 0) -> Any:
        outcome = self.command.run(*arguments, "--json", **self.variables)
        assert outcome.code == code, outcome.err
        return json.loads(outcome.out)

    def is_killed(self, *arguments: str, request: int) -> None:
        """The command dies as by kill -9 while it waits for the answer to that request."""
        sandbox = self.server.sandbox
        sandbox.faults.at(sandbox.requests + request, faults.hang(60))
        last = sandbox.requests + request
        process = self.command.start(*arguments, **self.variables)
        while sandbox.requests < last:
            with suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"it ended by itself, with {process.wait(timeout=0.05)}")
        process.kill()
        process.communicate(timeout=30)


@pytest.fixture
def user(server: SandboxServer, tmp_path: Path) -> User:
    return User(server, tmp_path)


def test_a_backfill_that_was_killed_goes_on_where_it_was(user: User) -> None:
    listed = user.server.sandbox.account.listed()
    since, until = listed[900].created_at, listed[300].created_at
    assert since is not None
    assert until is not None
    window = ("--since", since.isoformat(), "--until", (until + RESOLUTION).isoformat())
    count = sum(since <= batch.created_at <= until for batch in listed if batch.created_at is not None)
    for request in (8, 6, 5):
        user.is_killed("backfill", *window, request=request)
    [run] = user.runs("backfill", *window)["runs"]
    assert (run["mode"], run["status"], run["unchanged"]) == ("backfill", "succeeded", 0)
    assert 0 < run["inserted"] < count
    assert user.server.sandbox.requests <= 8 + 6 + 5 + (count // (PAGE_SIZE - 5) - 10) + 6
    [again] = user.runs("backfill", *window)["runs"]
    assert (again["rows_seen"], again["unchanged"]) == (count, count)
    [plan] = user.runs("backfill", *window, "--dry-run")["plans"]
    # How many the search takes, since nothing above the window is known, is a matter of luck.
    assert -1 <= again["requests"] - plan["requests"] <= 5


def test_a_first_sync_that_was_killed_goes_on_where_it_was(user: User) -> None:
    user.is_killed("sync", request=12)
    [run] = user.runs("sync")["runs"]
    assert (run["status"], run["complete"], run["unchanged"] < 2 * PAGE_SIZE) == ("succeeded", True, True)
    assert 0 < run["inserted"] <= 1_000 - 9 * (PAGE_SIZE - 5)
    [verdict] = user.runs("verify")["accounts"]
    assert (verdict["ok"], verdict["differences"]) == (True, [])


def test_a_verification_tells_in_words_and_by_its_exit_code(user: User) -> None:
    outcome = user.command.run("verify", **user.variables)
    assert outcome.code == 4
    assert "there is nothing in" in outcome.err
    user.runs("sync")
    account = user.server.sandbox.account
    account.change(account.listed()[500].id, name="changed")
    outcome = user.command.run("verify", **user.variables)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["account", "status", "its", "list", "whole", "list", "table"]
    assert [line.split()[1:] for line in lines if line.split()[1:2] == ["all"]] == [
        ["all", "1,000", "1,000", "1,000"]
    ]
    assert lines[-2] == "default: batches that differ: 1, unexplained: 0"
    assert "changed: changed since it was last proven: name, updated_at" in lines[-1]
