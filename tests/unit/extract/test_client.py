from __future__ import annotations

import ssl
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from etl.errors import (
    KeyRefusedError,
    PermanentSourceError,
    RateLimitedError,
    SourceError,
    StoppedError,
    TransientSourceError,
)
from etl.extract.answers import Answer
from etl.extract.budget import Budget, Request, Unlimited
from etl.extract.client import Client
from etl.extract.page import Page
from etl.extract.walk import Read
from etl.model import Traffic
from etl.settings import Settings

from support.clocks import START, FakeClock
from support.scripted import PAGE, Reply, ScriptedSource

KEY = "mgp_" + "0123456789" * 4
READ = Read(offset=40, limit=20)
OK = Reply()


class NotedBudget:
    """Lets every request pass after so many seconds, and notes what its answer said."""

    def __init__(self, waits: float) -> None:
        self.requests: list[Request] = []
        self.closed = False
        self.clock = FakeClock()
        self._waits = waits

    @contextmanager
    def request(self) -> Iterator[Request]:
        self.clock.pass_time(self._waits)
        self.requests.append(Request(waited_seconds=self._waits))
        yield self.requests[-1]

    def close(self) -> None:
        self.closed = True


class Bench:
    """A client between a scripted source and a clock that tests turn."""

    def __init__(self, *script: Reply | Exception, budget: Budget | None = None, **settings: Any) -> None:
        self.clock = FakeClock()
        self.source = ScriptedSource(*script)
        self.traffic = Traffic()
        given = Settings(api_key=KEY, base_url="https://api.example/functions/v1", **settings)
        self.client = Client(
            given.accounts[0],
            given,
            clock=self.clock,
            budget=budget or Unlimited(),
            traffic=self.traffic,
            transport=self.source,
        )

    def fetch(self, read: Read = READ) -> Page:
        return self.client.fetch(read)

    def fail(self) -> SourceError:
        with pytest.raises(SourceError) as caught:
            self.fetch()
        return caught.value

    @property
    def asked(self) -> int:
        return len(self.source.requests)


# -- what is sent -----------------------------------------------------------------------------------


def test_a_page_is_asked_for_with_integers_and_no_more_than_is_needed() -> None:
    bench = Bench(OK)
    bench.fetch(Read(offset=40, limit=20))
    bench.fetch(Read(offset=0, limit=1000, status="running"))
    assert [request.content for request in bench.source.requests] == [
        b'{"action":"list","limit":20,"offset":40}',
        b'{"action":"list","limit":1000,"offset":0,"status":"running"}',
    ]


def test_a_request_goes_to_the_documented_address_and_asks_for_plain_json() -> None:
    bench = Bench(OK)
    bench.fetch()
    (request,) = bench.source.requests
    assert (request.method, str(request.url)) == ("POST", "https://api.example/functions/v1/batch-calls")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("magpipe-etl/")


def test_the_key_stands_in_its_header_and_nowhere_else() -> None:
    bench = Bench(OK)
    bench.fetch()
    (request,) = bench.source.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    others = [value for name, value in request.headers.items() if name != "authorization"]
    assert KEY not in f"{request.url} {request.content!r} {others}"


def test_a_page_is_of_the_instant_at_which_it_was_asked_for() -> None:
    bench = Bench()
    bench.source.script = (Reply(pieces=(PAGE[:9], PAGE[9:]), takes=lambda: bench.clock.pass_time(3)),)
    page = bench.fetch()
    assert page.observed_at == START
    assert (page.offset, page.limit, [row.id for row in page.rows]) == (40, 20, ["a"])


def test_a_page_that_is_asked_for_again_is_of_the_later_instant() -> None:
    bench = Bench(Reply(status=503, headers={"Retry-After": "30"}), OK)
    assert bench.fetch().observed_at == START + timedelta(seconds=30)


# -- what is tried again ----------------------------------------------------------------------------

PASSING = [
    Reply(status=500),
    Reply(status=502, pieces=(b"<html>Bad Gateway</html>",)),
    Reply(status=503),
    Reply(status=408),
    Reply(status=425),
    Reply(status=401),
    Reply(status=429),
    Reply(status=204, pieces=()),
    Reply(pieces=()),
    Reply(pieces=(b"<html>Sorry</html>",)),
    Reply(pieces=(PAGE[:-4],)),
    Reply(pieces=(b'{"error":"database is away"}',)),
    Reply(headers={"Content-Encoding": "gzip"}, pieces=(b"\x1f\x8b",)),
    httpx.ConnectError("[Errno 111] Connection refused"),
    httpx.ConnectTimeout("timed out"),
    httpx.ReadTimeout("The read operation timed out"),
    httpx.WriteTimeout("timed out"),
    httpx.ReadError("[Errno 104] Connection reset by peer"),
    httpx.WriteError("[Errno 32] Broken pipe"),
    httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
]


