"""The command as the system sees it: its arguments, its limits, its streams."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.sandbox import SandboxOptions, SandboxServer, faults, serve

from support.command import PROGRAM, InstalledCommand

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

BATCHES = 50


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with serve(SandboxOptions(batches=BATCHES)) as server:
        yield server


def test_the_key_is_among_no_arguments_and_its_memory_is_written_nowhere(
    server: SandboxServer, tmp_path: Path
) -> None:
    server.sandbox.faults.at(1, faults.hang(60))
    command = InstalledCommand(tmp_path)
    process = command.start("sync", MAGPIPE_BASE_URL=server.base_url, MAGPIPE_API_KEY=server.key)
    try:
        while not server.sandbox.journal:
            assert process.poll() is None
        proc = Path(f"/proc/{process.pid}")
        assert server.key[4:].encode() not in (proc / "cmdline").read_bytes()
        [core] = [line for line in (proc / "limits").read_text().splitlines() if "core file" in line]
        assert core.split()[4] in {"0", "1"}
        children = (proc / "task" / str(process.pid) / "children").read_text()
        assert children == ""  # nobody else has its environment
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_while_the_program_is_loaded_is_met_without_a_traceback() -> None:
    program = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'etl.cli.root':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from etl.cli import main\n"
        "main()\n"
    )
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (130, "", "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_matter_to_the_work(
    server: SandboxServer, tmp_path: Path, closed: str
) -> None:
    command = InstalledCommand(tmp_path)
    environ = command.environ(MAGPIPE_BASE_URL=server.base_url, MAGPIPE_API_KEY=server.key)

    def run(*arguments: str) -> int:
        shell = ["sh", "-c", f'exec "$@" {closed}', "sh", str(PROGRAM), *arguments]
        return subprocess.run(shell, cwd=tmp_path, env=environ, timeout=60, check=False).returncode

    assert run("-vv", "sync") == 0
    assert run("sync", "--nonsense") == 2
    verdict = command.run("verify", MAGPIPE_BASE_URL=server.base_url, MAGPIPE_API_KEY=server.key)
    assert (verdict.code, verdict.err) == (0, "")
    assert (tmp_path / "magpipe.db").read_bytes().startswith(b"SQLite format 3\0")
