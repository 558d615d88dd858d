"""The whole list held against the lists of the statuses."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from etl.interval import NEWEST
from etl.proof import Row
from etl.verify.lists import Dispute, Sightings, judge, judge_stranger, status_of
from etl.verify.verdict import Count, Kind

from support.clocks import START as NOW
from support.pages import read_row

MINUTE = timedelta(minutes=1)


def row(of_id: str | None, status: object, minutes_ago: int | None = 10) -> Row:
    created_at = None if minutes_ago is None else (NOW - minutes_ago * MINUTE).isoformat()
    return read_row(json.dumps({"id": of_id, "status": status, "created_at": created_at}).encode())


def sightings(walked: str, **lists: str) -> Sightings:
    """`a:running b:failed` in the whole list, and who is in the list of which status."""
    seen = Sightings()
    statuses = dict(word.split(":") for word in walked.split())
    for of_id, status in statuses.items():
        seen.note_walked(row(of_id, status))
    for status, members in lists.items():
        seen.lists[status] = set()
        for of_id in members.split():
            seen.note_listed(row(of_id, status), status)
    return seen


def disputes(seen: Sightings) -> dict[str | int, tuple[str | None, tuple[str, ...]]]:
    return {dispute.identity: (dispute.walked, dispute.listed) for dispute in seen.find_disputes()}


def dispute(walked: str | None, *listed: str) -> Dispute:
    return Dispute(identity="a", place=NOW, walked=walked, listed=listed)


# -- who is disputed ------------------------------------------------------------------------------


def test_whoever_is_in_the_list_of_its_status_and_in_no_other_is_undisputed() -> None:
    assert disputes(sightings("a:running b:failed c:failed", running="a", failed="c b")) == {}


def test_whoever_is_in_no_list_or_in_two_or_in_a_list_alone_is_disputed() -> None:
    seen = sightings("a:running b:failed c:failed", running="b", failed="b c d")
    assert disputes(seen) == {
        "a": ("running", ()),
        "b": ("failed", ("running", "failed")),
        "d": (None, ("failed",)),
    }


def test_a_status_that_cannot_be_read_is_no_dispute() -> None:
    seen = sightings("a:failed", failed="a")
    seen.note_walked(row("b", 7))
    assert disputes(seen) == {}


def test_a_row_without_an_id_is_known_by_its_bytes() -> None:
    seen = sightings("", failed="")
    nameless = row(None, "failed")
    seen.note_walked(nameless)
    assert disputes(seen) == {nameless.row_hash: ("failed", ())}
    seen.note_listed(nameless, "failed")
    assert disputes(seen) == {}


def test_whoever_says_otherwise_than_its_list_is_a_stranger_there() -> None:
    seen = sightings("a:running", running="", failed="")
    seen.note_listed(row("a", "running"), "failed")
    assert seen.strangers == {"a": "failed"}
    difference = judge_stranger("a", "failed")
    assert (difference.kind, difference.explained) == (Kind.UNEXPLAINED, False)


@pytest.mark.parametrize("raw", [b"[]", b'{"status":7}', b"{", b"{}"])
def test_an_unreadable_status_is_none(raw: bytes) -> None:
    assert status_of(Row(raw, 0, "a", NOW)) is None


# -- what is decided ------------------------------------------------------------------------------


def decided(
    one: Dispute, again: str | None, *, listed_again: bool = False, is_new: bool = False
) -> tuple[Kind, bool, str]:
    difference = judge(one, again=again, listed_again=listed_again, is_new=is_new)
    return difference.kind, difference.explained, difference.what


MOVED = "it changed while it was verified"


def test_whoever_was_seen_in_two_statuses_has_moved() -> None:
    one = dispute("running", "running", "completed")
    assert one.is_settled
    assert decided(one, None) == (Kind.MOVED, True, f"running in one read and completed in another: {MOVED}")


@pytest.mark.parametrize(
    ("one", "again", "how"),
    [
        (dispute("running"), "completed", "running at first and completed later"),
        (dispute("running"), None, "gone from the source"),
        (dispute(None, "draft"), None, "gone from the source"),
    ],
)
def test_whoever_is_otherwise_at_another_look_has_moved(one: Dispute, again: str | None, how: str) -> None:
    assert not one.is_settled
    assert decided(one, again) == (Kind.MOVED, True, f"{how}: {MOVED}")


def test_whoever_is_as_before_and_in_its_list_now_was_elsewhere_for_a_moment() -> None:
    told = decided(dispute("running"), "running", listed_again=True)
    assert told == (Kind.MOVED, True, f"not running for a moment: {MOVED}")


def test_whoever_is_as_before_and_in_no_list_is_a_contradiction_of_the_source() -> None:
    assert decided(dispute("running"), "running")[:2] == (Kind.UNEXPLAINED, False)


def test_whoever_is_newer_than_the_walk_was_created_meanwhile() -> None:
    assert decided(dispute(None, "draft"), "draft", is_new=True) == (Kind.MOVED, True, f"created: {MOVED}")
    assert decided(dispute(None, "draft"), "draft")[:2] == (Kind.UNEXPLAINED, False)


# -- where, and how many --------------------------------------------------------------------------


def test_a_place_is_counted_from_the_top() -> None:
    seen = Sightings()
    for number in range(5):
        seen.note_walked(row(f"b{number}", "failed" if number % 2 else "draft", minutes_ago=10 * number))
    seen.note_walked(row("undated", "draft", minutes_ago=None))
    assert seen.count_newer(NOW - 25 * MINUTE) == 4
    assert seen.count_newer(NOW - 25 * MINUTE, "draft") == 3
    assert seen.is_new(NOW)
    assert not seen.is_new(NOW - MINUTE)
    assert seen.is_new(NEWEST)
    assert seen.is_new(None)


def test_the_counts_name_every_status_that_anybody_knows() -> None:
    seen = sightings("a:running b:failed c:failed", running="a", failed="b c", draft="")
    seen.note_walked(row("d", None))
    assert seen.count({"a": "running", "x": "parked"}) == [
        Count(status="running", listed=1, walked=1, table=1),
        Count(status="failed", listed=2, walked=2, table=0),
        Count(status="draft", listed=0, walked=0, table=0),
        Count(status="parked", listed=0, walked=0, table=1),
        Count(status=None, listed=0, walked=1, table=0),
    ]
