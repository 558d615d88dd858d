"""The views for reports, once: their columns, types and meanings. Their SQL is in the migrations.

Every view says when what it shows was last proven. A rate stands beside its numerator and its denominator,
since rates of several rows must be made of their sums and never of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, Double, MetaData, Table, Text

from etl.tables import UtcDateTime, batch_call_history, batch_calls

views = MetaData()


def _as_in(table: Table, names: str, *, key: str = "") -> Iterator[Column[Any]]:
    """Columns that a view takes from a table as they are."""
    for name in names.split():
        column = table.c[name]
        yield Column(name, column.type, primary_key=name in key.split(), comment=column.comment)


def _rates(campaigns: str) -> Iterator[Column[Any]]:
    """Sums over campaigns, and the rates that follow from them."""
    yield Column("campaigns", BigInteger, comment=campaigns)
    yield Column("total_recipients", BigInteger, comment="people to call, in all of them")
    yield Column("attempted_count", BigInteger, comment="calls made: completed_count + failed_count")
    yield Column("completed_count", BigInteger, comment="calls that succeeded")
    yield Column("failed_count", BigInteger, comment="calls that failed")
    yield Column("success_rate", Double, comment="completed_count / attempted_count; null when nothing was attempted")
    yield Column("failure_rate", Double, comment="failed_count / attempted_count; null when nothing was attempted")
    yield Column("completion_rate", Double, comment="attempted_count / total_recipients; null without recipients, may exceed 1")


ATTEMPTED = "calls made: completed_count + failed_count, of which one that is missing or negative adds nothing"
PROVEN = "when the batch was last read with proof; null while no proof covers it"

report_campaigns = Table(
    "report_campaigns",
    views,
    *_as_in(
        batch_calls,
        "created_at account id name status scheduled_at started_at completed_at total_recipients",
        key="account id",
    ),
    Column("attempted_count", BigInteger, comment=ATTEMPTED),
    *_as_in(
        batch_calls,
        "completed_count failed_count success_rate failure_rate completion_rate duration_seconds counts_consistent"
        " caller_id agent_id template_id purpose goal recurrence_type parent_batch_id occurrence_number"
        " updated_at first_seen_at changed_at",
    ),
    Column("proven_at", UtcDateTime, comment=PROVEN),
    comment="the batches that are at the source, one row each",
)

report_daily = Table(
    "report_daily",
    views,
    Column("day", Date, primary_key=True, comment="day of creation, in UTC"),
    Column("account", Text, primary_key=True, comment=batch_calls.c.account.comment),
    *_rates("batches created on that day; 0 on a day without any"),
    Column("proven_at", UtcDateTime, comment="all of that day's batches were last read, with proof, then or later; null while some never were"),
    comment="the batches that are at the source by account and UTC day of creation: every day from the oldest batch of all until the account's last complete sync; batches without created_at have no day",
)

report_status = Table(
    "report_status",
    views,
    Column("newest_created_at", UtcDateTime, comment="when the newest of them was created"),
    Column("account", Text, primary_key=True, comment=batch_calls.c.account.comment),
    Column("status", Text, primary_key=True, comment=batch_calls.c.status.comment),
    *_rates("batches in that status"),
    Column("proven_at", UtcDateTime, comment="all of the account's batches, which may change into this status, were last read, with proof, then or later; null while some never were"),
    comment="the batches that are at the source by account and status",
)

batch_runs = Table(
    "batch_runs",
    views,
    Column("started_at", UtcDateTime, primary_key=True, comment="when the run began"),
    Column("ended_at", UtcDateTime, comment="when the run ended; null while it has not, or was not seen to"),
    Column("account", Text, primary_key=True, comment=batch_calls.c.account.comment),
    Column("id", Text, primary_key=True, comment=batch_calls.c.id.comment),
    Column("run_number", BigInteger, comment="1, 2, 3, … per batch, of the runs that were seen"),
    Column("is_present", Boolean, comment="whether it is the batch's present run; the source has forgotten the others"),
    Column("name", Text, comment="the campaign's name, as it is now"),
    Column("status", Text, comment="the batch's status when the run was last seen"),
    Column("total_recipients", BigInteger, comment="people to call"),
    Column("attempted_count", BigInteger, comment=ATTEMPTED),
    Column("completed_count", BigInteger, comment="calls of the run that succeeded, as last seen"),
    Column("failed_count", BigInteger, comment="calls of the run that failed, as last seen"),
    *_as_in(batch_call_history, "success_rate failure_rate completion_rate"),
    Column("duration_seconds", Double, comment="ended_at - started_at; null while the run has not ended"),
    Column("created_at", UtcDateTime, comment=batch_calls.c.created_at.comment),
    Column("deleted_at", UtcDateTime, comment=batch_calls.c.deleted_at.comment),
    Column("observed_at", UtcDateTime, comment="since when the source has shown, or until when it showed, these numbers"),
    Column("proven_at", UtcDateTime, comment=PROVEN),
    comment="every run of every batch that was seen, of deleted batches too, with its last counts",
)

report_freshness = Table(
    "report_freshness",
    views,
    Column("account", Text, primary_key=True, comment="name of the account"),
    Column("last_complete_at", UtcDateTime, comment="when the last complete sync ended"),
    Column("oldest_proof_at", UtcDateTime, comment="no batch was last read, with proof, before this; null while some never was"),
    Column("lag_seconds", Double, comment="the age of the oldest proof now: no number can be staler than this"),
    comment="how old the numbers of each account can be",
)
