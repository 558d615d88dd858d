"""The service as a process, asked over HTTP as its users ask it.

with running_service(command, "--every", "2s", **variables) as service:
    service.wait_for(lambda: service.get("/readyz").status == 200)
"""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.command import PROGRAM, InstalledCommand

PATIENCE_SECONDS = 60.0  # for what has to happen at all; nothing is said of how soon


@dataclass(frozen=True)
class Answered:
    """One answer of the service."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def document(self) -> Any:
        return json.loads(self.text)


class RunningService:
    """A service at work; its log is read from the file into which it goes."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it has logged so far; the last line may be unfinished."""
        lines = self._log.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def events_named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]

    @property
    def url(self) -> str:
        return str(self.wait_for(lambda: self.events_named("service.started"))[0]["url"])

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Answered:
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, told, response.read().decode())
        finally:
            connection.close()

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Until it holds; gives what it gave. Fails when the process ends, or nothing comes of it."""
        gives_up_at = time.monotonic() + PATIENCE_SECONDS
        while not (found := condition()):
            code = self.process.poll()
            if code is not None:
                raise AssertionError(f"the service ended with {code}: {self._log.read_text()}")
            if time.monotonic() > gives_up_at:
                raise AssertionError(f"waited in vain: {self._log.read_text()}")
            time.sleep(0.05)
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; gives its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def running_service(
    command: InstalledCommand, *arguments: str, name: str = "service", **variables: str
) -> Iterator[RunningService]:
    """A service on any free port, ended with the block at the latest."""
    log = command.folder / f"{name}.log"
    call = [str(PROGRAM), "schedule", "--log-format", "json", "--listen", "127.0.0.1:0", *arguments]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            call,
            cwd=command.folder,
            env=command.environ(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    service = RunningService(process, log)
    try:
        yield service
    finally:
        service.kill()