@pytest.mark.parametrize("fault", PASSING, ids=range(len(PASSING)))
def test_a_fault_that_passes_costs_a_retry_and_no_page(fault: Reply | Exception) -> None:
    bench = Bench(fault, OK)
    assert [row.id for row in bench.fetch().rows] == ["a"]
    assert (bench.traffic.requests, bench.traffic.retries) == (2, 1)
    assert bench.source.bodies[0] == bench.source.bodies[1]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 403, 404, 405, 422])
def test_a_refusal_that_stays_is_not_asked_for_again(status: int) -> None:
    bench = Bench(Reply(status=status), OK)
    assert isinstance(bench.fail(), PermanentSourceError)
    assert (bench.asked, bench.traffic.retries, bench.clock.waits) == (1, 0, [])


def test_a_redirect_is_not_followed() -> None:
    bench = Bench(Reply(status=307, headers={"Location": "https://thief.example/"}), OK)
    assert "redirect" in str(bench.fail())
    assert [request.url.host for request in bench.source.requests] == ["api.example"]


def test_a_certificate_that_cannot_be_trusted_is_no_passing_fault() -> None:
    refused = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    refused.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")
    bench = Bench(refused, OK)
    error = bench.fail()
    assert isinstance(error, PermanentSourceError)
    assert "SSL_CERT_FILE" in (error.hint or "")
    assert bench.asked == 1


def caused_by(*causes: BaseException) -> httpx.ConnectError:
    """As httpx raises it: the system's error stands below those of the libraries."""
    error: BaseException = httpx.ConnectError("said of customers")
    first = error
    for cause in causes:
        error.__context__ = cause
        error = cause
    assert isinstance(first, httpx.ConnectError)
    return first


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (caused_by(), "ConnectError"),
        (caused_by(ValueError("said of customers"), OSError("said of customers")), "ConnectError"),
        (caused_by(RuntimeError(), ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
        (caused_by(ssl.SSLError(1, "[SSL] wrong version number")), "[SSL] wrong version number"),
    ],
)
def test_a_failed_connection_is_told_with_what_the_system_said(
    fault: httpx.ConnectError, reason: str
) -> None:
    bench = Bench(fault, max_attempts=1)
    assert str(bench.fail()) == f"the connection to the source failed ({reason})"


def test_the_last_error_is_the_one_that_is_told() -> None:
    bench = Bench(Reply(status=500), httpx.ReadError("reset"), Reply(status=503), max_attempts=3)
    assert str(bench.fail()) == "the source answered 503"


def test_attempts_have_a_limit() -> None:
    bench = Bench(Reply(status=503), max_attempts=4)
    assert isinstance(bench.fail(), TransientSourceError)
    assert (bench.asked, bench.traffic.requests, bench.traffic.retries) == (4, 4, 3)


def test_waits_between_attempts_grow_at_random_up_to_half_a_minute() -> None:
    bench = Bench(httpx.ReadError("reset"), max_attempts=12, max_retry_seconds=10_000)
    bench.fail()
    longest = [min(30.0, 0.5 * 2**attempt) for attempt in range(11)]
    assert len(bench.clock.waits) == 11
    assert all(wait <= most for wait, most in zip(bench.clock.waits, longest, strict=True))
    assert len(set(bench.clock.waits)) == 11


def test_the_time_for_all_attempts_has_a_limit() -> None:
    """30 s before each: the fourth failure comes after 90, and 30 more would be too many."""
    bench = Bench(Reply(status=503, headers={"Retry-After": "30"}), max_retry_seconds=100)
    bench.fail()
    assert bench.asked == 4
    assert bench.clock.waits == [30.0] * 3


def test_a_source_that_wants_a_longer_wait_than_there_is_time_is_not_waited_for() -> None:
    bench = Bench(Reply(status=503, headers={"Retry-After": "301"}), max_retry_seconds=300)
    error = bench.fail()
    assert isinstance(error, TransientSourceError)
    assert error.retry_after_seconds == 301
    assert (bench.asked, bench.clock.waits) == (1, [])


