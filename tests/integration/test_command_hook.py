"""A command that is told of an incident: a process of its own, by words and without a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl.service.command_hook import CommandHook
from etl.service.notices import Notice
from etl.state.incidents import News

from support.clocks import START

NOTICE = Notice(news=News.OPENED, kind="failing", account="acme", detail="500 «ü»", since=START)
ENVIRON = {"PATH": "/usr/bin:/bin"}


def script(folder: Path, text: str) -> str:
    path = folder / "a hook"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return f"'{path}'"


def test_it_reads_the_notice_and_gets_its_words_as_they_are(tmp_path: Path) -> None:
    heard, words = tmp_path / "heard.json", tmp_path / "words.txt"
    command = script(tmp_path, f'cat > {heard}\necho "$2" > {words}')
    hook = CommandHook(f"{command} --to '$HOME; *'", ENVIRON)
    assert hook.send(NOTICE) is None
    assert json.loads(heard.read_text()) == NOTICE.as_json()
    assert words.read_text() == "$HOME; *\n"


def test_it_has_the_environment_that_it_is_given_and_no_other(tmp_path: Path) -> None:
    seen = tmp_path / "environment.txt"
    hook = CommandHook(script(tmp_path, f"env > {seen}"), {**ENVIRON, "WHERE": "here"})
    assert hook.send(NOTICE) is None
    names = {line.partition("=")[0] for line in seen.read_text().splitlines()} - {
        "PWD",
        "SHLVL",
        "_",
        "OLDPWD",
    }
    assert names == {"PATH", "WHERE"}


def test_one_that_does_not_read_is_no_failure(tmp_path: Path) -> None:
    assert CommandHook(script(tmp_path, "exit 0"), ENVIRON).send(NOTICE) is None


@pytest.mark.parametrize(
    ("text", "reason"), [("exit 3", "it ended with 3"), ("exec sleep 60", "it did not end within 0.2 s")]
)
def test_one_that_fails_or_hangs_says_so(tmp_path: Path, text: str, reason: str) -> None:
    hook = CommandHook(script(tmp_path, text), ENVIRON, timeout_seconds=0.2 if "sleep" in text else 30.0)
    assert hook.send(NOTICE) == reason


def test_one_that_is_not_there_is_told_without_its_words() -> None:
    hook = CommandHook("/nowhere/at-all --token T0KEN", ENVIRON)
    assert hook.send(NOTICE) == "it could not be run: No such file or directory"
