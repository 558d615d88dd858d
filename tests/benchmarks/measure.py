"""A command as a whole process: how long, how much of the processor, how much memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a process cost; `told` is what it printed."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    told: Any


def measure(command: Sequence[str], variables: Mapping[str, str] | None = None) -> Cost:
    """Run it to its end; what it prints is JSON. Raises RuntimeError when it fails."""
    began = time.perf_counter()
    environment = {**os.environ, **(variables or {})}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen([sys.executable, *command], env=environment, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)  # the only wait that tells what this one process cost
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_seconds = time.perf_counter() - began
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{command} ended with {process.returncode}: {err.read().decode()[-2_000:]}")
        return Cost(
            wall_seconds=wall_seconds,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_mib=usage.ru_maxrss / 1024,
            told=json.load(out),
        )


def median(costs: Sequence[Cost]) -> Cost:
    """Each figure's median by itself; what was told by the last."""
    return Cost(
        wall_seconds=statistics.median(cost.wall_seconds for cost in costs),
        cpu_seconds=statistics.median(cost.cpu_seconds for cost in costs),
        peak_mib=statistics.median(cost.peak_mib for cost in costs),
        told=costs[-1].told,
    )


@contextmanager
def source(batches: int, *, latency: float = 0.0, changed: float = 0.0) -> Iterator[str]:
    """A source of so many batches, in a process of its own; its base URL."""
    flags = ["--batches", str(batches), "--latency", str(latency), "--changed", str(changed)]
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
