"""The simulation can fail: each shortcut here is put into a copy of the program, and a few seeds find it out.

A mutation is a piece of the program's text and what stands there instead. Where the text is not found any
more, the program has changed: look for the same shortcut in its new form. The seed that found it before is
tried first, since some shortcuts show in one seed of hundreds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from support.sources import ROOT

MOST_SEEDS = 1000
PROGRAM = """
import sys, tempfile
from pathlib import Path
import etl
from support.simulation.site import SqliteSite
from support.simulation.simulation import FailedSeed, simulate
assert Path(etl.__file__).is_relative_to(sys.argv[1]), etl.__file__
with tempfile.TemporaryDirectory() as folder:
    site = SqliteSite(Path(folder))
    for seed in (int(sys.argv[2]), *range(int(sys.argv[3]))):
        try:
            simulate(seed, site)
        except FailedSeed as failed:
            print(f"seed {seed}: {failed.why[:300]}")
            break
    site.close()
"""


class Mutation(NamedTuple):
    file: str
    text: str
    instead: str


MUTATIONS = {
    "a list filtered by status tells who is gone": Mutation(
        "etl/run.py",
        "loaded = load_rows(connection, self.account, self.run_id, rows, observed_at, self._facts)",
        "everything = Proof(interval=EVERYTHING, rows=rows, observed_at=observed_at)\n"
        "            loaded = load_proof(connection, self.account, self.run_id, everything, self._facts)",
    ),
    "a short page is the end": Mutation(
        "etl/extract/walk.py",
        "if not adds and self._is_end(page):",
        "if page.length < self.largest or (not adds and self._is_end(page)):",
    ),
    "pages need no link": Mutation("etl/extract/walk.py", "elif not self._is_linked(page):", "elif False:"),
    "an empty answer is believed at once": Mutation(
        "etl/extract/walk.py", "if self._empties == 1:", "if self._empties == 0:"
    ),
    "coverage is saved before the page": Mutation(
        "etl/run.py",
        "        with self.transaction() as (connection, tally):\n            loads = [",
        "        with writing(self.engine) as early:\n"
        "            proofs = [proof for proof, _ in cuts]\n"
        "            save_coverage(early, self.account, proofs, since=self._since, only=only)\n"
        "        with self.transaction() as (connection, tally):\n"
        "            loads = [",
    ),
    "a run that was taken over goes on": Mutation("etl/state/runs.py", "if rows == 0:", "if rows < 0:"),
    "a row without an id proves absence": Mutation(
        "etl/load/deletes.py", "if not proof.names_all:", "if False:"
    ),
    "the guard of deletes is asleep": Mutation(
        "etl/run.py", "if most is not None and missing > most:", "if False:"
    ),
    "a batch that is back as it was is not looked at": Mutation(
        "etl/load/changes.py",
        "known.row_hash == row.row_hash and known.deleted_at is None",
        "known.row_hash == row.row_hash",
    ),
}

FOUND_BY = dict.fromkeys(MUTATIONS, 0) | {
    "a list filtered by status tells who is gone": 6,
    "a short page is the end": 7,
    "pages need no link": 118,
    "a run that was taken over goes on": 7,
    "the guard of deletes is asleep": 1,
    "a batch that is back as it was is not looked at": 868,
    "an empty answer is believed at once": 76,
    "a row without an id proves absence": 48,
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_shortcut_is_found_out(name: str, tmp_path: Path) -> None:
    copy(tmp_path, MUTATIONS[name])
    paths = os.pathsep.join([str(tmp_path), str(ROOT / "tests")])
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(tmp_path), str(FOUND_BY[name]), str(MOST_SEEDS)],
        # Nobody asks which lines of a copy are run, and to note them takes longer than to run them.
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")}
        | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("seed "), f"{MOST_SEEDS} seeds found nothing wrong"


def copy(folder: Path, mutation: Mutation) -> None:
    """The program with one piece of its text replaced."""
    for name in ("etl", "migrations"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / mutation.file
    text = file.read_text(encoding="utf-8")
    assert text.count(mutation.text) == 1, f"{mutation.file} does not hold once: {mutation.text}"
    file.write_text(text.replace(mutation.text, mutation.instead), encoding="utf-8")
