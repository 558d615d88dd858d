"""Loads what one page proves: changed rows and their history, rows set aside, absences, drift.

Everything goes through the connection that is given, so that a page is loaded whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from etl.load.batches import save_batches, save_respelled
from etl.load.changes import Changes, find_changes
from etl.load.deletes import find_missing, note_missing
from etl.load.drift import save_drift
from etl.load.quarantine import has_open, save_faults
from etl.load.stored import has_user, has_users, read_hashes, read_hashes_by_id, read_stored_by_id
from etl.model import Change, Tally
from etl.proof import Proof, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What loading a page did, and what of it was never seen before."""

    tally: Tally
    drift: list[tuple[str, str]]
    contradictions: tuple[str, ...] = ()  # to what the source promises
    missing: int = 0  # batches that the page should show and does not


def load_proof(connection: Connection, account: str, run_id: int, proof: Proof) -> Loaded:
    """Bring the table up to what the proof shows; what its interval lacks is noted as missing."""
    hashes = read_hashes(connection, account, proof.interval)
    loaded = _load(connection, account, run_id, proof.rows, proof.observed_at, hashes)
    absent = hashes.keys() - {row.id for row in proof.rows}
    missing = find_missing(proof, read_stored_by_id(connection, account, [*absent]).values())
    note_missing(connection, account, run_id, missing)
    return replace(loaded, missing=len(missing))


def load_rows(
    connection: Connection, account: str, run_id: int, rows: Sequence[Row], observed_at: datetime
) -> Loaded:
    """Load rows of a page, whatever it proves."""
    hashes = read_hashes_by_id(connection, account, [row.id for row in rows if row.id is not None])
    return _load(connection, account, run_id, rows, observed_at, hashes)


def _load(
    connection: Connection,
    account: str,
    run_id: int,
    rows: Sequence[Row],
    observed_at: datetime,
    hashes: Mapping[str, int],
) -> Loaded:
    others = [row for row in rows if row.id is None or hashes.get(row.id) != row.row_hash]
    stored = read_stored_by_id(connection, account, [row.id for row in others if row.id is not None])
    changes = find_changes(others, stored, observed_at)
    changes.unchanged += len(rows) - len(others)
    contradictions = tuple(_find_contradictions(connection, account, changes))
    save_batches(connection, account, run_id, observed_at, changes.writes)
    save_respelled(connection, account, changes.respelled)
    set_aside = 0
    if changes.faults or has_open(connection, account):
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


def _find_contradictions(connection: Connection, account: str, changes: Changes) -> Iterator[str]:
    """What cannot be of one user's list; the rows are loaded all the same, as the source has them."""
    if changes.moved:
        yield "the created_at of a batch changed"
    if changes.undated:
        yield "a batch without created_at stands below others"
    new = [user for user in sorted(changes.users) if not has_user(connection, account, user)]
    if new and has_users(connection, account):
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
