from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime

import pytest

from etl.model import Account, RunMode, RunStatus, RunSummary, Secret, Tally, Traffic

KEY = "mgp_" + "0123456789" * 4
SECRET = Secret(KEY)
SUMMARY = RunSummary(
    run_id=7,
    account="acme",
    mode=RunMode.FULL,
    status=RunStatus.SUCCEEDED,
    complete=True,
    started_at=datetime(2024, 2, 15, 9, tzinfo=UTC),
    finished_at=datetime(2024, 2, 15, 9, 0, 2, tzinfo=UTC),
    seconds=2.0,
    exit_code=3,
    hint="look at the source",
)


def test_a_secret_gives_its_value_to_whoever_asks_for_it_by_name() -> None:
    assert SECRET.reveal() == KEY


@pytest.mark.parametrize(
    "shown",
    [
        str(SECRET),
        repr(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>60}",
        "%s" % SECRET,  # noqa: UP031 - as logging formats
        repr([SECRET]),
        repr({"key": SECRET}),
        repr(Account(name="acme", api_key=SECRET)),
    ],
)
def test_a_secret_shows_no_part_of_itself(shown: str) -> None:
    assert not any(part in shown for part in (KEY, KEY[:8], KEY[-4:]))


def test_a_secret_refuses_a_format_that_could_cut_it_open() -> None:
    with pytest.raises(TypeError, match="unsupported format string"):
        format(SECRET, ">60")


def test_a_secret_is_in_no_log_line(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("anything").warning("account %s with %r", Account(name="acme", api_key=SECRET), SECRET)
    assert "Secret(…)" in caplog.text
    assert KEY[4:] not in caplog.text


def test_a_secret_is_in_no_traceback() -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "Secret(…)" in shown
    assert KEY[4:] not in shown


@pytest.mark.parametrize("leave", [pickle.dumps, copy.deepcopy, copy.copy])
def test_a_secret_is_not_pickled(leave: object) -> None:
    assert callable(leave)
    with pytest.raises(TypeError, match="a Secret is not pickled"):
        leave(SECRET)


def test_a_secret_has_no_attributes_that_a_dump_of_them_would_show() -> None:
    assert not hasattr(SECRET, "__dict__")
    with pytest.raises(TypeError):
        json.dumps(SECRET)


def test_secrets_are_equal_by_value_and_to_secrets_alone() -> None:
    assert Secret(KEY) == SECRET
    assert hash(Secret(KEY)) == hash(SECRET)
    assert Secret("other") != SECRET
    assert SECRET != KEY


def test_tallies_add_up_count_by_count() -> None:
    total = Tally(pages=1, inserted=2)
    total.add(Tally(pages=1, inserted=3, deleted=4))
    assert total == Tally(pages=2, inserted=5, deleted=4)


def test_every_count_of_a_tally_is_added() -> None:
    names = [field.name for field in fields(Tally)]
    total = Tally()
    total.add(Tally(**{name: at for at, name in enumerate(names, start=1)}))
    assert list(asdict(total).values()) == list(range(1, len(names) + 1))


def test_a_summary_holds_every_count_of_traffic_and_tally() -> None:
    counts = {field.name for field in (*fields(Traffic), *fields(Tally))}
    assert counts <= {field.name for field in fields(RunSummary)}


def test_a_summary_as_json_has_the_documented_fields_in_their_order() -> None:
    documented = (
        "run_id account mode status complete requests retries rate_limited pages rows_seen inserted updated"
        " unchanged deleted revived quarantined started_at finished_at seconds error"
    )
    assert " ".join(SUMMARY.as_json()) == documented


def test_a_summary_as_json_has_json_types_alone() -> None:
    document = json.loads(json.dumps(SUMMARY.as_json()))
    assert document == SUMMARY.as_json()
    assert document["mode"] == "full"
    assert document["status"] == "succeeded"
    assert document["started_at"] == "2024-02-15T09:00:00+00:00"
    assert document["finished_at"] == "2024-02-15T09:00:02+00:00"


def test_a_run_that_has_not_ended_has_no_time_of_its_end() -> None:
    assert replace(SUMMARY, finished_at=None).as_json()["finished_at"] is None
