"""What happens at the end of a command: an exit code, and at most one clear sentence."""

from __future__ import annotations

import json
from collections.abc import Callable

import click
import pytest

from etl.cli.invocation import Command, Group, Invocation, pass_invocation
from etl.cli.main import run
from etl.cli.root import root
from etl.errors import (
    DestinationError,
    EtlError,
    LockHeldError,
    PermanentSourceError,
    SettingsError,
    StoppedError,
)

KEY = "mgp_" + "0123456789" * 4

Captured = pytest.CaptureFixture[str]


def ending(error: BaseException) -> Command:
    """A command that ends so."""

    def body() -> None:
        raise error

    return Command("work", callback=body)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError(["page_size: expected a number, got 'x'"]), 2),
        (PermanentSourceError("the source refused", hint="mend it"), 3),
        (DestinationError("the disk is full"), 4),
        (LockHeldError("another sync is running"), 5),
        (EtlError("it failed"), 1),
        (StoppedError("stopped on request"), 130),
    ],
)
def test_an_error_of_the_program_is_its_sentence_and_its_exit_code(
    error: EtlError, code: int, capsys: Captured
) -> None:
    assert run([], ending(error)) == code
    captured = capsys.readouterr()
    hint = f"hint: {error.hint}\n" if error.hint else ""
    assert (captured.out, captured.err) == ("", f"error: {error}\n{hint}")


def test_many_faulty_settings_have_a_line_each(capsys: Captured) -> None:
    assert run([], ending(SettingsError(["a: one", "b: two"]))) == 2
    assert capsys.readouterr().err == "error: 2 settings cannot be used:\n  - a: one\n  - b: two\n"


def test_an_interrupt_ends_without_a_word(capsys: Captured) -> None:
    assert run([], ending(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err.strip() == ""


def test_what_nobody_foresaw_is_called_a_bug_and_shows_no_value(capsys: Captured) -> None:
    assert run([], ending(KeyError("a customer's name"))) == 1
    assert capsys.readouterr().err == (
        "error: this is a bug of magpipe-etl: KeyError\n"
        "hint: run it again with -v for the traceback, and please report it\n"
    )


def test_with_v_a_bug_shows_its_traceback_without_secrets(capsys: Captured) -> None:
    assert run(["-v"], ending(RuntimeError(f"Bearer {KEY}"))) == 1
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert KEY not in written


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (EtlError("it failed", hint=f"not with {KEY}"), [("it failed", "not with ***")]),
        (SettingsError(["a: one", "b: two"]), [("2 settings cannot be used:\n  - a: one\n  - b: two", None)]),
        (click.UsageError("No such thing."), [("no such thing", "see `magpipe-etl --help`")]),
    ],
)
def test_where_logs_are_json_so_is_what_went_wrong(
    error: Exception, told: list[tuple[str, str | None]], capsys: Captured
) -> None:
    assert run(["--log-format", "json"], ending(error)) != 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [("command.failed", "error")]
    assert [(line["error"], line["hint"]) for line in lines] == told


def test_where_logs_are_json_a_bug_s_traceback_is_a_field(capsys: Captured) -> None:
    assert run(["-v", "--log-format", "json"], ending(RuntimeError(f"Bearer {KEY}"))) == 1
    written = capsys.readouterr().err
    crashed, failed = (json.loads(line) for line in written.splitlines())
    assert (crashed["event"], failed["event"]) == ("command.crashed", "command.failed")
    assert "RuntimeError" in crashed["traceback"]
    assert KEY not in written


def test_a_refusal_of_the_system_is_told(capsys: Captured) -> None:
    assert run([], ending(OSError(28, "No space left on device"))) == 1
    assert capsys.readouterr().err == "error: the system refused: No space left on device\n"
    assert run([], ending(FileNotFoundError(2, "No such file or directory", "a.tmp"))) == 1
    assert capsys.readouterr().err == "error: the system refused: a.tmp: No such file or directory\n"


