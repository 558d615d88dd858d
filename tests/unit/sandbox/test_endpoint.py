"""Each line here is a line of what the vendor documents or what its server was seen to answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from etl.sandbox import ErrorShape, Request, Sandbox, SandboxOptions, Shape
from etl.sandbox.endpoint import PATH

from support.sandbox import ask, ask_list

MOMENT = datetime(2026, 3, 13, 10, 30, tzinfo=UTC)
OBSERVED_KEYS = (
    "id user_id name caller_id agent_id status send_now scheduled_at window_start_time window_end_time"
    " window_days max_concurrency reserved_concurrency total_recipients completed_count failed_count"
    " template_id purpose goal created_at updated_at started_at completed_at recurrence_type"
    " recurrence_interval recurrence_end_date recurrence_max_runs recurrence_run_count parent_batch_id"
    " occurrence_number"
).split()


def sandbox_of(batches: int = 120, **options: object) -> Sandbox:
    return Sandbox(SandboxOptions(batches=batches, **options), now=lambda: MOMENT)  # type: ignore[arg-type]


def raw(sandbox: Sandbox, body: bytes, **headers: str) -> tuple[int, bytes]:
    response = sandbox.answer(Request("POST", PATH, headers, body))
    return response.status, response.body


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer ", "Bearer mgp_" + "0" * 40, "{key}", "bearer {key}"]
)
def test_no_key_and_a_wrong_key_and_a_lower_case_bearer_are_unauthorized(authorization: str | None) -> None:
    sandbox = sandbox_of()
    headers = {} if authorization is None else {"authorization": authorization.format(key=sandbox.key)}
    assert raw(sandbox, b'{"action":"list"}', **headers) == (401, b'{"error":"Unauthorized"}')


def test_a_revoked_key_is_unauthorized() -> None:
    sandbox = sandbox_of()
    assert ask(sandbox, action="list").status == 200
    sandbox.keys.revoke(sandbox.key)
    assert ask(sandbox, action="list").status == 401


def test_the_key_is_checked_before_the_body() -> None:
    sandbox = sandbox_of()
    assert raw(sandbox, b"{")[0] == 401
    assert raw(sandbox, b"{", authorization=f"Bearer {sandbox.key}")[0] == 500


def test_keys_have_the_vendors_form_and_a_session_token_works_too() -> None:
    sandbox = sandbox_of()
    assert sandbox.key.startswith("mgp_")
    assert len(bytes.fromhex(sandbox.key.removeprefix("mgp_"))) == 20
    sandbox.keys.grant("a.session.token", "default")
    assert ask(sandbox, key="a.session.token", action="list").status == 200


def test_each_key_opens_its_own_account() -> None:
    sandbox = sandbox_of(accounts=("acme", "umbrella"))
    pages = {name: ask(sandbox, key=key, action="list").body for name, key in sandbox.key_of.items()}
    assert pages["acme"] != pages["umbrella"]
    users = {name: {row["user_id"] for row in json.loads(page)["batches"]} for name, page in pages.items()}
    assert all(len(ids) == 1 for ids in users.values())
    assert users["acme"] != users["umbrella"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b'{"action":NaN}', b"null"])
def test_a_body_that_is_no_json_answers_500(body: bytes) -> None:
    sandbox = sandbox_of()
    assert raw(sandbox, body, authorization=f"Bearer {sandbox.key}")[0] == 500


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"7", b'"list"', b'{"action":"LIST"}', b'{"action":["list"]}']
)
def test_an_unknown_action_answers_400(body: bytes) -> None:
    sandbox = sandbox_of()
    assert raw(sandbox, body, authorization=f"Bearer {sandbox.key}")[0] == 400


def test_another_path_is_not_found() -> None:
    sandbox = sandbox_of()
    assert sandbox.answer(Request("POST", "/functions/v1/calls")).status == 404


def test_errors_come_in_both_shapes() -> None:
    sandbox = sandbox_of()
    bodies = [json.loads(ask(sandbox, action="?").body) for _ in range(2)]
    assert bodies[0] == {"error": "Unknown action: ?"}
    assert bodies[1] == {"data": None, "error": {"message": "Unknown action: ?", "code": "bad_request"}}


@pytest.mark.parametrize(("shape", "kind"), [(ErrorShape.TEXT, str), (ErrorShape.DOCUMENTED, dict)])
def test_errors_come_in_one_shape_when_asked_for(shape: ErrorShape, kind: type) -> None:
    sandbox = sandbox_of(error_shape=shape)
    for _ in range(2):
        assert isinstance(json.loads(ask(sandbox, action="?").body)["error"], kind)


def test_an_observed_row_always_has_its_thirty_keys_in_their_order() -> None:
    rows = ask_list(sandbox_of(), limit=1000)
    assert len(rows) == 120
    assert all(list(row) == OBSERVED_KEYS for row in rows)


def test_a_documented_row_has_nine_fields_and_leaves_out_those_without_a_value() -> None:
    sandbox = sandbox_of(shape=Shape.DOCUMENTED)
    batch = sandbox.account.create(name="Follow-up", created_at=datetime(2024, 2, 15, 9, tzinfo=UTC))
    row = ask_list(sandbox, offset=120)[0]
    assert row == {
        "id": batch.id,
        "name": "Follow-up",
        "status": "draft",
        "total_recipients": batch.total_recipients,
        "completed_count": 0,
        "failed_count": 0,
        "created_at": "2024-02-15T09:00:00.000Z",
    }


def test_shapes_may_be_named_in_plain_text() -> None:
    sandbox = sandbox_of(shape="documented", error_shape="documented")
    assert "user_id" not in ask_list(sandbox)[0]
    assert json.loads(ask(sandbox, action="?").body)["data"] is None


def test_text_is_raw_utf8() -> None:
    sandbox = sandbox_of()
    name = 'تذكير 🎉\u2028é\tü\n"\\'
    sandbox.account.create(name=name)
    body = ask(sandbox, action="list", limit=1).body
    assert "تذكير 🎉\u2028é".encode() in body
    assert b"\\u" not in body
    assert json.loads(body)["batches"][0]["name"] == name


def test_a_row_is_about_890_bytes() -> None:
    body = ask(sandbox_of(1000), action="list", limit=1000).body
    assert 800 <= len(body) / 1000 <= 1000


def test_limit_is_50_and_offset_0_unless_given() -> None:
    sandbox = sandbox_of()
    assert ask(sandbox, action="list").body == ask(sandbox, action="list", limit=50, offset=0).body
    assert len(ask_list(sandbox)) == 50


def test_a_limit_above_the_cap_is_clamped_without_a_word() -> None:
    sandbox = sandbox_of(cap=40)
    assert len(ask_list(sandbox, limit=10_000)) == 40
    sandbox.cap = 30
    assert len(ask_list(sandbox, limit=10_000)) == 30


def test_the_usual_cap_is_1000() -> None:
    assert len(ask_list(sandbox_of(1200), limit=5000)) == 1000


@pytest.mark.parametrize("offset", [120, 121, 10**9])
def test_an_offset_at_or_past_the_end_answers_an_empty_list(offset: int) -> None:
    assert ask(sandbox_of(), action="list", offset=offset).body == b'{"batches":[]}'


def test_strings_are_joined_by_the_server() -> None:
    assert len(ask_list(sandbox_of(1500), limit="10", offset=20)) == 1000


def test_limit_0_answers_500_with_an_offset_and_nothing_without() -> None:
    sandbox = sandbox_of()
    assert ask(sandbox, action="list", limit=0, offset=20).status == 500
    assert ask_list(sandbox, limit=0) == []


def test_a_negative_offset_answers_an_odd_page() -> None:
    sandbox = sandbox_of()
    assert ask_list(sandbox, limit=10, offset=-4) == ask_list(sandbox, limit=6)


def test_an_unknown_status_answers_an_empty_list() -> None:
    assert ask_list(sandbox_of(), status="sleeping") == []


def test_unknown_parameters_are_ignored() -> None:
    sandbox = sandbox_of()
    assert ask_list(sandbox, updated_since="2026-01-01", cursor=7) == ask_list(sandbox)


def test_a_status_filters_the_list() -> None:
    sandbox = sandbox_of()
    everything = ask_list(sandbox, limit=1000)
    for status in {row["status"] for row in everything}:
        expected = {row["id"] for row in everything if row["status"] == status}
        assert {row["id"] for row in ask_list(sandbox, limit=1000, status=status)} == expected


def test_the_list_is_newest_first_and_a_null_created_at_sorts_before_all() -> None:
    rows = ask_list(sandbox_of(null_created_at=3), limit=1000)
    times = [row["created_at"] for row in rows]
    assert times[:3] == [None] * 3
    parsed = [datetime.fromisoformat(time) for time in times[3:]]
    assert parsed == sorted(parsed, reverse=True)


def test_the_list_hides_the_runs_of_a_series_and_list_runs_shows_them() -> None:
    sandbox = sandbox_of(0)
    series = sandbox.account.create(status="recurring", recurrence_type="daily")
    runs = [sandbox.account.spawn_run(series.id) for _ in range(3)]
    assert [row["id"] for row in ask_list(sandbox)] == [series.id]
    shown = json.loads(ask(sandbox, action="list_runs", parent_batch_id=series.id, limit=2).body)["runs"]
    assert [row["occurrence_number"] for row in shown] == [3, 2]
    assert shown[0]["id"] == runs[2].id
    assert shown[0]["parent_batch_id"] == series.id
    assert list(shown[0]) == OBSERVED_KEYS


def test_the_counts_of_a_series_stay_0() -> None:
    series = sandbox_of(2000).account.listed("recurring")
    assert series
    assert all(batch.attempted == 0 and batch.is_series for batch in series)


def test_get_shows_a_batch_with_its_recipients_and_the_runs_of_a_series() -> None:
    sandbox = sandbox_of(0)
    series = sandbox.account.create(status="recurring", recurrence_type="daily", total_recipients=4)
    sandbox.account.spawn_run(series.id)
    document = json.loads(ask(sandbox, action="get", batch_id=series.id).body)
    assert list(document) == ["batch", "recipients", "runs"]
    assert document["batch"]["recurrence_run_count"] == 1
    assert len(document["recipients"]) == 4
    assert [run["occurrence_number"] for run in document["runs"]] == [1]


def test_get_shows_recipients_in_the_states_that_the_batch_counts() -> None:
    sandbox = sandbox_of(0)
    batch = sandbox.account.create(total_recipients=5, completed_count=2, failed_count=1)
    document = json.loads(ask(sandbox, action="get", batch_id=batch.id).body)
    states = [recipient["status"] for recipient in document["recipients"]]
    assert states == ["completed", "completed", "failed", "pending", "pending"]
    assert document["runs"] is None


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"action": "get"}, 400),
        ({"action": "get", "batch_id": "gone"}, 404),
        ({"action": "list_runs"}, 400),
        ({"action": "list_runs", "parent_batch_id": "gone"}, 404),
    ],
)
def test_a_batch_that_is_not_named_or_not_there_is_refused(params: dict[str, str], status: int) -> None:
    assert ask(sandbox_of(), **params).status == status
