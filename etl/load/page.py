"""Loads what one page proves: changed rows and their history, rows set aside, absences, drift.

Everything goes through the connection that is given, so that a page is loaded whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from etl.interval import OLDEST
from etl.load.batches import save_batches, save_respelled
from etl.load.changes import Changes, find_changes
from etl.load.deletes import find_missing, forget_shown, note_missing
from etl.load.drift import save_drift
from etl.load.facts import Facts
from etl.load.quarantine import save_faults
from etl.load.stored import has_user, read_hashes, read_hashes_by_id, read_owner, read_stored_by_id
from etl.model import Change, Tally
from etl.proof import Proof, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What loading a page did, and what of it was never seen before."""

    tally: Tally
    drift: list[tuple[str, str]]
    contradictions: tuple[str, ...]  # to what the source promises


def load_proof(connection: Connection, account: str, run_id: int, proof: Proof, facts: Facts) -> Loaded:
    """Bring the table up to what the proof shows; what its interval lacks is noted as missing.

    Raises DuplicateKeyError where a batch is there already that the facts suppose to be new.
    """
    hashes = {} if facts.is_untouched(proof.interval) else read_hashes(connection, account, proof.interval)
    all_new = facts.is_first and not hashes
    loaded = _load(connection, account, run_id, proof.rows, proof.observed_at, hashes, facts, all_new=all_new)
    absent = hashes.keys() - {row.id for row in proof.rows}
    missing = find_missing(proof, read_stored_by_id(connection, account, [*absent]).values())
    note_missing(connection, account, run_id, missing)
    facts.has_missing |= bool(missing)
    facts.reached = min(facts.reached, proof.interval.after or OLDEST)
    return loaded


def load_rows(
    connection: Connection,
    account: str,
    run_id: int,
    rows: Sequence[Row],
    observed_at: datetime,
    facts: Facts,
) -> Loaded:
    """Load rows of a page, whatever it proves."""
    facts.reached = OLDEST
    hashes = read_hashes_by_id(connection, account, _ids(rows))
    return _load(connection, account, run_id, rows, observed_at, hashes, facts)


def _load(
    connection: Connection,
    account: str,
    run_id: int,
    rows: Sequence[Row],
    observed_at: datetime,
    hashes: Mapping[str, int],
    facts: Facts,
    *,
    all_new: bool = False,
) -> Loaded:
    if facts.has_missing:
        forget_shown(connection, account, _ids(rows))
    others = [row for row in rows if row.id is None or hashes.get(row.id) != row.row_hash]
    stored = read_stored_by_id(connection, account, [] if all_new else _ids(others))
    changes = find_changes(others, stored, observed_at)
    changes.unchanged += len(rows) - len(others)
    if changes.users and facts.owner is None:
        facts.owner = read_owner(connection, account)
    contradictions = tuple(_find_contradictions(connection, account, changes, facts.owner))
    save_batches(connection, account, run_id, observed_at, changes.writes, all_new=all_new)
    save_respelled(connection, account, changes.respelled)
    facts.owner = facts.owner or min(changes.users, default=None)
    facts.has_set_aside |= bool(changes.faults)
    set_aside = 0
    if facts.has_set_aside:
        set_aside = save_faults(connection, account, run_id, observed_at, rows, changes)
    drift = save_drift(
        connection,
        account,
        run_id,
        observed_at,
        unknown_fields=changes.unknown_fields,
        statuses=changes.statuses,
    )
    return Loaded(tally=_tally(changes, set_aside), drift=drift, contradictions=contradictions)


def _ids(rows: Iterable[Row]) -> list[str]:
    return [row.id for row in rows if row.id is not None]


def _find_contradictions(
    connection: Connection, account: str, changes: Changes, owner: str | None
) -> Iterator[str]:
    """What cannot be of one user's list; the rows are loaded all the same, as the source has them."""
    if changes.moved:
        yield "the created_at of a batch changed"
    if changes.undated:
        yield "a batch without created_at stands below others"
    others = changes.users - {owner} if owner is not None else ()
    if any(not has_user(connection, account, user) for user in others):
        yield "batches of a user_id that the account never had; is it another account's key?"


def _tally(changes: Changes, set_aside: int) -> Tally:
    return Tally(
        pages=1,
        # Not the page's length: a row that is set aside can stand on two pages, and is counted once.
        rows_seen=len(changes.writes) + changes.unchanged + set_aside,
        inserted=changes.count(Change.INSERTED),
        updated=changes.count(Change.UPDATED),
        revived=changes.count(Change.REVIVED),
        unchanged=changes.unchanged,
        quarantined=set_aside,
    )
