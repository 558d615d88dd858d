"""Loads what one page proves: changed rows and their history, rows set aside, absences, drift.

Everything goes through the connection that is given, so that a page is loaded whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from etl.load.batches import save_batches, save_respelled
from etl.load.changes import Changes, find_changes
from etl.load.deletes import find_missing, note_missing
from etl.load.drift import save_drift
from etl.load.quarantine import has_open, save_faults
from etl.load.stored import read_stored, read_stored_by_id
from etl.model import Change, Tally
from etl.proof import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What loading a page did, and what of it was never seen before."""

    tally: Tally
    drift: list[tuple[str, str]]


def load_proof(
    connection: Connection, account: str, run_id: int, proof: Proof, *, proves_absence: bool = True
) -> Loaded:
    """Bring the table up to what the proof shows.

    With `proves_absence` the interval is of the whole list, so that what it lacks is noted as missing; a
    list filtered by status proves no absence.
    """
    stored = read_stored(connection, account, proof.interval) if proves_absence else {}
    elsewhere = [row.id for row in proof.rows if row.id is not None and row.id not in stored]
    known = stored | read_stored_by_id(connection, account, elsewhere)
    changes = find_changes(proof.rows, known, proof.observed_at)
    save_batches(connection, account, run_id, proof.observed_at, changes.writes)
    save_respelled(connection, account, changes.respelled)
    if changes.faults or has_open(connection, account):
        save_faults(connection, account, run_id, proof.observed_at, proof.rows, changes.faults)
    note_missing(connection, account, run_id, find_missing(proof, stored.values()))
    drift = save_drift(
        connection,
        account,
        run_id,
        proof.observed_at,
        unknown_fields=changes.unknown_fields,
        statuses=changes.statuses,
    )
    return Loaded(tally=_tally(proof, changes), drift=drift)


def _tally(proof: Proof, changes: Changes) -> Tally:
    return Tally(
        pages=1,
        rows_seen=len(proof.rows),
        inserted=changes.count(Change.INSERTED),
        updated=changes.count(Change.UPDATED),
        revived=changes.count(Change.REVIVED),
        unchanged=changes.unchanged,
        quarantined=changes.rejected,
    )
