"""What `make mutate` found, module by module; ends with 1 where fewer mutants were killed than have to be.

mutmut leaves a file beside each module that it mutated, with how the tests ended for each mutant: the exit
code of pytest, or a number of mutmut's own.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

MUTANTS = Path("mutants")
LEAST_KILLED_SHARE = 0.85

ENDS = {
    1: "killed",
    3: "killed",  # pytest itself came to grief
    0: "survived",
    5: "untested",
    33: "untested",
    36: "timed out",
    24: "timed out",
    -24: "timed out",  # beyond the processor time that it was given
    152: "timed out",
    255: "timed out",
}
COLUMNS = ("killed", "timed out", "survived", "untested", "unclear")


def read_verdicts(folder: Path) -> dict[str, Counter[str]]:
    """How many mutants of each module ended how."""
    return {
        meta.relative_to(folder).with_suffix("").as_posix(): count_ends(json.loads(meta.read_text()))
        for meta in sorted(folder.rglob("*.py.meta"))
    }


def count_ends(document: dict[str, dict[str, int | None]]) -> Counter[str]:
    codes = document["exit_code_by_key"].values()
    return Counter("unclear" if code is None else ENDS.get(code, "unclear") for code in codes)


def killed_share(ends: Counter[str]) -> float:
    """A mutant that makes the tests hang is found out as well."""
    return (ends["killed"] + ends["timed out"]) / max(1, ends.total())


def render_row(name: str, ends: Counter[str]) -> str:
    numbers = "".join(f"{ends[column]:>11}" for column in COLUMNS)
    return f"{name:<30}{numbers}{killed_share(ends):>9.1%}"


def main() -> int:
    verdicts = {name: ends for name, ends in read_verdicts(MUTANTS).items() if ends}
    total = sum(verdicts.values(), Counter[str]())
    print(f"{'':<30}" + "".join(f"{column:>11}" for column in COLUMNS) + f"{'found':>9}")
    for name, ends in (*verdicts.items(), ("all", total)):
        print(render_row(name, ends))
    return 0 if killed_share(total) >= LEAST_KILLED_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
