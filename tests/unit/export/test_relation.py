"""What can be exported, and which rows of it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from etl.export.relation import RELATIONS, Choice, find_relation, select_rows
from etl.tables import metadata
from etl.views import views

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 14, tzinfo=UTC)


def conditions(name: str, choice: Choice) -> tuple[str, list[object]]:
    """The WHERE of the query, and what is bound in it."""
    compiled = select_rows(find_relation(name), choice).compile()
    where = re.search(r"WHERE (.*?)\s*ORDER BY", str(compiled), re.DOTALL)
    return where[1] if where else "", list(compiled.params.values())


def test_every_table_and_every_view_can_be_exported() -> None:
    assert RELATIONS.keys() == metadata.tables.keys() | views.tables.keys()


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(
        ValueError, match=r"expected one of report_campaigns, .*batch_calls, .*, got 'batches'"
    ):
        find_relation("batches")


@pytest.mark.parametrize("name", RELATIONS)
def test_rows_come_in_the_order_of_the_key(name: str) -> None:
    relation = find_relation(name)
    keys = ", ".join(f"{name}.{column.name}" for column in relation.primary_key)
    assert str(select_rows(relation, Choice())).endswith(f"ORDER BY {keys}")
    assert keys


def test_a_window_is_one_of_the_time_that_the_rows_are_about() -> None:
    window = Choice(since=MIDNIGHT, until=NOON)
    where, bound = conditions("batch_runs", window)
    assert bound == [MIDNIGHT, NOON]
    assert re.fullmatch(r"batch_runs.started_at >= \S+ AND batch_runs.started_at < \S+", where)
    assert "batch_calls.created_at >=" in conditions("batch_calls", window)[0]
    assert "batch_call_history.observed_at >=" in conditions("batch_call_history", window)[0]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (MIDNIGHT, date(2026, 3, 14)),
        (NOON, date(2026, 3, 15)),
        (MIDNIGHT + timedelta(microseconds=1), date(2026, 3, 15)),
        (datetime(2026, 3, 14, 1, tzinfo=timezone(timedelta(hours=1))), date(2026, 3, 14)),
    ],
)
def test_a_day_is_in_a_window_that_has_its_beginning(moment: datetime, day: date) -> None:
    assert conditions("report_daily", Choice(since=moment))[1] == [day]
    assert conditions("report_daily", Choice(until=moment))[1] == [day]


@pytest.mark.parametrize("until", [NOON, MIDNIGHT])
def test_a_window_that_ends_before_it_begins_is_refused(until: datetime) -> None:
    with pytest.raises(ValueError, match="expected the end later"):
        Choice(since=NOON, until=until)


def test_accounts_are_chosen_by_name() -> None:
    assert conditions("report_status", Choice(accounts=("acme",)))[1] == [["acme"]]


@pytest.mark.parametrize("choice", [Choice(since=NOON), Choice(until=NOON)])
def test_what_has_no_time_is_not_chosen_by_time(choice: Choice) -> None:
    with pytest.raises(ValueError, match=r"report_status has no time .*: report_campaigns, report_daily"):
        select_rows(find_relation("report_status"), choice)


def test_what_is_kept_for_no_account_is_not_chosen_by_account() -> None:
    with pytest.raises(ValueError, match="sync_budget is not kept by account"):
        select_rows(find_relation("sync_budget"), Choice(accounts=("acme",)))
