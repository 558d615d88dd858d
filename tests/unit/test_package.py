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
