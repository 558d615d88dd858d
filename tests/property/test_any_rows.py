"""Any JSON as a row or a field, through the whole load: it costs its own row at most, and is told once."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from etl.model import RunStatus
from etl.sandbox import SandboxOptions
from etl.transform.fields import SOURCE_COLUMNS
from etl.transform.records import row_hash

from support.databases import Database, fresh_sqlite
from support.hostile import HOSTILE_TEXTS, NESTED, NUMBERS, TIMES
from support.pipeline import Pipeline, changes
from support.templates import Template
from support.truth import differences, expected_rows

BATCHES = 60
PAGE_ROWS = 9

numbers = st.sampled_from(NUMBERS)
times = st.sampled_from(TIMES)
raw_texts = st.sampled_from(HOSTILE_TEXTS) | st.text(max_size=30).map(json.dumps)
nested = st.sampled_from(NESTED)
anything = st.recursive(
    st.sampled_from(["null", "true", "false"]) | numbers | times | raw_texts,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: "[" + ",".join(parts) + "]")
        | st.lists(st.tuples(raw_texts, inner), max_size=3).map(
            lambda parts: "{" + ",".join(f"{name}:{value}" for name, value in parts) + "}"
        )
    ),
    max_leaves=6,
)
values = anything | nested
# What stands in the order of the list, or names a row, is another matter: see the tests of the walk.
OTHERS = [name for name in SOURCE_COLUMNS if name not in ("id", "created_at")]
others = st.sampled_from(OTHERS)
names = others.map(json.dumps) | raw_texts
additions = st.lists(st.tuples(names, values), min_size=1, max_size=3).map(
    lambda parts: "".join(f",{name}:{value}" for name, value in parts)
)
no_places = st.sampled_from(["null", "NaN", "1", '"infinity"', '"\\ud800"', "[]", '"2024-02-30T00:00:00Z"'])
no_ids = st.sampled_from(["null", "1", "NaN", '""', '"\\ud800"', '"a\\u0000"', "[]", '"' + "x" * 256 + '"'])
losses = no_places.map(lambda value: f',"created_at":{value}') | no_ids.map(lambda value: f',"id":{value}')


Breakage = tuple[Callable[[str, bytes], bytes], str]


def added(addition: str, row: bytes) -> bytes:
    """The row with more behind its own fields; of a repeated key the last value counts."""
    return row[:-1] + addition.encode("utf-8", "surrogatepass") + b"}"


def replaced_by(raw: bytes, row: bytes) -> bytes:
    return raw


def replaced(value: str, row: bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass")


breakages: SearchStrategy[Breakage] = st.tuples(st.just(added), additions | losses) | st.tuples(
    st.just(replaced), values
)


@contextmanager
def filled(template: Template) -> Iterator[Database]:
    """A database for each example: a fixture would be one for all of them."""
    with tempfile.TemporaryDirectory() as folder, fresh_sqlite(Path(folder)) as database:
        template.fill(database)
        yield database


def assert_no_row_costs_another(database: Database, broken: list[Breakage]) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=BATCHES, tie_groups=1), page_size=PAGE_ROWS)
    listed = pipeline.truth.listed()
    step = len(listed) // len(broken)
    victims = listed[step // 2 :: step][: len(broken)]
    served = []
    for victim, (how, what) in zip(victims, broken, strict=True):
        raw = how(what, pipeline.sandbox.rows.encode(victim))
        served.append(raw)
        pipeline.sandbox.rows.corrupt(victim.id, raw=partial(replaced_by, raw))

    summary = pipeline.sync()
    assert (summary.status, summary.error) == (RunStatus.SUCCEEDED, None)
    spoilt = {victim.id for victim in victims}
    good = expected_rows(batch for batch in listed if batch.id not in spoilt)
    table = pipeline.alive()
    assert differences({id_: row for id_, row in table.items() if id_ in good}, good) == []

    loaded = Counter(row["row_hash"] for row in table.values())
    aside = Counter(entry["raw_hash"] for entry in pipeline.set_aside() if not entry["row_loaded"])
    hashes = {row_hash(raw) for raw in served}
    assert {each: loaded[each] + aside[each] for each in hashes} == dict.fromkeys(hashes, 1)
    assert len(table) + len(aside) == len(good) + len(hashes)
    noted = Counter((entry["raw_hash"], entry["field"]) for entry in pipeline.set_aside())
    assert set(noted.values()) <= {1}

    before = pipeline.everything()
    again = pipeline.sync()
    assert changes(again).keys() <= {"unchanged", "quarantined"}
    # A row without a place is met again where pages overlap.
    assert (again.unchanged >= len(table), again.quarantined) == (True, len(aside))
    for entry in before["quarantine"]:
        entry["last_run_id"] = again.run_id
    assert pipeline.everything() == before


# What is found is told as it is: to make it smaller takes minutes.
@settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(breakages, min_size=1, max_size=10))
def test_any_row_costs_itself_at_most(sqlite_template: Template, broken: list[Breakage]) -> None:
    with filled(sqlite_template) as database:
        assert_no_row_costs_another(database, broken)


def test_names_of_ten_megabytes_and_fields_by_the_thousand_are_rows_like_any_other(
    database: Database,
) -> None:
    letters = "ü" * 500_000
    assert_no_row_costs_another(
        database,
        [
            (added, f',"name":"{letters * 10}"'),
            (added, f',"status":"{letters}"'),
            (added, f',"{letters}":"{letters}"'),
            (added, "".join(f',"x{number}":{number}' for number in range(1_000))),
            (added, f',"goal":NaN,"purpose":"{letters}"'),
            (replaced, f'"{letters}"'),
        ],
    )


@pytest.mark.parametrize("how", [added, replaced])
def test_what_is_hostile_is_no_matter_to_either_database(
    database: Database, how: Callable[[str, bytes], bytes]
) -> None:
    fields = cycle(OTHERS)
    value = "[{}]".format(",".join(HOSTILE_TEXTS))
    broken: list[Breakage] = [
        (how, f',"{next(fields)}":{hostile},{hostile if hostile[0] == chr(34) else chr(34) * 2}:{value}')
        if how is added
        else (how, hostile)
        for hostile in (*HOSTILE_TEXTS[:-1], *NESTED)
    ]
    assert_no_row_costs_another(database, broken)