def test_an_error_cannot_write_a_second_line_or_show_a_key(capsys: Captured) -> None:
    assert run([], ending(EtlError(f"name \x1b[2J {KEY}"))) == 1
    assert capsys.readouterr().err == "error: name \\x1b[2J ***\n"


@pytest.mark.parametrize(
    ("arguments", "sentence", "hint"),
    [
        (["snc"], "no such command 'snc'", "magpipe-etl --help"),
        (["sync", "--fuul"], "no such option", "magpipe-etl sync --help"),
        (["sync", "extra"], "got unexpected extra argument (extra)", "magpipe-etl sync --help"),
        (
            ["status", "--max-age", "soon"],
            "expected a length of time such as 90s",
            "magpipe-etl status --help",
        ),
        (["report", "--since", "x"], "expected a date such as 2026-01-31", "magpipe-etl report --help"),
        (
            ["report", "--json", "--csv"],
            "--csv and --html exclude each other",
            "magpipe-etl report --help",
        ),
        (["quarantine", "lst"], "no such command 'lst'", "magpipe-etl quarantine --help"),
        (["--log-format", "xml", "status"], "'xml' is not one of 'text', 'json'", "magpipe-etl --help"),
    ],
)
def test_wrong_use_is_one_sentence_and_where_to_look(
    arguments: list[str], sentence: str, hint: str, capsys: Captured
) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    [error, where] = captured.err.splitlines()
    assert error.startswith("error: ")
    assert sentence in error
    assert where == f"hint: see `{hint}`"
    assert captured.out == ""


def test_no_command_at_all_is_wrong_use_met_with_help(capsys: Captured) -> None:
    assert run([]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("Usage: magpipe-etl")
    assert captured.out == ""


def test_help_names_every_command_in_the_order_of_use(capsys: Captured) -> None:
    assert run(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].split("\n")
    names = [line.split()[0] for line in listed if line.strip()]
    assert (
        names
        == "demo check sync backfill schedule verify status report export quarantine migrate sandbox".split()
    )


def every_command(group: click.Group) -> list[click.Command]:
    below = [each for each in group.commands.values() if isinstance(each, click.Group)]
    return [*group.commands.values(), *(command for each in below for command in every_command(each))]


@pytest.mark.parametrize("command", every_command(root), ids=lambda command: str(command.name))
def test_every_option_says_what_it_does_and_no_help_is_cut_off(command: click.Command) -> None:
    assert command.get_short_help_str(limit=50)[-3:] != "..."
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help and option.name != "batches"] == []
    assert {"config", "verbose", "quiet", "log_format"} <= {option.name for option in options}


# --- The common flags ---------------------------------------------------------------------------------


def group_with(seen: Callable[[Invocation], None]) -> Group:
    group = Group("top", callback=lambda: None)
    inner = Command("inner", callback=pass_invocation(seen))
    group.add_command(inner)
    return group


@pytest.mark.parametrize(
    "arguments",
    [
        ["-v", "--config", "a.toml", "--log-format", "json", "inner", "-v"],
        ["inner", "-vv", "--config", "a.toml", "--log-format", "json"],
        ["-vv", "--config", "b.toml", "inner", "--config", "a.toml", "--log-format", "json"],
        ["-vvv", "inner", "-q", "--config=a.toml", "--log-format=json"],
    ],
)
def test_common_flags_work_before_and_after_the_command(arguments: list[str]) -> None:
    seen: list[Invocation] = []
    assert run(arguments, group_with(seen.append)) == 0
    [invocation] = seen
    assert (invocation.config, invocation.verbosity, invocation.log_format) == ("a.toml", 2, "json")


def test_q_is_quiet() -> None:
    seen: list[Invocation] = []
    run(["inner", "-q"], group_with(seen.append))
    run(["inner"], group_with(seen.append))
    assert [invocation.quiet for invocation in seen] == [True, False]
