"""How the program's modules are written, where no linter's rule says it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.sources import ROOT, Module, modules, tracked_files

LONGEST_FUNCTION = 60
VAGUE_NAMES = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

# What has one home, and which: a file, or a folder with all in it.
HOMES = {
    "datetime.now": "etl/clock.py",
    "datetime.today": "etl/clock.py",
    "datetime.utcnow": "etl/clock.py",
    "date.today": "etl/clock.py",
    "time.monotonic": "etl/clock.py",
    "time.sleep": "etl/clock.py",
    "time.time": "etl/clock.py",
    "os.environ": "etl/settings",
    "os.getenv": "etl/settings",
    "print": "etl/cli",
}


def names_used(module: Module) -> Iterator[str]:
    """Every `name`, `name.attribute` and `from module import name` of a module."""
    for node in module.nodes():
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            yield f"{owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def modules_imported(module: Module) -> Iterator[str]:
    for node in module.nodes():
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_imports_point_down_only() -> None:
    # A process of its own: it takes over the logging of the one that it runs in.
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    outcome = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize("effect", HOMES)
def test_an_effect_has_one_home(effect: str) -> None:
    home = HOMES[effect].removesuffix(".py")
    strays = [
        module.path
        for module in modules()
        if effect in names_used(module) and not module.path.startswith((f"{home}.py", f"{home}/"))
    ]
    assert strays == []


def test_the_sandbox_needs_nothing_but_python_and_a_clock() -> None:
    allowed = {"etl.clock", "etl.errors"}
    foreign = {
        name
        for module in modules("etl/sandbox")
        for name in modules_imported(module)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and name not in allowed
        and not f"{name}.".startswith("etl.sandbox.")
    }
    assert foreign == set()


def test_no_function_is_longer_than_can_be_read_at_once() -> None:
    long = [
        f"{module.path}: {node.name}"
        for module in modules()
        for node in module.nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_every_module_opens_with_what_it_promises() -> None:
    assert [module.path for module in modules() if not ast.get_docstring(module.tree)] == []


def test_a_file_is_named_for_what_is_in_it() -> None:
    vague = [name for name in tracked_files() if VAGUE_NAMES & set(name.lower().replace(".", "/").split("/"))]
    assert vague == []


def test_folders_of_tests_are_no_packages() -> None:
    assert [
        name for name in tracked_files() if name.startswith("tests/") and name.endswith("__init__.py")
    ] == []
