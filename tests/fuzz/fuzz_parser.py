"""Bytes put to the parser by a fuzzer, which looks for those that lead down ways not gone before.

`make fuzz SECONDS=600`. What it found stays in `.fuzz`, for the next time; so does an input that breaks a
rule, which is tried alone when its file is named as an argument.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["etl.extract", "etl.transform"]):
    from support.parsing import NOW, check_answer, check_row

from etl.sandbox import Sandbox, SandboxOptions
from etl.transform.fields import SOURCE_COLUMNS

from support.hostile import HOSTILE_TEXTS, NESTED, NUMBERS, TIMES
from support.sources import ROOT

FOLDER = ROOT / ".fuzz"
MARKS = (
    "null",
    "true",
    "NaN",
    "-Infinity",
    "1e999",
    "\\u0000",
    "\\ud800",
    '{"batches":[',
    "]}",
    "+00:00",
    "Z",
)
LONGEST = 1_500  # bytes, of an input; a row takes about 900


def seeds() -> list[bytes]:
    """Rows of the source, whole and with something hostile in them, alone and as answers."""
    sandbox = Sandbox(SandboxOptions(batches=20), now=lambda: NOW)
    rows = [sandbox.rows.encode(batch) for batch in sandbox.account.listed()]
    odd = [text.encode("utf-8", "surrogatepass") for text in (*HOSTILE_TEXTS, *NESTED, *NUMBERS, *TIMES)]
    spoilt = [row[:-1] + b',"name":' + value + b"}" for row, value in zip(rows * 9, odd, strict=False)]
    return [each for row in (*rows[:5], *spoilt, *odd) for each in (row, as_answer(row))]


def as_answer(row: bytes) -> bytes:
    return b'{"batches":[' + row + b"]}"


def words() -> str:
    """What a row is made of, in the fuzzer's own notation."""
    names = [f'"{name}":' for name in ("batches", *SOURCE_COLUMNS)]
    escaped = [each.replace("\\", "\\\\").replace('"', '\\"') for each in (*names, *MARKS)]
    return "".join(f'"{each}"\n' for each in escaped)


def check(data: bytes) -> None:
    """As an answer, as the only row of one, and as a row."""
    check_answer(data)
    check_answer(as_answer(data))
    check_row(data)


def main() -> None:
    corpus, dictionary = FOLDER / "corpus", FOLDER / "words.dict"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(each for each in seeds() if len(each) <= LONGEST):
        (corpus / f"seed-{number}").write_bytes(seed)
    dictionary.write_text(words())
    options = [f"-artifact_prefix={FOLDER}/", f"-dict={dictionary}", f"-max_len={LONGEST}"]
    named = any(Path(argument).is_file() for argument in sys.argv[1:])
    atheris.Setup([sys.argv[0], *options, *sys.argv[1:], *([] if named else [str(corpus)])], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
