"""`export` as an installed command: what it leaves behind, and what it says when it cannot."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

from etl.sandbox import SandboxOptions, serve

from support.command import PROGRAM, InstalledCommand

pytestmark = pytest.mark.slow
KIB = 1024


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> InstalledCommand:
    """A folder with a database of 300 batches in it."""
    command = InstalledCommand(tmp_path_factory.mktemp("export"))
    with serve(SandboxOptions(batches=300)) as server:
        outcome = command.run("sync", MAGPIPE_BASE_URL=server.base_url, MAGPIPE_API_KEY=server.key)
    assert outcome.code == 0, outcome.err
    return command


def test_a_view_becomes_a_file(command: InstalledCommand) -> None:
    outcome = command.run("export", "report_campaigns", "--to", "campaigns.parquet")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "300 rows of report_campaigns in campaigns.parquet\n"
    assert parquet.read_table(command.folder / "campaigns.parquet").num_rows == 300


def test_a_program_is_told_what_was_written(command: InstalledCommand) -> None:
    outcome = command.run("export", "report_status", "--to", "status.jsonl", "--account", "default", "--json")
    size = (command.folder / "status.jsonl").stat().st_size
    rows = (command.folder / "status.jsonl").read_text().count("\n")
    assert json.loads(outcome.out) == {
        "name": "report_status",
        "file": "status.jsonl",
        "format": "jsonl",
        "rows": rows,
        "bytes": size,
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("batches", "--to", "x.csv"), "expected one of report_campaigns, report_daily, "),
        (("batch_calls", "--to", "x.xlsx"), "ends with .parquet, .csv, .jsonl, got 'x.xlsx'"),
        (("batch_calls", "--to", "nowhere/x.csv"), "the folder nowhere does not exist"),
        (("batch_calls", "--to", "x.csv", "--account", "nobody"), "expected one of default, got 'nobody'"),
        (("report_status", "--to", "x.csv", "--since", "30d"), "report_status has no time to choose by"),
    ],
)
def test_what_cannot_be_done_is_told_with_what_can(
    command: InstalledCommand, arguments: tuple[str, ...], told: str
) -> None:
    outcome = command.run("export", *arguments)
    assert outcome.code == 2
    assert told in outcome.err
    assert not (command.folder / "x.csv").exists()


@pytest.mark.parametrize(
    "arguments", [("export", "batch_calls", "--to", "big.csv"), ("report", "--html", "big.html")]
)
def test_where_there_is_no_room_nothing_is_left(
    command: InstalledCommand, arguments: tuple[str, ...]
) -> None:
    before = sorted(path.name for path in command.folder.iterdir())
    outcome = subprocess.run(
        [PROGRAM, *arguments],
        cwd=command.folder,
        env=command.environ(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (32 * KIB, 32 * KIB)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 1
    assert f"error: {arguments[-1]} cannot be written: File too large" in outcome.stderr
    assert "hint: nothing of it is left" in outcome.stderr
    assert sorted(path.name for path in command.folder.iterdir()) == before


def test_without_the_library_parquet_is_refused_and_csv_is_not(
    command: InstalledCommand, tmp_path: Path
) -> None:
    def exported(name: str) -> subprocess.CompletedProcess[str]:
        program = (
            "import sys; sys.modules['pyarrow'] = None\n"
            "from etl.cli.main import run\n"
            f"sys.exit(run(['export', 'report_status', '--to', {str(tmp_path / name)!r}]))"
        )
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=command.folder,
            env=command.environ(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    outcome = exported("x.parquet")
    assert outcome.returncode == 2
    assert "pip install '.[parquet]'" in outcome.stderr
    assert exported("x.csv").returncode == 0
