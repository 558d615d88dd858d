"""The transport that other tests use: faults are what httpx would raise over a network."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from etl.sandbox import Sandbox, SandboxOptions, faults

from support.sandbox import SandboxTransport

BASE_URL = "http://127.0.0.1/functions/v1/"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxOptions(batches=10), now=lambda: datetime(2026, 3, 13, tzinfo=UTC))


def post(sandbox: Sandbox, slept: list[float] | None = None, timeout: float = 5.0) -> httpx.Response:
    waits: list[float] = [] if slept is None else slept
    transport = SandboxTransport(sandbox, sleep=waits.append)
    headers = {"Authorization": f"Bearer {sandbox.key}"}
    with httpx.Client(transport=transport, base_url=BASE_URL, headers=headers, timeout=timeout) as client:
        return client.post("batch-calls", json={"action": "list", "limit": 3})


def test_an_answer_arrives(sandbox: Sandbox) -> None:
    response = post(sandbox)
    assert response.status_code == 200
    assert len(response.json()["batches"]) == 3
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", httpx.ReadError),
        ("drop", httpx.RemoteProtocolError),
        ("cut_body", httpx.RemoteProtocolError),
    ],
)
def test_a_broken_connection_raises_what_httpx_raises(
    sandbox: Sandbox, kind: str, error: type[Exception]
) -> None:
    sandbox.faults.next(kind)
    with pytest.raises(error):
        post(sandbox)


@pytest.mark.parametrize("fault", [faults.hang(60), faults.slow(60), faults.dribble(60)])
def test_what_takes_longer_than_the_time_out_raises_after_it(sandbox: Sandbox, fault: faults.Fault) -> None:
    slept: list[float] = []
    sandbox.faults.next(fault)
    with pytest.raises(httpx.ReadTimeout):
        post(sandbox, slept, timeout=7.0)
    assert sum(slept) == 7.0


def test_what_takes_less_arrives_late(sandbox: Sandbox) -> None:
    slept: list[float] = []
    sandbox.faults.next(faults.slow(3.0), faults.dribble(0.5))
    assert len(post(sandbox, slept).json()["batches"]) == 3
    assert sum(slept) == 3.0
    assert len(post(sandbox, slept).json()["batches"]) == 3
    assert sum(slept) == 8.0


def test_a_hang_that_ends_before_the_time_out_is_a_dropped_connection(sandbox: Sandbox) -> None:
    sandbox.faults.next(faults.hang(2))
    with pytest.raises(httpx.RemoteProtocolError):
        post(sandbox)