def test_the_source_is_not_asked_sooner_than_it_wants() -> None:
    bench = Bench(Reply(status=503, headers={"Retry-After": "45"}), OK)
    bench.fetch()
    assert bench.clock.waits == [45.0]


# -- keys -------------------------------------------------------------------------------------------


def test_a_key_is_called_bad_after_three_refusals_some_seconds_apart() -> None:
    bench = Bench(Reply(status=401))
    error = bench.fail()
    assert isinstance(error, KeyRefusedError)
    assert bench.asked == 3
    assert all(wait >= 2 for wait in bench.clock.waits)
    assert len(bench.clock.waits) == 2


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_key_that_is_refused_in_passing_is_not_called_bad(refusals: int) -> None:
    bench = Bench(*[Reply(status=401)] * refusals, OK)
    assert bench.fetch().length == 1


def test_other_faults_do_not_count_against_the_key() -> None:
    bench = Bench(Reply(status=503), Reply(status=503), Reply(status=401), Reply(status=401), OK)
    assert bench.fetch().length == 1


def test_a_bad_key_has_no_more_attempts_than_are_set() -> None:
    bench = Bench(Reply(status=401), max_attempts=2)
    bench.fail()
    assert bench.asked == 2


# -- the quota --------------------------------------------------------------------------------------


def noted(*script: Reply | Exception, waits: float = 0.0, **settings: Any) -> tuple[Bench, NotedBudget]:
    budget = NotedBudget(waits)
    bench = Bench(*script, budget=budget, **settings)
    budget.clock = bench.clock
    return bench, budget


def test_every_attempt_asks_the_budget_and_tells_it_what_the_answer_said() -> None:
    told = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "30.5"}
    bench, budget = noted(Reply(status=503), Reply(headers=told))
    bench.fetch()
    first, second = budget.requests
    assert first.limits is not None
    assert first.limits.remaining is None
    assert second.limits is not None
    assert (second.limits.limit, second.limits.remaining) == (100, 7)
    assert second.limits.reset_seconds == pytest.approx(30.5)


def test_an_attempt_without_an_answer_tells_the_budget_nothing() -> None:
    bench, budget = noted(httpx.ReadError("reset"), OK)
    bench.fetch()
    assert budget.requests[0].limits is None
    assert not budget.requests[0].refused


def test_after_a_429_the_budget_alone_says_how_long_to_wait() -> None:
    bench, budget = noted(Reply(status=429, headers={"Retry-After": "40"}), OK)
    bench.fetch()
    assert bench.clock.waits == []
    assert [request.refused for request in budget.requests] == [True, False]
    assert budget.requests[0].limits is not None
    assert budget.requests[0].limits.retry_after_seconds == 40
    assert bench.traffic == Traffic(requests=2, retries=1, rate_limited=1)


def test_a_source_that_refuses_for_ever_is_given_up() -> None:
    bench, _ = noted(Reply(status=429), max_attempts=5)
    assert isinstance(bench.fail(), RateLimitedError)
    assert bench.traffic == Traffic(requests=5, retries=4, rate_limited=5)


def test_waits_for_the_quota_are_not_taken_from_the_time_for_attempts() -> None:
    faults = [Reply(status=503)] * 3
    bench, _ = noted(*faults, OK, waits=3600, max_retry_seconds=60)
    assert bench.fetch().length == 1
    assert bench.asked == 4


# -- bodies -----------------------------------------------------------------------------------------


def test_a_body_comes_in_as_many_pieces_as_it_likes() -> None:
    pieces = [PAGE[at : at + 1] for at in range(len(PAGE))]
    assert [row.id for row in Bench(Reply(pieces=pieces)).fetch().rows] == ["a"]


def test_a_body_beyond_the_limit_is_not_read_to_its_end() -> None:
    bench = Bench(Reply(pieces=[b" " * 2**18] * 100), max_body_mib=1)
    error = bench.fail()
    assert isinstance(error, PermanentSourceError)
    assert str(error) == "the source sent more than 1 MiB in one answer"
    assert bench.source.pieces_sent == 5


def test_a_body_as_large_as_the_limit_is_read() -> None:
    padding = b" " * (2**20 - len(PAGE))
    assert Bench(Reply(pieces=(padding, PAGE)), max_body_mib=1).fetch().length == 1


