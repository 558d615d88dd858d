"""Each fault by name, and when it befalls."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from etl.sandbox import Response, Sandbox, SandboxOptions, Wire, faults
from etl.sandbox.faults import KINDS, QUICK_KINDS

from support.sandbox import ask, ask_list


def sandbox_of(**options: object) -> Sandbox:
    chosen = SandboxOptions(batches=10, **options)  # type: ignore[arg-type]
    return Sandbox(chosen, now=lambda: datetime(2026, 3, 13, tzinfo=UTC))


def befallen(kind: str) -> Response:
    sandbox = sandbox_of()
    sandbox.faults.next(kind)
    return ask(sandbox, action="list")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("internal_error", 500),
        ("documented_error", 500),
        ("internal_error_html", 500),
        ("bad_gateway", 502),
        ("unavailable", 503),
        ("unauthorized", 401),
        ("request_timeout", 408),
        ("too_early", 425),
        ("rate_limited", 429),
        ("error_in_200", 200),
        ("html_in_200", 200),
        ("empty_list", 200),
        ("redirect", 307),
    ],
)
def test_a_fault_answers_its_status(kind: str, status: int) -> None:
    assert befallen(kind).status == status


@pytest.mark.parametrize("kind", ["internal_error_html", "bad_gateway", "unavailable", "html_in_200"])
def test_a_proxy_answers_html(kind: str) -> None:
    response = befallen(kind)
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.body.startswith(b"<html>")


def test_errors_come_as_text_and_as_documented() -> None:
    assert json.loads(befallen("internal_error").body) == {"error": "Internal server error"}
    assert json.loads(befallen("documented_error").body)["error"].keys() == {"message", "code"}
    assert isinstance(json.loads(befallen("error_in_200").body)["error"], str)


def test_an_empty_list_may_be_false() -> None:
    assert befallen("empty_list").body == b'{"batches":[]}'


def test_json_may_end_in_the_middle_of_an_answer_that_is_whole_to_http() -> None:
    response = befallen("cut_json")
    assert response.wire is Wire.WHOLE
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.body)


def test_a_body_may_be_cut_short_of_what_was_announced() -> None:
    response = befallen("cut_body")
    assert json.loads(response.body)["batches"]
    assert len(b"".join(response.pieces())) < len(response.body)


def test_a_dribble_is_the_true_answer_in_pieces() -> None:
    response = befallen("dribble")
    assert len(response.pieces()) == 10
    assert b"".join(response.pieces()) == ask(sandbox_of(), action="list").body


def test_a_huge_answer_is_the_same_json() -> None:
    response = faults.huge(1)(ask(sandbox_of(), action="list"))
    assert len(response.body) > 1 << 20
    assert len(json.loads(response.body)["batches"]) == 10


def test_connections_break_and_hang_and_answers_come_late() -> None:
    assert befallen("reset").wire is Wire.RESET
    assert befallen("drop").wire is Wire.DROP
    hung = faults.hang(9)(Response(200, b""))
    assert (hung.wire, hung.delay_seconds) == (Wire.DROP, 9)
    late = sandbox_of(latency_seconds=0.5)
    late.faults.next(faults.slow(2.0))
    assert ask(late, action="list").delay_seconds == 2.5
    assert ask(late, action="list").delay_seconds == 0.5


def test_a_wrong_content_type_and_a_redirect_are_headers() -> None:
    assert befallen("wrong_content_type").headers["Content-Type"] == "text/plain"
    assert befallen("redirect").headers["Location"] == "/functions/v2/batch-calls"


def test_a_fault_may_be_any_answer() -> None:
    sandbox = sandbox_of()
    sandbox.faults.next(faults.answer(418, b"{}", Retry_After="3"))
    response = ask(sandbox, action="list")
    assert (response.status, response.headers["Retry-After"]) == (418, "3")


def statuses(sandbox: Sandbox, count: int) -> list[int]:
    return [ask(sandbox, action="list").status for _ in range(count)]


def test_faults_befall_the_requests_they_are_planned_for() -> None:
    sandbox = sandbox_of()
    sandbox.faults.at(2, "bad_gateway", "unavailable")
    assert statuses(sandbox, 4) == [200, 502, 503, 200]
    sandbox.faults.next("internal_error")
    assert statuses(sandbox, 2) == [500, 200]


def test_a_script_sees_the_request_and_its_number() -> None:
    sandbox = sandbox_of()
    sandbox.faults.script = lambda number, request: (
        "bad_gateway" if number > 1 and b"list" in request.body else None
    )
    assert statuses(sandbox, 3) == [200, 502, 502]
    sandbox.faults.clear()
    assert statuses(sandbox, 1) == [200]


def test_chance_repeats_with_its_seed_and_keeps_its_rate() -> None:
    def draw(seed: int) -> list[int]:
        return statuses(sandbox_of(seed=seed, fault_rate=0.3, fault_kinds=("bad_gateway",)), 400)

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert 80 < draw(1).count(502) < 160


def test_chance_draws_every_kind_it_may_draw() -> None:
    sandbox = sandbox_of(fault_rate=1.0)
    seen = {
        (response.status, response.wire, response.body[:15])
        for response in (ask(sandbox, action="list") for _ in range(300))
    }
    assert len(seen) >= 13
    assert all(KINDS[kind](Response(200, b"{}")).delay_seconds == 0 for kind in QUICK_KINDS)


def test_a_name_that_is_no_fault_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="fault is 'flood': expected one of bad_gateway, "):
        sandbox_of().faults.next("flood")


def test_who_has_no_key_gets_a_plain_401_whatever_goes_wrong() -> None:
    sandbox = sandbox_of(fault_rate=1.0, fault_kinds=("empty_list",))
    assert ask(sandbox, key="wrong", action="list").body == b'{"error":"Unauthorized"}'


def test_a_fault_changes_nothing_of_the_truth() -> None:
    sandbox = sandbox_of()
    sandbox.faults.next(*KINDS)
    for _ in KINDS:
        ask(sandbox, action="list")
    assert len(ask_list(sandbox)) == 10
