"""What the package offers by name is what its users call, whatever was imported before."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("before", ["", "import etl.app; "], ids=["fresh", "after the parts were loaded"])
def test_the_names_of_the_package_are_its_functions(before: str) -> None:
    program = f"{before}from etl import Settings, backfill, sync; print(callable(sync), callable(backfill))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out == "True True\n"


@pytest.mark.parametrize("command", ["schedule", "sync", "report", "sandbox"])
def test_help_is_given_without_loading_what_the_work_needs(command: str) -> None:
    program = (
        "import sys; from etl.cli.main import run; run([sys.argv[1], '--help']);"
        " print(sorted({'alembic', 'apscheduler', 'httpx', 'prometheus_client', 'sqlalchemy', 'waitress'}"
        " & sys.modules.keys()), file=sys.stderr)"
    )
    call = [sys.executable, "-c", program, command]
    assert subprocess.run(call, capture_output=True, text=True, check=True).stderr == "[]\n"


def test_a_sync_needs_nothing_of_the_service_of_a_verification_or_of_tables_for_people() -> None:
    program = (
        "import sys; from etl.cli.process import prepare_process; prepare_process();"
        " import etl.app, etl.cli.sync;"
        " print(sorted({'apscheduler', 'etl.verify', 'jinja2', 'prometheus_client', 'rich', 'waitress'}"
        " & sys.modules.keys()))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"