def test_a_body_that_dribbles_is_given_up_and_asked_for_again() -> None:
    bench = Bench(max_attempts=2, timeout_seconds=30)
    dribble = Reply(pieces=[b" "] * 1000, takes=lambda: bench.clock.pass_time(29))
    bench.source.script = (dribble,)
    assert str(bench.fail()) == "the source sends its answer too slowly"
    assert bench.asked == 2
    assert bench.source.pieces_sent == 2 * 5


@pytest.mark.parametrize("encoding", ["gzip", "br", "x" * 5000])
def test_an_encoding_that_was_not_asked_for_is_refused_unread(encoding: str) -> None:
    bench = Bench(Reply(headers={"Content-Encoding": encoding}), max_attempts=1)
    assert str(bench.fail()) == (
        f"the source sent a body encoded as {encoding[:20]!r}, which was not asked for"
    )
    assert bench.source.pieces_sent == 0


# -- stopping ---------------------------------------------------------------------------------------


def test_a_process_that_is_asked_to_stop_sends_nothing() -> None:
    bench = Bench(OK)
    bench.clock.stopped = True
    with pytest.raises(StoppedError):
        bench.fetch()
    assert bench.asked == 0


def test_a_process_that_is_asked_to_stop_does_not_wait_for_another_attempt() -> None:
    bench = Bench()

    def stop() -> None:
        bench.clock.stopped = True

    bench.source.script = (Reply(status=503, takes=stop),)
    with pytest.raises(StoppedError):
        bench.fetch()
    assert bench.asked == 1


def test_a_closed_client_sends_nothing_and_closes_its_budget() -> None:
    bench, budget = noted(OK)
    bench.client.close()
    with pytest.raises(StoppedError, match="the walk is over"):
        bench.fetch()
    assert (bench.asked, bench.traffic.requests) == (0, 0)
    assert budget.closed


def test_a_page_fetched_in_vain_is_not_tried_again() -> None:
    bench = Bench()
    bench.source.script = (Reply(status=503, takes=bench.client.close),)
    with pytest.raises(StoppedError):
        bench.fetch()
    assert bench.asked == 1


def test_several_threads_share_a_client_and_every_request_is_counted() -> None:
    bench = Bench(OK)
    reads = [Read(offset=offset, limit=20) for offset in range(80)]
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(bench.fetch, reads))
    assert [page.offset for page in pages] == list(range(80))
    assert bench.traffic == Traffic(requests=80)


def test_threads_that_fail_at_once_count_each_retry() -> None:
    bench = Bench(Reply(status=503), max_attempts=3)
    began = threading.Barrier(8)

    def fetch(_: int) -> int:
        began.wait()
        bench.fail()
        return 1

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(fetch, range(8))) == 8
    assert bench.traffic == Traffic(requests=24, retries=16)


# -- secrets ----------------------------------------------------------------------------------------

TELLTALES = [
    *PASSING,
    Reply(status=400, pieces=(b'{"error":"bad header: Bearer %b"}' % KEY.encode(),)),
    Reply(status=401, pieces=(b'{"error":"no such key: %b"}' % KEY.encode(),)),
    Reply(status=307, headers={"Location": f"https://thief.example/{KEY}"}),
    Reply(pieces=(KEY.encode(),)),
    httpx.LocalProtocolError(f"Illegal header value b'Bearer {KEY}'"),
    httpx.ReadError(f"while sending {KEY}"),
    Reply(pieces=[b" " * 2**20] * 2),
]


def everything_told(error: SourceError) -> str:
    """What a log or a report could show of an error and of those that it came from."""
    formatted = traceback.TracebackException.from_exception(error).format()
    return f"{error!r} {error.hint} {error.__cause__!r} {''.join(formatted)}"


@pytest.mark.parametrize("fault", TELLTALES, ids=range(len(TELLTALES)))
def test_no_error_and_no_traceback_shows_the_key(fault: Reply | Exception) -> None:
    assert KEY[4:] not in everything_told(Bench(fault, max_attempts=2, max_body_mib=1).fail())


def test_neither_a_client_nor_an_answer_shows_what_it_holds() -> None:
    answer = Answer(status=200, headers={"location": KEY}, body=KEY.encode())
    assert KEY[4:] not in f"{Bench(OK).client!r} {answer!r}"
