"""The sandbox over a real socket: what a response says of its way is what happens to the connection."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import httpx
import pytest

from etl.errors import SettingsError
from etl.sandbox import Sandbox, SandboxOptions, SandboxServer, World, faults, serve

LIST = {"action": "list", "limit": 20}


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with serve(SandboxOptions(batches=100)) as server:
        yield server


@pytest.fixture
def client(server: SandboxServer) -> Iterator[httpx.Client]:
    with client_of(server) as client:
        yield client


def client_of(server: SandboxServer, timeout: float = 20.0) -> httpx.Client:
    headers = {"Authorization": f"Bearer {server.key}"}
    return httpx.Client(base_url=server.base_url, headers=headers, timeout=timeout)


def request_of(server: SandboxServer, **params: object) -> bytes:
    """A request as bytes, for who wants to see the connection itself."""
    body = json.dumps({**LIST, **params}).encode()
    head = (
        "POST /functions/v1/batch-calls HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {server.key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def test_a_page_arrives_as_it_was_answered(server: SandboxServer, client: httpx.Client) -> None:
    response = client.post("/batch-calls", json=LIST)
    assert response.status_code == 200
    assert response.http_version == "HTTP/1.1"
    assert response.headers["Content-Type"] == "application/json"
    truth = {batch.id: batch.name for batch in server.sandbox.account.listed()}
    rows = response.json()["batches"]
    assert len(rows) == 20
    assert all(truth[row["id"]] == row["name"] for row in rows)


def test_it_listens_on_the_loopback_interface_alone(server: SandboxServer) -> None:
    assert server.base_url == f"http://127.0.0.1:{server.port}/functions/v1"


def test_a_connection_serves_many_requests(server: SandboxServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        stream = connection.makefile("rb")
        for _ in range(3):
            connection.sendall(request_of(server, limit=0))
            head = b"".join(iter(stream.readline, b"\r\n"))
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nContent-Length: 14\r\n" in head
            assert stream.read(14) == b'{"batches":[]}'
        stream.close()


def test_requests_are_answered_side_by_side(server: SandboxServer) -> None:
    with client_of(server) as client, ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: client.post("/batch-calls", json=LIST).content, range(64)))
    assert len(set(pages)) == 1
    assert server.sandbox.requests == 64


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_every_method_is_answered(client: httpx.Client, method: str) -> None:
    assert client.request(method, "/batch-calls").status_code == 500


def test_a_wrong_key_is_refused(server: SandboxServer) -> None:
    response = httpx.post(f"{server.base_url}/batch-calls", json=LIST, headers={"Authorization": "Bearer x"})
    assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset", httpx.ReadError),
        ("drop", httpx.RemoteProtocolError),
        ("cut_body", httpx.RemoteProtocolError),
        (faults.hang(0.05), httpx.RemoteProtocolError),
    ],
)
def test_a_broken_connection_is_what_httpx_says_it_is(
    server: SandboxServer, client: httpx.Client, fault: str | faults.Fault, error: type[Exception]
) -> None:
    assert client.post("/batch-calls", json=LIST).status_code == 200
    server.sandbox.faults.next(fault)
    with pytest.raises(error):
        client.post("/batch-calls", json=LIST)
    assert client.post("/batch-calls", json=LIST).status_code == 200


def test_a_reset_is_seen_by_the_socket(server: SandboxServer) -> None:
    server.sandbox.faults.next("reset")
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(request_of(server))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_hang_lasts_until_the_clients_time_out(server: SandboxServer) -> None:
    server.sandbox.faults.next("hang")
    with client_of(server, timeout=0.1) as client, pytest.raises(httpx.ReadTimeout):
        client.post("/batch-calls", json=LIST)


def test_a_late_and_a_dribbled_answer_arrive_whole(server: SandboxServer, client: httpx.Client) -> None:
    expected = client.post("/batch-calls", json=LIST).content
    server.sandbox.faults.next(faults.slow(0.02), faults.dribble(0.005), faults.huge(2))
    assert client.post("/batch-calls", json=LIST).content == expected
    assert client.post("/batch-calls", json=LIST).content == expected
    assert client.post("/batch-calls", json=LIST).content.rstrip() == expected


def test_each_fault_by_name_leaves_the_server_up(server: SandboxServer, client: httpx.Client) -> None:
    for kind in faults.QUICK_KINDS:
        server.sandbox.faults.next(kind)
        with suppress(httpx.TransportError):
            client.post("/batch-calls", json=LIST)
    assert client.post("/batch-calls", json=LIST).status_code == 200


def test_a_living_world_changes_while_it_is_served() -> None:
    with serve(SandboxOptions(batches=50, live=True, speed=500_000)) as server, client_of(server) as client:
        changed = threading.Event()
        first = client.post("/batch-calls", json=LIST).content
        while client.post("/batch-calls", json=LIST).content == first:
            changed.wait(0.05)


def test_a_sandbox_that_was_prepared_can_be_served() -> None:
    sandbox = Sandbox(SandboxOptions(batches=0), now=lambda: datetime(2026, 3, 13, tzinfo=UTC))
    batch = sandbox.account.create(name="Prepared")
    with serve(sandbox=sandbox) as server, client_of(server) as client:
        rows = client.post("/batch-calls", json=LIST).json()["batches"]
    assert [row["id"] for row in rows] == [batch.id]


def test_stopping_waits_neither_for_idle_connections_nor_for_hanging_ones() -> None:
    threads = set(threading.enumerate())
    with ExitStack() as connections:
        with serve(SandboxOptions(batches=5)) as server:
            idle, hanging = (
                connections.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
                for _ in range(2)
            )
            received = threading.Event()
            server.sandbox.before = lambda number, world: received.set()
            server.sandbox.faults.next(faults.hang(3600))
            hanging.sendall(request_of(server))
            assert received.wait(20)
        assert set(threading.enumerate()) <= threads  # those of tests before may have ended meanwhile
        assert (idle.recv(1), hanging.recv(1)) == (b"", b"")


def test_a_client_that_goes_away_is_no_error(server: SandboxServer, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            server.sandbox.faults.next(faults.huge(8))
            connection.sendall(request_of(server))
            connection.recv(1)
    with client_of(server) as client:
        assert client.post("/batch-calls", json=LIST).status_code == 200
    assert "sandbox.failed" not in caplog.text


def test_a_bug_in_a_hook_is_told_and_costs_one_connection(
    server: SandboxServer, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    def before(number: int, world: World) -> None:
        if number == 1:
            raise KeyError("a batch that is not there")

    server.sandbox.before = before
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/batch-calls", json=LIST)
    assert client.post("/batch-calls", json=LIST).status_code == 200
    assert "sandbox.failed" in caplog.text
    assert server.key not in caplog.text


def test_a_port_that_is_taken_is_a_fault_of_the_settings(server: SandboxServer) -> None:
    taken = serve(SandboxOptions(batches=1, port=server.port))
    told = f"port is {server.port}: .*expected a free one, or 0"
    with pytest.raises(SettingsError, match=told), taken:
        pass


def test_keys_of_all_accounts_are_told() -> None:
    with serve(SandboxOptions(batches=1, accounts=("acme", "umbrella"))) as server:
        assert list(server.keys) == ["acme", "umbrella"]
        assert server.key == server.keys["acme"]
