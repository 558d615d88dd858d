"""Notices sent every way: once each, and again where they were not taken."""

from __future__ import annotations

from itertools import pairwise

import httpx
import pytest

from etl.service.messenger import Messenger
from etl.service.notices import Notice
from etl.service.webhook import Webhook
from etl.state.incidents import News

from support.clocks import START, FakeClock

NOTICE = Notice(news=News.OPENED, kind="failing", account="acme", detail="500", since=START)
URL = "https://hooks.example.com/T0/secret"


class Scripted:
    """A way that takes a notice or not, as it is told."""

    def __init__(self, name: str, *reasons: str | None) -> None:
        self.name = name
        self.taken: list[Notice] = []
        self._reasons = list(reasons)

    def send(self, notice: Notice) -> str | None:
        reason = self._reasons.pop(0) if self._reasons else None
        if reason is None:
            self.taken.append(notice)
        return reason


def test_a_notice_goes_every_way() -> None:
    ways = [Scripted("a"), Scripted("b")]
    assert Messenger(ways, FakeClock()).tell(NOTICE)
    assert [way.taken for way in ways] == [[NOTICE], [NOTICE]]


def test_without_a_way_there_is_nothing_left_to_tell() -> None:
    assert Messenger([], FakeClock()).tell(NOTICE)


def test_what_one_way_did_not_take_is_sent_again_that_way_alone() -> None:
    clock, ways = FakeClock(), [Scripted("a"), Scripted("b", "it answered 500")]
    messenger = Messenger(ways, clock)
    assert not messenger.tell(NOTICE)
    clock.pass_time(60)
    assert messenger.tell(NOTICE)
    assert [way.taken for way in ways] == [[NOTICE], [NOTICE]]


def test_a_receiver_that_is_away_is_asked_ever_more_rarely() -> None:
    clock, way = FakeClock(), Scripted("a", *["no"] * 1000)
    sent: list[float] = []
    messenger = Messenger([way], clock, sent=lambda name, taken: sent.append(clock.monotonic()))
    for _ in range(3600):
        messenger.tell(NOTICE)
        clock.pass_time(1)
    pauses = [later - earlier for earlier, later in pairwise(sent)]
    assert pauses == [30, 60, 120, 240, 480, 600, 600, 600, 600]


def test_the_same_incident_may_be_told_again_when_it_comes_again() -> None:
    way = Scripted("a")
    messenger = Messenger([way], FakeClock())
    assert messenger.tell(NOTICE)
    assert messenger.tell(NOTICE)
    assert way.taken == [NOTICE, NOTICE]


def test_a_webhook_gets_a_text() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    assert Webhook(URL, transport=httpx.MockTransport(answer)).send(NOTICE) is None
    [request] = asked
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.read() == b'{"text":"magpipe-etl: acme: 500"}'


@pytest.mark.parametrize(("status", "reason"), [(302, "it answered 302"), (404, "it answered 404")])
def test_a_webhook_that_does_not_take_it_says_so(status: int, reason: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status))
    assert Webhook(URL, transport=transport).send(NOTICE) == reason


def test_a_proxy_that_is_none_is_told_like_a_webhook_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "carrier-pigeon://roof")
    assert Webhook("https://hooks.example.com/T0").send(NOTICE) == "it could not be reached (ValueError)"


def test_a_webhook_that_cannot_be_reached_is_told_without_its_url() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"no route to {request.url}")

    reason = Webhook(URL, transport=httpx.MockTransport(fail)).send(NOTICE)
    assert reason == "it could not be reached (ConnectError)"
