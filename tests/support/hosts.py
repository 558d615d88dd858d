"""Hosts of the tests' own: network namespaces, each on a cable to this machine that can be pulled out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Host:
    """What runs on it runs in its namespace; this machine has another address for each host."""

    number: int

    @property
    def name(self) -> str:
        return f"magpipe-{os.getpid()}-{self.number}"

    @property
    def cable(self) -> str:
        """Its end on this machine."""
        return f"mp{os.getpid() % 10**7}-{self.number}"

    @property
    def server_address(self) -> str:
        return f"10.213.{self.number}.1"

    @property
    def prefix(self) -> tuple[str, ...]:
        """What stands before a command that is to run on it."""
        return ("ip", "netns", "exec", self.name)

    def pull_cable(self) -> None:
        _run("ip", "link", "set", self.cable, "down")

    def plug_in(self) -> None:
        _run("ip", "link", "set", self.cable, "up")


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many hosts that reach this machine and not each other; skips where none can be made."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("hosts are made by root on Linux, with iproute2")
    with ExitStack() as stack:
        yield [stack.enter_context(_host(number)) for number in range(1, count + 1)]


@contextmanager
def _host(number: int) -> Iterator[Host]:
    host = Host(number)
    try:
        _run("ip", "netns", "add", host.name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no host can be made here: {error.stderr}")
    try:
        _run("ip", "link", "add", host.cable, "type", "veth", "peer", "name", "eth0", "netns", host.name)
        _run("ip", "address", "add", f"{host.server_address}/24", "dev", host.cable)
        _run("ip", "link", "set", host.cable, "up")
        _run(*host.prefix, "ip", "address", "add", f"10.213.{number}.2/24", "dev", "eth0")
        _run(*host.prefix, "ip", "link", "set", "eth0", "up")
        _run(*host.prefix, "ip", "link", "set", "lo", "up")
        yield host
    finally:
        _run("ip", "netns", "delete", host.name)  # and with it the cable


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
