"""A command as a whole process: how long, how much of the processor, how much memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# The program as its users have it: beside the tests' tools it would load some of theirs.
PYTHON = os.environ.get("BENCH_PYTHON", sys.executable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a process cost; `told` is what it printed."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    told: Any


def measure(command: Sequence[str], variables: Mapping[str, str] | None = None) -> Cost:
    """Run it to its end; what it prints is JSON, or text. Raises RuntimeError when it fails."""
    environment = {**os.environ, **(variables or {})}
    with tempfile.NamedTemporaryFile() as cost:
        launch = [sys.executable, "-I", "-S", str(HERE / "launch.py"), cost.name]
        ended = subprocess.run([*launch, PYTHON, *command], env=environment, capture_output=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"{command} ended with {ended.returncode}: {ended.stderr.decode()[-2_000:]}")
        return Cost(**json.load(cost), told=_read(ended.stdout))


def _read(printed: bytes) -> Any:
    try:
        return json.loads(printed)
    except ValueError:
        return printed.decode()


def in_turns(acts: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Each of them so many times, one after the other: what the machine does meanwhile befalls all alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            costs[name].append(act())
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """Each figure's median by itself; what was told by the last."""
    return Cost(
        wall_seconds=statistics.median(cost.wall_seconds for cost in costs),
        cpu_seconds=statistics.median(cost.cpu_seconds for cost in costs),
        peak_mib=statistics.median(cost.peak_mib for cost in costs),
        told=costs[-1].told,
    )


@contextmanager
def source(batches: int, *, latency: float = 0.0, calls: int = 0) -> Iterator[str]:
    """A source of so many batches, in a process of its own; its base URL."""
    flags = ["--batches", str(batches), "--latency", str(latency), "--calls", str(calls)]
    process = subprocess.Popen(
        [sys.executable, str(HERE / "source.py"), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
