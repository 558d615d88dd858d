"""Logs: events with fields, as text or JSON, and no secret in either."""

from __future__ import annotations

import json
import logging
from contextlib import redirect_stderr
from datetime import UTC, datetime
from io import StringIO

import pytest

from etl.logs import Event, Log, LogFormat, Redactor, configure_logs, levels, one_line

KEY = "mgp_" + "0123456789" * 4
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
PASSWORD = "s3cret-pass"


def json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_an_event_reads_as_its_name_and_fields() -> None:
    fields = {
        "rows": 998,
        "seconds": 0.25,
        "name": "two words",
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "x": None,
    }
    text = 'page.fetched rows=998 seconds=0.25 name="two words" at=2026-01-02T00:00:00+00:00 x=None'
    assert str(Event("page.fetched", fields)) == text


def test_a_line_of_text_has_time_level_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(verbosity=1)
    Log("etl.sync").info("page.fetched", account="acme", rows=998)
    line = capsys.readouterr().err
    assert line[8:] == " info    page.fetched account=acme rows=998\n"


def test_a_line_of_json_keeps_the_types_of_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(verbosity=1, log_format=LogFormat.JSON)
    Log("etl.sync").info("page.fetched", account="acme", rows=998, complete=True, seconds=0.5, error=None)
    [line] = json_lines(capsys.readouterr().err)
    assert datetime.fromisoformat(str(line.pop("time"))).tzinfo is not None
    assert line == {
        "level": "info",
        "logger": "etl.sync",
        "event": "page.fetched",
        "account": "acme",
        "rows": 998,
        "complete": True,
        "seconds": 0.5,
        "error": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        f"key {KEY}",
        f"authorization: Bearer {TOKEN}",
        f"(b'Authorization', b'Bearer {PASSWORD}')",
        f"token {TOKEN}!",
        f"postgresql://me:{PASSWORD}@db/calls",
        f"postgresql://:{PASSWORD}@db/calls",
        f"failed for {PASSWORD}",
    ],
)
def test_nothing_that_is_or_looks_like_a_secret_is_left(text: str) -> None:
    redacted = Redactor([PASSWORD])(text)
    assert not any(secret in redacted for secret in (KEY, TOKEN, PASSWORD))
    assert "***" in redacted


@pytest.mark.parametrize("text", ["https://api.magpipe.ai/functions/v1", "run 7 of abc", "a@b.c: mgp_"])
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert Redactor(["", "abc"])(text) == text


def test_a_secret_that_begins_with_another_is_blackened_whole() -> None:
    assert Redactor(["abcd", "abcdefgh"])("abcdefgh abcd") == "*** ***"


@pytest.mark.parametrize("log_format", LogFormat)
@pytest.mark.parametrize("name", ["etl.x", "httpx", "httpcore.http11", "sqlalchemy.engine.Engine", "else"])
def test_every_logger_is_redacted_in_message_arguments_fields_and_traceback(
    log_format: LogFormat, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(verbosity=3, log_format=log_format, secrets=[PASSWORD])
    logger = logging.getLogger(name)
    logger.warning("sent %s with %r", KEY, {"authorization": f"Bearer {PASSWORD}"})
    Log(name).warning("key.sent", key=KEY, url=f"postgres://me:{PASSWORD}@db", headers=[("Bearer", PASSWORD)])
    try:
        raise ValueError(f"{KEY} {PASSWORD}")
    except ValueError:
        Log(name).exception("run.failed")
    written = capsys.readouterr().err
    assert "key.sent" in written
    assert "ValueError" in written
    assert KEY not in written
    assert PASSWORD not in written


def test_a_secret_is_found_in_json_whatever_json_would_make_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    secret = 'quote"back\\slash'
    configure_logs(log_format=LogFormat.JSON, secrets=[secret])
    Log("etl").warning("odd", value=f"it is {secret}")
    [line] = json_lines(capsys.readouterr().err)
    assert line["value"] == "it is ***"


def test_a_value_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    logging.getLogger("etl").warning("name\n12:00:00 error forged \x1b[31m\u202e")
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert one_line("a\r\nb\x1b\u202e") == "a\\r\\nb\\x1b\\u202e"


def test_a_traceback_is_for_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    for verbosity in (0, 1):
        configure_logs(verbosity=verbosity)
        try:
            raise RuntimeError
        except RuntimeError:
            Log("etl").exception("run.crashed")
        assert ("Traceback" in capsys.readouterr().err) is (verbosity == 1)


def test_lines_of_text_leave_out_what_the_result_tells(capsys: pytest.CaptureFixture[str]) -> None:
    def write() -> str:
        Log("etl.run").error("run.failed")
        Log("etl.run").warning("budget.waiting")
        return capsys.readouterr().err

    configure_logs()
    assert "run.failed" not in write()
    configure_logs(verbosity=1)
    assert "run.failed" in write()
    configure_logs(log_format=LogFormat.JSON)
    assert [line["event"] for line in json_lines(write())] == ["run.failed", "budget.waiting"]


def test_configuring_again_replaces_what_was_set_before(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(verbosity=2)
    configure_logs()
    Log("etl").info("hidden")
    Log("etl").warning("shown")
    assert [line[8:] for line in capsys.readouterr().err.splitlines()] == [" warning shown"]


@pytest.mark.parametrize(
    ("verbosity", "own", "httpx"),
    [
        (-2, logging.ERROR, logging.ERROR),
        (-1, logging.ERROR, logging.ERROR),
        (0, logging.WARNING, logging.WARNING),
        (1, logging.INFO, logging.WARNING),
        (2, logging.DEBUG, logging.INFO),
        (9, logging.DEBUG, logging.INFO),
    ],
)
def test_each_step_shows_more(verbosity: int, own: int, httpx: int) -> None:
    assert (levels(verbosity)["etl"], levels(verbosity)["httpx"]) == (own, httpx)


def test_rows_that_sqlalchemy_would_print_are_in_no_log() -> None:
    assert all(levels(verbosity)["sqlalchemy.engine"] > logging.DEBUG for verbosity in range(-2, 10))


def test_a_reader_of_stderr_that_went_away_stops_nothing() -> None:
    class Gone(StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    configure_logs()
    with redirect_stderr(Gone()):
        Log("etl").warning("nobody.listens")
