"""What the documents name exists, and what exists they name; tests/acceptance runs what can be run."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from sqlalchemy import inspect

from etl.cli.invocation import Invocation
from etl.cli.root import root
from etl.errors import EtlError
from etl.model import RunMode, RunStatus, RunSummary
from etl.settings import definitions

from support.clocks import START
from support.databases import Database
from support.documents import anchors, blocks, documents, links, spans, table, target_of
from support.sources import ROOT, modules, text_of

PROGRAM = "magpipe-etl"
# Of other programs, and of what is no setting.
FOREIGN_OPTIONS = {"--profile", "--unit", "--first-seed", "--seeds", "--help", "--now"}
FOREIGN_VARIABLES = {"ETL_CONFIG", "ETL_TEST_POSTGRES_URL", "MAGPIPE_API_KEY", "MAGPIPE_API_KEY_FILE"}
# Folders of one machine, and numbers of issues.
PLACES = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users)\b|(?<![\w&])#\d+\b")
MANUAL = [name for name in documents() if name != "CHANGELOG.md"]


def calls(words: str) -> Iterator[list[str]]:
    """The arguments of every call of the program in some lines of a shell, a crontab or a unit."""
    for line in words.splitlines():
        _, found, rest = line.partition(f"{PROGRAM} ")
        if found and not line.lstrip().startswith(("#", "docker", "git", "cd ")):
            yield shlex.split(rest, comments=True)


def all_calls() -> Iterator[tuple[str, list[str]]]:
    for block in blocks("sh", "cron", "ini"):
        yield from ((str(block), call) for call in calls(block.text))
    for name in documents():
        for span in spans(name):
            yield from ((name, call) for call in calls(span) if "COMMAND" not in call)


def parse(words: list[str]) -> None:
    """Raise click's complaint about a call that the program would not understand."""
    command: click.Command = root
    words = list(words)
    while isinstance(command, click.Group) and words:
        word = words.pop(0)
        if word.startswith("-"):
            options = {flag for option in command.params for flag in option.opts} | {"--help"}
            assert word in options, f"{PROGRAM} knows no {word}"
        else:
            assert word in command.commands, f"{PROGRAM} knows no {word}"
            command = command.commands[word]
    if not isinstance(command, click.Group):
        command.make_context(PROGRAM, words, obj=Invocation()).close()


def options() -> set[str]:
    def of(command: click.Command) -> Iterator[str]:
        yield from (flag for option in command.params for flag in option.opts)
        if isinstance(command, click.Group):
            for child in command.commands.values():
                yield from of(child)

    return set(of(root))


def literals() -> str:
    """Every text that stands in the program."""
    return "\n".join(
        node.value
        for module in modules()
        for node in module.nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def ways_to_fail(error: type[EtlError] = EtlError) -> Iterator[int]:
    yield error.exit_code
    for kind in error.__subclasses__():
        yield from ways_to_fail(kind)


@pytest.mark.parametrize("program", ["docs/generate.py", "bi/generate.py"])
def test_what_follows_from_the_program_is_up_to_date(program: str) -> None:
    command = [sys.executable, str(ROOT / program), "--check"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr


def test_every_call_in_a_document_is_one_that_the_program_understands() -> None:
    known = list(all_calls())
    assert len(known) > 20
    for where, words in known:
        try:
            parse(words)
        except click.ClickException as error:
            pytest.fail(f"{where}: {PROGRAM} {shlex.join(words)}: {error.format_message()}")


def test_every_option_and_variable_that_is_named_exists() -> None:
    variables = {item.variable for item in definitions()} | FOREIGN_VARIABLES
    for name in MANUAL:
        for span in spans(name):
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", span):
                assert option in options() | FOREIGN_OPTIONS, f"{name}: {option}"
            for variable in re.findall(r"\b(?:ETL|MAGPIPE|DATABASE)_[A-Z_]+\b", span):
                assert variable in variables, f"{name}: {variable}"


def test_every_setting_is_in_the_examples_of_the_configuration() -> None:
    example = text_of("config/etl.toml")
    assert [item.name for item in definitions() if f"\n#{item.name} = " not in example] == []


def test_every_exit_code_is_explained() -> None:
    told = {int(code) for code, *_ in table("README.md", "Exit codes")}
    assert told == set(ways_to_fail()) | {0, 6}


def test_every_field_of_a_run_is_explained() -> None:
    run = RunSummary(
        run_id=1, account="a", mode=RunMode.FULL, status=RunStatus.RUNNING, complete=False, started_at=START
    )
    told = " ".join(field for field, _ in table("docs/python.md", "The summary"))
    assert set(re.findall(r"`(\w+)`", told)) == set(run.as_json())


def test_every_message_in_the_troubleshooting_is_one_of_the_program_s() -> None:
    known = literals()
    for messages, _ in table("README.md", "Troubleshooting"):
        for part in re.split(r"`, `|`|…|\d+|: expected ", messages):
            assert part.strip(" ,") in known, part


def test_every_view_is_explained_column_by_column(database: Database) -> None:
    inspector = inspect(database.engine)
    for view in inspector.get_view_names():
        told = {column.strip("`") for column, *_ in table("docs/tables.md", view)}
        assert told == {column["name"] for column in inspector.get_columns(view)}, view


def test_every_module_has_its_place_in_the_design() -> None:
    told = {
        span for row in table("docs/design.md", "The modules") for span in re.findall(r"`([\w.]+)`", row[0])
    }
    for module in modules():
        parts = Path(module.path).with_suffix("").parts[1:]
        ways = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
        assert parts[-1].startswith("__") or ways & told, f"{module.path} is not among the modules"
    for name in told:
        path = ROOT / "etl" / name.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), f"there is no etl.{name}"


def test_every_target_of_make_is_explained() -> None:
    targets = set(re.findall(r"^([a-z]+):.*  ## ", text_of("Makefile"), re.MULTILINE)) - {"help"}
    assert {
        cell.strip("`").removeprefix("make ") for cell, _ in table("CONTRIBUTING.md", "Contributing")
    } == targets


@pytest.mark.parametrize("document", documents())
def test_links_lead_somewhere(document: str) -> None:
    for link in links(document):
        if link.startswith("https://"):
            continue
        path, anchor = target_of(document, link)
        assert (ROOT / path).exists(), link
        assert not anchor or anchor in anchors(path), link


@pytest.mark.parametrize("document", documents())
def test_a_document_speaks_of_the_project_alone(document: str) -> None:
    assert PLACES.findall(text_of(document)) == []


@pytest.mark.parametrize("document", MANUAL)
def test_files_that_a_document_names_are_there(document: str) -> None:
    for span in spans(document):
        if re.fullmatch(r"(?:etl|tests|docs|config|migrations|requirements)/[\w./-]+", span):
            assert (ROOT / span).exists(), span


def test_every_block_is_of_a_language_that_is_looked_after() -> None:
    looked_after = {"sh", "cron", "ini", "python", "sql", "sql postgresql", "toml", "text", "http"}
    for name in documents():
        assert set(re.findall(r"^```(.+)$", text_of(name), re.MULTILINE)) <= looked_after, name
