"""What the project's files say, and that they say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from packaging.requirements import Requirement

from etl.migrate import HEAD, migrations_folder
from etl.version import VERSION

from support.sources import ROOT, text_of, tracked_files

LATER = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
ELSEWHERE = re.compile(
    r"/(?:home|Users|root|work)/\w|\bpypi\.(?:org|python)|pythonhosted|--(?:extra-)?index-url|--find-links"
)
PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==(?P<version>\S+)(?: ;.*?)? \\\n(?:    --hash=.*\n)+",
    re.MULTILINE,
)
LOCKS = ["requirements/build.txt", "requirements/dev.txt", "requirements/program.txt"]
MUTATOR = "requirements/mutate.txt"  # goes into the environment that dev.txt made
TOOLS = [
    "requirements/fuzz.txt",
    *(f"bi/{tool}/requirements.txt" for tool in ("datasette", "dbt", "superset")),
]


def found(pattern: re.Pattern[str]) -> list[str]:
    """The files in which it stands; this one has to name what it looks for."""
    mine = Path(__file__).relative_to(ROOT).as_posix()
    return [name for name in tracked_files() if name != mine and pattern.search(text_of(name))]


def project() -> dict[str, Any]:
    return tomllib.loads(text_of("pyproject.toml"))


def pins(lock: str) -> dict[str, str]:
    return {found["name"]: found["version"] for found in PIN.finditer(text_of(lock))}


def test_nothing_is_left_for_later() -> None:
    assert found(LATER) == []


def test_no_file_knows_the_machine_that_it_was_written_on() -> None:
    assert found(ELSEWHERE) == []


def test_the_program_s_newest_version_of_the_database_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_revision_s_file_is_named_by_its_number() -> None:
    for file in (migrations_folder() / "versions").glob("*.py"):
        number = file.name.partition("_")[0]
        assert f'\nrevision = "{number}"\n' in file.read_text(encoding="utf-8")


def test_the_changelog_tells_of_this_version() -> None:
    changelog = text_of("CHANGELOG.md")
    assert "## [Unreleased]" in changelog
    assert VERSION in changelog


@pytest.mark.parametrize("lock", [*LOCKS, MUTATOR, *TOOLS])
def test_a_lock_file_names_releases_and_their_hashes_and_no_place(lock: str) -> None:
    rest = PIN.sub("", text_of(lock))
    assert pins(lock)
    assert [line for line in rest.splitlines() if not line.lstrip().startswith("#")] == []
    assert "://" not in text_of(lock)


@pytest.mark.parametrize("lock", ["requirements/program.txt", "requirements/dev.txt"])
def test_the_lock_files_hold_what_the_project_asks_for(lock: str) -> None:
    wanted = [
        *project()["project"]["dependencies"],
        *project()["project"]["optional-dependencies"]["postgres"],
    ]
    held = pins(lock)
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(held[requirement.name]), requirement


def test_the_tools_are_locked_too() -> None:
    for name, group in project()["dependency-groups"].items():
        wanted = [Requirement(each) for each in group if isinstance(each, str)]
        held = pins(f"requirements/{name}.txt")
        assert [each.name for each in wanted if not each.specifier.contains(held[each.name])] == []


def test_every_lock_file_agrees_on_a_release() -> None:
    everything = pins("requirements/dev.txt")
    for lock in LOCKS:
        assert pins(lock).items() <= everything.items()
    mutator = pins(MUTATOR)
    assert {name: mutator[name] for name in mutator.keys() & everything} == {
        name: everything[name] for name in mutator.keys() & everything
    }


def test_the_image_gets_what_the_package_is_built_from() -> None:
    kept = {line[1:] for line in text_of(".dockerignore").splitlines() if line.startswith("!")}
    built_from = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {*built_from, "pyproject.toml", *project()["project"]["license-files"]} <= kept
