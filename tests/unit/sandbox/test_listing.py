"""The order of the list, and what its ties do to those who trust it."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from etl.sandbox import Sandbox, SandboxOptions
from etl.sandbox.batch import Batch
from etl.sandbox.listing import Listing

from support.sandbox import ask_list

MOMENT = datetime(2026, 3, 13, tzinfo=UTC)


def tied_sandbox() -> Sandbox:
    return Sandbox(SandboxOptions(batches=2500, tie_groups=60, tie_size=12), now=lambda: MOMENT)


def read_naively(sandbox: Sandbox, limit: int) -> list[str]:
    """Page after page, as a client would that believes in offsets."""
    ids: list[str] = []
    while page := ask_list(sandbox, limit=limit, offset=len(ids)):
        ids += [row["id"] for row in page]
    return ids


@pytest.mark.parametrize("limit", [7, 50, 100, 333, 1000])
def test_naive_paging_over_ties_loses_rows_while_it_returns_the_right_number(limit: int) -> None:
    sandbox = tied_sandbox()
    ids = read_naively(sandbox, limit)
    assert len(ids) == 2500
    assert len(set(ids)) < 2500


def test_naive_paging_without_ties_loses_nothing() -> None:
    sandbox = Sandbox(SandboxOptions(batches=700, tie_groups=0), now=lambda: MOMENT)
    assert len(set(read_naively(sandbox, 50))) == 700


def test_two_queries_order_ties_differently_and_the_same_query_alike() -> None:
    sandbox = tied_sandbox()
    one = ask_list(sandbox, limit=500)
    other = ask_list(sandbox, limit=501)
    assert one != other[:500]
    assert [row["created_at"] for row in one] == [row["created_at"] for row in other[:500]]
    assert ask_list(sandbox, limit=500) == one
    assert ask_list(sandbox, limit=500, offset=1)[:499] != one[1:]


def test_an_update_reorders_ties() -> None:
    sandbox = tied_sandbox()
    before = ask_list(sandbox, limit=500)
    sandbox.account.change(sandbox.account.listed()[-1].id, name="Changed")
    assert ask_list(sandbox, limit=500) != before


def test_batches_without_created_at_are_one_group_before_all() -> None:
    sandbox = Sandbox(SandboxOptions(batches=50, null_created_at=9, tie_groups=0), now=lambda: MOMENT)
    pages = [ask_list(sandbox, limit=limit)[:9] for limit in (20, 21, 22, 23)]
    assert all(row["created_at"] is None for page in pages for row in page)
    assert len({tuple(row["id"] for row in page) for page in pages}) > 1
    assert len({frozenset(row["id"] for row in page) for page in pages}) == 1


def test_a_page_is_one_instant_that_holds_all_between_its_first_and_last_time() -> None:
    sandbox = tied_sandbox()
    for offset in range(0, 2500, 97):
        page = ask_list(sandbox, limit=97, offset=offset)
        times = [row["created_at"] for row in page]
        inside = {row["id"] for row in page if times[-1] < row["created_at"] < times[0]}
        truth = {batch.id for batch in sandbox.account.listed()}
        assert inside <= truth
        assert len({row["id"] for row in page}) == len(page)
        between = [
            batch.id
            for batch in sandbox.account.listed()
            if batch.created_at is not None
            and datetime.fromisoformat(times[-1]) < batch.created_at < datetime.fromisoformat(times[0])
        ]
        assert inside == set(between)


def test_any_page_of_any_list_is_a_slice_of_some_order_of_it() -> None:
    rng = random.Random(5)
    places = [None, *(MOMENT.replace(day=day) for day in range(1, 9))]
    for size in (1, 2, 5, 30):
        batches = [
            Batch(id=f"{number:02}", user_id="u", name="n", caller_id="c", created_at=rng.choice(places))
            for number in range(size)
        ]
        listing = Listing(batches)
        by_id = {batch.id: batch.created_at for batch in batches}
        expected = [by_id[batch_id] for batch_id in listing]
        for offset in range(size + 2):
            for limit in range(size + 2):
                page = listing.page(offset, limit, lambda: random.Random(rng.random()))
                assert [by_id[batch_id] for batch_id in page] == expected[offset : offset + limit]
                assert len(set(page)) == len(page)


def test_a_list_built_step_by_step_is_the_list_built_at_once() -> None:
    rng = random.Random(6)
    batches = [
        Batch(
            id=f"{n:03}",
            user_id="u",
            name="n",
            caller_id="c",
            created_at=MOMENT.replace(hour=rng.randrange(24)),
        )
        for n in range(200)
    ]
    listing = Listing()
    for batch in batches:
        listing.add(batch)
    for batch in batches[::3]:
        listing.remove(batch)
    assert list(listing) == list(Listing(b for n, b in enumerate(batches) if n % 3))
    with pytest.raises(KeyError):
        listing.remove(batches[0])
