"""Whatever bytes come over a real connection: nobody waits for ever, memory stays small, no row is lost."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from etl.clock import SystemClock
from etl.errors import PermanentSourceError, SettingsError, SourceError, TransientSourceError
from etl.extract.budget import Unlimited
from etl.extract.client import Client
from etl.extract.walk import Read
from etl.migrate import migrate
from etl.model import RunStatus, Traffic
from etl.sandbox import SandboxOptions
from etl.settings import Settings

from support.databases import API_KEY, Database, fresh_sqlite
from support.pipeline import Pipeline, changes
from support.wire import HEAD, RESET, Line, Manner, hostile_line, whole

LIMIT_MIB = 1
SOON_SECONDS = 0.1  # where nothing but the time-out ends it, or whatever ends it is told alike
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
BODY = b'{"batches":[]}'


def fail(line: Line, *, base_url: str | None = None, timeout_seconds: float = 30) -> SourceError:
    """What a client with one attempt says of the line."""
    settings = Settings(
        api_key=API_KEY,
        base_url=base_url or line.base_url,
        timeout_seconds=timeout_seconds,
        max_attempts=1,
        max_body_mib=LIMIT_MIB,
    )
    (account,) = settings.accounts
    client = Client(account, settings, clock=SystemClock(), budget=Unlimited(), traffic=Traffic())
    try:
        with pytest.raises(SourceError) as caught:
            client.fetch(Read(offset=0, limit=10))
        return caught.value
    finally:
        client.close()


def after(head: bytes, piece: bytes) -> Manner:
    """`head`, and then the same piece again and again, a little at a time."""

    def drip(line: Line, connection: socket.socket, answer: bytes) -> None:
        line.send(connection, head)
        line.drip(connection, piece)

    return drip


def poured(head: bytes, piece: bytes, mebibytes: int = 256) -> Manner:
    """`head`, and then the same piece as fast as it is taken."""

    def pour(line: Line, connection: socket.socket, answer: bytes) -> None:
        line.send(connection, head)
        line.pour(connection, piece, mebibytes)

    return pour


def said(raw: bytes) -> Manner:
    """These bytes, and the end of the connection."""

    def say(line: Line, connection: socket.socket, answer: bytes) -> None:
        line.send(connection, raw)
        connection.shutdown(socket.SHUT_RDWR)

    return say


# -- what never ends ---------------------------------------------------------------------------------

ENDLESS = {
    "silence": after(b"", b""),
    "status line": after(b"", b"H"),
    "header": after(HEAD, b"X"),
    "headers": after(HEAD, b"X-More: 1\r\n"),
    "interim answers": after(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body": after(HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "body without a length": after(HEAD + b"Connection: close\r\n\r\n", b" "),
    "chunks": after(HEAD + CHUNKED, b"1\r\n \r\n"),
    "chunk's extension": after(HEAD + CHUNKED + b"5;", b"x"),
    "trailer": after(HEAD + CHUNKED + b"0\r\n", b"x"),
}


@pytest.mark.parametrize("manner", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_that_never_ends_is_given_up(manner: Manner) -> None:
    with hostile_line(manner) as line:
        error = fail(line, timeout_seconds=SOON_SECONDS)
        assert not line.outlasted
    assert isinstance(error, TransientSourceError)
    assert "too slowly" in str(error) or "no answer within" in str(error)


# -- what is too much --------------------------------------------------------------------------------


@contextmanager
def most_memory_mib() -> Iterator[Callable[[], float]]:
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


BOMB = gzip.compress(b" " * 2**24, mtime=0)
TOO_MUCH = {
    "body": poured(HEAD + b"Connection: close\r\n\r\n", b" " * 2**16),
    "body of a gigantic length": poured(HEAD + b"Content-Length: 1099511627776\r\n\r\n", b" " * 2**16),
    "chunks": poured(HEAD + CHUNKED, b"ffff\r\n" + b" " * 0xFFFF + b"\r\n"),
    "one gigantic chunk": poured(HEAD + CHUNKED + b"ffffffffff\r\n", b" " * 2**16),
    "error's body": poured(b"HTTP/1.1 500 X\r\n\r\n", b" " * 2**16),
}
TOO_LONG = {
    "header": poured(HEAD + b"X-Long: ", b"x" * 2**16),
    "headers": poured(HEAD, b"X-More: 1\r\n" * 2**12),
    "interim answers": poured(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2**8),
    "status line": poured(b"HTTP/1.1 200 ", b"x" * 2**16),
    "chunk's extension": poured(HEAD + CHUNKED + b"5;", b"x" * 2**16),
    "trailers": poured(HEAD + CHUNKED + b"0\r\n", b"X-More: 1\r\n" * 2**12),
    "gzip bomb": poured(HEAD + b"Content-Encoding: gzip\r\n\r\n", BOMB),
    "gzip bomb of a length": said(
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB
    ),
    "brotli": poured(HEAD + b"Content-Encoding: br, gzip\r\n\r\n", b"\0" * 2**16),
}


@pytest.mark.parametrize("manner", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_gigantic_body_is_let_go_at_the_limit(manner: Manner) -> None:
    with hostile_line(manner) as line, most_memory_mib() as most:
        error = fail(line)
        assert most() < 4 * LIMIT_MIB
        assert not line.outlasted
    assert isinstance(error, PermanentSourceError)
    assert str(error) == "the source sent more than 1 MiB in one answer"


@pytest.mark.parametrize("manner", TOO_LONG.values(), ids=TOO_LONG)
def test_what_is_gigantic_but_for_the_body_is_let_go_as_well(manner: Manner) -> None:
    with hostile_line(manner) as line, most_memory_mib() as most:
        error = fail(line, timeout_seconds=SOON_SECONDS)
        assert most() < 4 * LIMIT_MIB
        assert not line.outlasted
    assert isinstance(error, TransientSourceError)


# -- what is wrong -----------------------------------------------------------------------------------


def counted(length: bytes, body: bytes = BODY) -> Manner:
    return said(HEAD + b"Content-Length: " + length + b"\r\n\r\n" + body)


WRONG = {
    "no answer": said(b""),
    "too short a length": counted(b"5"),
    "too long a length": counted(b"500"),
    "two lengths": counted(b"14\r\nContent-Length: 15"),
    "a negative length": counted(b"-14"),
    "a length of 400 digits": counted(b"9" * 400),
    "a length in words": counted(b"fourteen"),
    "a chunk of no size": said(HEAD + CHUNKED + b"ZZ\r\n" + BODY),
    "an unknown transfer encoding": said(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + BODY),
    "a content encoding in odd bytes": said(HEAD + b"Content-Encoding: \xff\xfe\r\n\r\n" + BODY),
    "utf-16": said(HEAD + b"\r\n" + BODY.decode().encode("utf-16")),
    "latin-1 html": said(HEAD + b"\r\n<html>\xe4</html>"),
    "http/0.9": said(BODY),
    "another protocol": said(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "random bytes": said(bytes(range(256)) * 8),
    "another protocol's upgrade": said(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    "a status beyond all": said(b"HTTP/1.1 999 X\r\n\r\n"),
    "a status of zero": said(b"HTTP/1.1 000 X\r\n\r\n"),
}


@pytest.mark.parametrize("manner", WRONG.values(), ids=WRONG)
def test_an_answer_that_is_no_http_is_a_fault_that_passes(manner: Manner) -> None:
    with hostile_line(manner) as line:
        assert isinstance(fail(line), TransientSourceError)


ODD_LOCATIONS = [b"javascript:x", b"http://xn--/", b"http://[::1", b"//[", b"http://a:99999999/", b"\xff\x01"]


@pytest.mark.parametrize("location", ODD_LOCATIONS)
def test_a_redirect_to_no_address_at_all_is_refused_like_any_other(location: bytes) -> None:
    with hostile_line(said(b"HTTP/1.1 302 X\r\nLocation: " + location + b"\r\n\r\n")) as line:
        error = fail(line)
    assert isinstance(error, PermanentSourceError)
    assert "a redirect" in str(error)


# -- who is spoken to --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tls") / "pair.pem"
    made = subprocess.run(
        [
            *"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=elsewhere.example".split(),
            *("-keyout", str(file.with_suffix(".key")), "-out", str(file)),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip("no openssl to make a certificate with")
    return file


def test_a_certificate_that_nobody_vouches_for_ends_the_attempt_before_the_key_is_sent(
    self_signed: Path,
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed, self_signed.with_suffix(".key"))
    with hostile_line(tls=tls) as line:
        error = fail(line)
        assert line.requests == 0
    assert isinstance(error, PermanentSourceError)
    assert "certificate cannot be trusted" in str(error)
    assert "SSL_CERT_FILE" in str(error.hint)


def test_a_server_that_speaks_no_tls_is_a_fault_that_passes() -> None:
    with hostile_line() as line:
        base_url = line.base_url.replace("http:", "https:")
        error = fail(line, base_url=base_url, timeout_seconds=SOON_SECONDS)
        assert line.requests == 0
    assert isinstance(error, TransientSourceError)


@pytest.mark.parametrize("proxy", ["foo://user:pa55word@h", "http://[::1", "socks5://user:pa55word@h:1"])
def test_a_proxy_that_cannot_be_used_is_a_fault_of_the_settings(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with hostile_line() as line, pytest.raises(SettingsError, match="HTTPS_PROXY") as caught:
        fail(line, base_url="https://source.example/v1")
    assert "pa55word" not in f"{caught.value} {caught.value.hint}"


def test_certificates_that_cannot_be_read_are_a_fault_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    with hostile_line() as line, pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        fail(line, base_url="https://source.example/v1")


# -- the whole way -----------------------------------------------------------------------------------


def cut(share: float) -> Manner:
    """The connection ends after that share of the answer."""

    def send(line: Line, connection: socket.socket, answer: bytes) -> None:
        line.send(connection, answer[: int(len(answer) * share)])
        connection.shutdown(socket.SHUT_RDWR)

    return send


def reset(line: Line, connection: socket.socket, answer: bytes) -> None:
    line.send(connection, answer[: len(answer) // 2])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    raise ConnectionResetError


def in_pieces(line: Line, connection: socket.socket, answer: bytes) -> None:
    """The head a byte at a time, and the rest in pieces of odd sizes."""
    head = answer.index(b"\r\n\r\n") + 4
    for at in range(head):
        line.send(connection, answer[at : at + 1])
    for at in range(head, len(answer), 777):
        line.send(connection, answer[at : at + 777])


def twice(line: Line, connection: socket.socket, answer: bytes) -> None:
    """The answer, and once more in the place of the next one."""
    line.send(connection, answer * 2)


PASSING = {"cut": cut(0.9), "cut in the head": cut(0.005), "reset": reset, **WRONG}
HARMLESS = {"in pieces": in_pieces, "twice": twice}


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """What the wire does is nothing to the database: one of them is enough."""
    with fresh_sqlite(tmp_path) as database:
        migrate(database.engine, database.settings)
        yield database


def sync_over(line: Line, database: Database, manner: Manner, *, at: Callable[[int], bool]) -> None:
    def sometimes(line: Line, connection: socket.socket, answer: bytes) -> None:
        (manner if at(line.requests) else whole)(line, connection, answer)

    line.manner = sometimes
    pipeline = Pipeline(
        database, SandboxOptions(batches=60, cap=10, tie_groups=2), base_url=line.base_url, fetch_ahead=1
    )
    line.sandbox = pipeline.sandbox
    summary = pipeline.sync(transport=None)
    assert (summary.status, summary.error, changes(summary)) == (RunStatus.SUCCEEDED, None, {"inserted": 60})
    assert pipeline.differences() == []


@pytest.mark.parametrize("manner", PASSING.values(), ids=PASSING)
def test_a_broken_answer_on_the_wire_costs_retries_and_no_row(sqlite: Database, manner: Manner) -> None:
    with hostile_line() as line:
        sync_over(line, sqlite, manner, at=lambda number: number % 5 == 2)


@pytest.mark.parametrize("manner", HARMLESS.values(), ids=HARMLESS)
def test_an_answer_that_is_right_in_the_end_costs_nothing(sqlite: Database, manner: Manner) -> None:
    with hostile_line() as line:
        sync_over(line, sqlite, manner, at=lambda number: True)


LIBRARIES = ("", "httpx", "httpcore", "sqlalchemy.engine", "sqlalchemy.pool", "alembic")


def test_no_library_logs_the_key_at_any_level(sqlite: Database, caplog: pytest.LogCaptureFixture) -> None:
    """A Python caller's own handlers redact nothing."""
    with hostile_line() as line, ExitStack() as levels:
        for name in LIBRARIES:
            levels.enter_context(caplog.at_level(logging.DEBUG, logger=name))
        pipeline = Pipeline(sqlite, SandboxOptions(batches=5, tie_groups=0), base_url=line.base_url)
        line.sandbox = pipeline.sandbox
        pipeline.sync(transport=None)
        pipeline.sandbox.keys.revoke(pipeline.sandbox.key)
        assert pipeline.sync(transport=None).exit_code == 3
    assert {"httpcore.http11", "httpx"} <= {record.name for record in caplog.records}
    assert pipeline.sandbox.key[4:] not in caplog.text
