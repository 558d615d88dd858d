from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from etl.sandbox import QuotaOptions, QuotaWindow, Sandbox, SandboxOptions

from support.sandbox import ask

START = datetime(2026, 3, 13, 12, tzinfo=UTC)


class Metered:
    """A sandbox with a small quota, and its clock."""

    def __init__(self, *windows: tuple[int, float], **options: object) -> None:
        self.moment = START
        quota = QuotaOptions(
            windows=tuple(QuotaWindow(requests=requests, seconds=seconds) for requests, seconds in windows),
            **options,  # type: ignore[arg-type]
        )
        chosen = SandboxOptions(batches=3, quota=quota, accounts=("one", "two"))
        self.sandbox = Sandbox(chosen, now=lambda: self.moment)

    def status(self, account: str = "one") -> int:
        return ask(self.sandbox, key=self.sandbox.key_of[account], action="list").status

    def headers(self) -> dict[str, str]:
        return dict(ask(self.sandbox, action="list").headers)

    def after(self, seconds: float) -> Metered:
        self.moment += timedelta(seconds=seconds)
        return self


def test_the_default_is_what_the_vendor_documents() -> None:
    assert [(window.requests, window.seconds) for window in QuotaOptions().windows] == [
        (100, 60),
        (1000, 3600),
    ]


def test_the_request_over_the_limit_is_refused_until_the_window_ends() -> None:
    metered = Metered((2, 6))
    assert [metered.status() for _ in range(3)] == [200, 200, 429]
    assert metered.after(5.9).status() == 429
    assert metered.after(0.1).status() == 200


def test_every_window_must_have_room() -> None:
    metered = Metered((2, 6), (3, 60))
    assert [metered.status() for _ in range(3)] == [200, 200, 429]
    assert [metered.after(6).status() for _ in range(2)] == [200, 429]
    assert metered.after(48).status() == 200


def test_refused_requests_are_not_counted() -> None:
    metered = Metered((1, 6), (2, 60))
    for _ in range(5):
        metered.status()
    assert metered.after(6).status() == 200


def test_accounts_have_quotas_of_their_own() -> None:
    metered = Metered((1, 6))
    assert [metered.status("one"), metered.status("one"), metered.status("two")] == [200, 429, 200]


def test_a_fixed_window_lets_twice_its_number_pass_at_its_border_and_a_sliding_one_does_not() -> None:
    passed = {}
    for kind in ("fixed", "sliding"):
        metered = Metered((4, 10), kind=kind)
        metered.status()
        metered.after(9)
        burst = [metered.status() for _ in range(3)]
        metered.after(1)
        passed[kind] = (burst + [metered.status() for _ in range(4)]).count(200)
    assert passed == {"fixed": 7, "sliding": 4}


def test_the_headers_tell_of_the_window_with_the_fewest_requests_left() -> None:
    metered = Metered((5, 6), (4, 60))
    reset = str(int(START.timestamp()) + 60)
    assert metered.headers() | {"Content-Type": ""} == {
        "Content-Type": "",
        "X-RateLimit-Limit": "4",
        "X-RateLimit-Remaining": "3",
        "X-RateLimit-Reset": reset,
    }


def test_a_reset_may_be_told_as_a_delay() -> None:
    assert Metered((5, 6), reset_as="delay").headers()["X-RateLimit-Reset"] == "6"


def test_retry_after_is_told_in_seconds_or_as_a_date_or_not_at_all() -> None:
    metered = Metered((1, 6), retry_after="seconds")
    metered.status()
    assert metered.after(2.5).headers()["Retry-After"] == "4"
    metered = Metered((1, 6), retry_after="date")
    metered.status()
    assert parsedate_to_datetime(metered.headers()["Retry-After"]) == START + timedelta(seconds=6)
    metered = Metered((1, 6))
    metered.status()
    assert "Retry-After" not in metered.headers()


def test_an_answer_that_is_not_refused_has_no_retry_after() -> None:
    assert "Retry-After" not in Metered((5, 6), retry_after="seconds").headers()


@pytest.mark.parametrize("kind", ["fixed", "sliding"])
def test_a_refusal_tells_when_there_is_room_again(kind: str) -> None:
    metered = Metered((2, 6), kind=kind)
    for _ in range(2):
        metered.status()
        metered.after(1)
    headers = metered.headers()
    assert headers["X-RateLimit-Remaining"] == "0"
    wait = int(headers["X-RateLimit-Reset"]) - metered.moment.timestamp()
    assert wait == 4
    assert metered.after(wait).status() == 200


def test_nothing_is_told_without_a_quota() -> None:
    sandbox = Sandbox(SandboxOptions(batches=3), now=lambda: START)
    assert list(ask(sandbox, action="list").headers) == ["Content-Type"]


def test_a_quota_without_windows_refuses_nobody() -> None:
    assert list(Metered().headers()) == ["Content-Type"]


def test_who_has_no_key_uses_up_nothing() -> None:
    metered = Metered((1, 6))
    assert ask(metered.sandbox, key="wrong", action="list").status == 401
    assert metered.status() == 200
