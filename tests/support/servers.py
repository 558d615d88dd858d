"""Servers of other people's programs, as long as a block lasts."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

_LONGEST_START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(command: Sequence[str], *, folder: Path, port: int, **variables: str) -> Iterator[httpx.Client]:
    """A client of the server that the command starts on that port of 127.0.0.1."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUTF8": "1", **variables}
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        try:
            _wait_for(process, client, folder / "server.log")
            yield client
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], client: httpx.Client, log: Path) -> None:
    for _ in range(_LONGEST_START_SECONDS * 5):
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            client.get("/")
            return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"it does not answer: {log.read_text()[-2000:]}")
