"""The tables, once: migrations, loads, reads and the documentation all follow from here. The views: etl.views.

In PostgreSQL they live in the schema that the settings name (through the connection's search_path),
in SQLite in the file.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Time,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: `timestamptz` in PostgreSQL, `YYYY-MM-DD HH:MM:SS.ffffff` in UTC in SQLite; always read back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


JsonValue = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
# SQLite numbers rows by itself only in an INTEGER key.
RowNumber = BigInteger().with_variant(Integer(), "sqlite")
# The type of a column decides how SQLite compares: text, without the microseconds that a time of day never has.
TimeOfDay = Time().with_variant(
    sqlite.TIME(storage_format="%(hour)02d:%(minute)02d:%(second)02d", regexp=r"(\d+):(\d+):(\d+)(?:\.\d+)?"),
    "sqlite",
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

batch_calls = Table(
    "batch_calls",
    metadata,
    Column("account", Text, primary_key=True, comment="name of the account in this tool's settings"),
    Column("id", Text, primary_key=True, comment="the batch's id at the source"),
    Column("user_id", Text, comment="the source's owner of the batch"),
    Column("name", Text, comment="the campaign's name"),
    Column("caller_id", Text, comment="number that the calls come from"),
    Column("agent_id", Text, comment="voice agent that makes the calls"),
    Column("status", Text, nullable=False, comment="draft, scheduled, running, paused, completed, cancelled, failed, recurring, or one that the source added"),
    Column("send_now", Boolean, comment="whether it was started at once rather than scheduled"),
    Column("scheduled_at", UtcDateTime, comment="when it is or was to start"),
    Column("window_start_time", TimeOfDay, comment="calls are made from this time of day on"),
    Column("window_end_time", TimeOfDay, comment="calls are made until this time of day"),
    Column("window_days", JsonValue, comment="days of the week on which calls are made, as a list of integers"),
    Column("max_concurrency", BigInteger, comment="most calls at the same time"),
    Column("reserved_concurrency", BigInteger, comment="calls at the same time that are kept free for others"),
    Column("total_recipients", BigInteger, comment="people to call"),
    Column("completed_count", BigInteger, comment="calls of the present run that succeeded"),
    Column("failed_count", BigInteger, comment="calls of the present run that failed"),
    Column("template_id", Text, comment="template the batch was made from"),
    Column("purpose", Text, comment="what the calls are for"),
    Column("goal", Text, comment="what a call should reach"),
    Column("created_at", UtcDateTime, comment="when the batch was created; never changes"),
    Column("updated_at", UtcDateTime, comment="when the source says it last changed; not every change moves it"),
    Column("started_at", UtcDateTime, comment="start of the present run"),
    Column("completed_at", UtcDateTime, comment="end of the last finished run; a re-run keeps the earlier one's until it ends"),
    Column("recurrence_type", Text, comment="none, daily, weekly, monthly, …"),
    Column("recurrence_interval", BigInteger, comment="every how many units of recurrence_type"),
    Column("recurrence_end_date", UtcDateTime, comment="when a repeating series ends"),
    Column("recurrence_max_runs", BigInteger, comment="after how many runs a repeating series ends"),
    Column("recurrence_run_count", BigInteger, comment="runs of the series so far"),
    Column("parent_batch_id", Text, comment="the series that this batch is a run of"),
    Column("occurrence_number", BigInteger, comment="which run of the series this is"),
    Column("success_rate", Double, comment="completed_count / (completed_count + failed_count); null when nothing was attempted"),
    Column("failure_rate", Double, comment="failed_count / (completed_count + failed_count); null when nothing was attempted"),
    Column("completion_rate", Double, comment="(completed_count + failed_count) / total_recipients; null when that is 0 or null, may exceed 1"),
    Column("duration_seconds", Double, comment="completed_at - started_at, null while either is missing or the difference is negative"),
    Column("counts_consistent", Boolean, comment="whether 0 <= completed_count + failed_count <= total_recipients; null when a count is missing"),
    Column("extra", JsonValue, comment="fields of the source that this version does not know"),
    Column("first_seen_at", UtcDateTime, nullable=False, comment="when this tool first saw the batch"),
    Column("changed_at", UtcDateTime, nullable=False, comment="when this tool last saw a value change"),
    Column("deleted_at", UtcDateTime, comment="when this tool found it gone from the source; null while it is there"),
    Column("run_id", RowNumber, nullable=False, comment="the run that last wrote this row"),
    Column("version", BigInteger, nullable=False, comment="number of the newest row of batch_call_history"),
    Column("row_hash", BigInteger, nullable=False, comment="hash of the row's bytes as received"),
    Column("values_hash", BigInteger, nullable=False, comment="hash of the row's values, whatever their spelling"),
    comment="every batch of every account, as the source last showed it",
)
# With deleted_at, so that the batches that are at the source are counted without a look at the batches.
Index(None, batch_calls.c.account, batch_calls.c.created_at, batch_calls.c.deleted_at)
Index(None, batch_calls.c.account, batch_calls.c.status, batch_calls.c.deleted_at)

batch_call_history = Table(
    "batch_call_history",
    metadata,
    Column("account", Text, primary_key=True, comment="name of the account in this tool's settings"),
    Column("id", Text, primary_key=True, comment="the batch's id at the source"),
    Column("version", BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3, … per batch"),
    Column("observed_at", UtcDateTime, nullable=False, comment="when the source showed this"),
    Column("run_id", RowNumber, nullable=False, comment="the run that saw it"),
    Column("change", Text, nullable=False, comment="inserted, updated, deleted or revived"),
    *(
        Column(name, batch_calls.c[name].type, comment=batch_calls.c[name].comment)
        for name in (
            "status total_recipients completed_count failed_count created_at updated_at scheduled_at started_at"
            " completed_at success_rate failure_rate completion_rate duration_seconds counts_consistent"
        ).split()
    ),
    comment="every observed change of every batch, appended and never rewritten",
)

sync_runs = Table(
    "sync_runs",
    metadata,
    Column("run_id", RowNumber, primary_key=True, autoincrement=True, comment="number of the run"),
    Column("account", Text, nullable=False, comment="name of the account in this tool's settings"),
    Column("mode", Text, nullable=False, comment="full, incremental, backfill or replay"),
    Column("status", Text, nullable=False, comment="running, succeeded, failed, incomplete or abandoned"),
    Column("complete", Boolean, nullable=False, default=False, comment="whether the run proved all that it set out to read"),
    Column("requests", BigInteger, nullable=False, default=0, comment="requests sent to the source, the retries among them"),
    Column("retries", BigInteger, nullable=False, default=0, comment="requests that were tried again"),
    Column("rate_limited", BigInteger, nullable=False, default=0, comment="answers 429 among them"),
    Column("pages", BigInteger, nullable=False, default=0, comment="pages that were loaded"),
    Column("rows_seen", BigInteger, nullable=False, default=0, comment="rows on these pages"),
    Column("inserted", BigInteger, nullable=False, default=0, comment="batches that are new"),
    Column("updated", BigInteger, nullable=False, default=0, comment="batches of which a value changed"),
    Column("unchanged", BigInteger, nullable=False, default=0, comment="batches that were the same"),
    Column("deleted", BigInteger, nullable=False, default=0, comment="batches found gone, and marked so"),
    Column("revived", BigInteger, nullable=False, default=0, comment="batches that came back"),
    Column("quarantined", BigInteger, nullable=False, default=0, comment="rows that were set aside"),
    Column("started_at", UtcDateTime, nullable=False, comment="when the run began"),
    Column("heartbeat_at", UtcDateTime, nullable=False, comment="when the run last committed something"),
    Column("finished_at", UtcDateTime, comment="when it ended; null while it runs"),
    Column("seconds", Double, comment="how long it took"),
    Column("error", Text, comment="why it did not succeed, in one sentence"),
    Column("proven", JsonValue, comment="intervals of created_at that the run proved: a list of created_from (null = from the oldest on) and created_to"),
    Column("page_rows", BigInteger, nullable=False, default=0, comment="rows of the longest page that the source gave"),
    Column("full_since", UtcDateTime, comment="a full sync or a backfill counts proofs from then on; null for other runs"),
    Column("window", Text, comment="a backfill's window and statuses"),
    Column("reached", JsonValue, comment="per status: down to which created_at a backfill of that status has read"),
    Column("program_version", Text, nullable=False, comment="release of this program"),
    comment="one row per run of one account",
)
Index("ix_sync_runs_account_run_id", sync_runs.c.account, sync_runs.c.run_id)

sync_coverage = Table(
    "sync_coverage",
    metadata,
    Column("coverage_id", RowNumber, primary_key=True, autoincrement=True, comment="number of the row"),
    Column("account", Text, nullable=False, comment="name of the account in this tool's settings"),
    Column("created_from", UtcDateTime, comment="batches created after this instant …; null = from the oldest on"),
    Column("created_to", UtcDateTime, comment="… and until this one, itself included; null = to the newest and those without a time"),
    Column("proven_at", UtcDateTime, nullable=False, comment="when every batch of the interval was last read, with proof"),
    comment="which intervals of created_at were proven when; the intervals of an account do not overlap",
)
Index("ix_sync_coverage_account_created_to", sync_coverage.c.account, sync_coverage.c.created_to)

sync_missing = Table(
    "sync_missing",
    metadata,
    Column("account", Text, primary_key=True, comment="name of the account in this tool's settings"),
    Column("id", Text, primary_key=True, comment="the batch's id at the source"),
    Column("run_id", RowNumber, nullable=False, comment="the run, as in sync_runs"),
    Column("held_run_id", RowNumber, comment="the last run in which the delete guard kept it from being marked deleted; null for none"),
    comment="batches that the run in progress, or one that the delete guard stopped, found gone",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", RowNumber, primary_key=True, autoincrement=True, comment="number of the row"),
    Column("account", Text, nullable=False, comment="name of the account in this tool's settings"),
    Column("id", Text, comment="the batch's id, where it could be read"),
    Column("run_id", RowNumber, nullable=False, comment="the run that set it aside"),
    Column("last_run_id", RowNumber, nullable=False, comment="the run that saw it last"),
    Column("field", Text, comment="the field that could not be read; null when it is the row itself"),
    Column("reason", Text, nullable=False, comment="what was seen, and what was expected"),
    Column("raw", Text, nullable=False, comment="the row as received"),
    Column("raw_hash", BigInteger, nullable=False, comment="hash of raw"),
    Column("row_loaded", Boolean, nullable=False, comment="whether the row was loaded without that field"),
    Column("seen_at", UtcDateTime, nullable=False, comment="when it was set aside"),
    Column("resolved_at", UtcDateTime, comment="when the source no longer showed it so"),
    comment="rows, and single fields, that could not be read",
)
Index("ix_quarantine_account_raw_hash", quarantine.c.account, quarantine.c.raw_hash)
Index(
    "ix_quarantine_open",
    quarantine.c.account,
    quarantine.c.id,
    sqlite_where=text("resolved_at IS NULL"),
    postgresql_where=text("resolved_at IS NULL"),
)

sync_drift = Table(
    "sync_drift",
    metadata,
    Column("account", Text, primary_key=True, comment="name of the account in this tool's settings"),
    Column("kind", Text, primary_key=True, comment="field or status"),
    Column("name", Text, primary_key=True, comment="of the field or status"),
    Column("run_id", RowNumber, nullable=False, comment="the run that first saw it"),
    Column("first_seen_at", UtcDateTime, nullable=False, comment="when it was first seen"),
    comment="fields and statuses of the source that this version does not know, each reported once",
)

sync_budget = Table(
    "sync_budget",
    metadata,
    Column("budget", Text, primary_key=True, comment="fingerprint of a source and a key; never the key"),
    Column("told_remaining", BigInteger, comment="the fewest requests that the source still took, by its own word; null while it says nothing"),
    Column("told_limit", BigInteger, comment="requests that it takes in the window of which it speaks"),
    Column("opened_at", UtcDateTime, comment="when the first request of that window was sent, as far as is known"),
    Column("resets_at", UtcDateTime, comment="when that window is certain to be over"),
    Column("not_before", UtcDateTime, comment="until when the source asked everybody to wait"),
    Column("refusals", BigInteger, nullable=False, default=0, comment="refusals (429) since the last request that was let through"),
    comment="what the source has said of its quota: one row per key, shared by all who use it",
)

sync_requests = Table(
    "sync_requests",
    metadata,
    Column("request_id", RowNumber, primary_key=True, autoincrement=True, comment="number of the row"),
    Column("budget", Text, nullable=False, comment="the key that it was sent with, as in sync_budget"),
    Column("counted_at", UtcDateTime, nullable=False, comment="by when the source has counted it: when it was answered; until then, the latest that can be"),
    comment="the requests of the past hour: by these the quota is kept",
)
Index("ix_sync_requests_budget_counted_at", sync_requests.c.budget, sync_requests.c.counted_at)

incidents = Table(
    "incidents",
    metadata,
    Column("incident_id", RowNumber, primary_key=True, autoincrement=True, comment="number of the row"),
    Column("account", Text, nullable=False, comment="name of the account in this tool's settings"),
    Column("kind", Text, nullable=False, comment="left_out, failing, stale, deletes_held, quarantine or drift"),
    Column("subject", Text, nullable=False, comment="which of several of the kind: the unknown field or status; empty otherwise"),
    Column("detail", Text, nullable=False, comment="what is wrong, in one sentence"),
    Column("level", BigInteger, nullable=False, comment="how much of it there was when it was last told: rows set aside, batches held back"),
    Column("opened_at", UtcDateTime, nullable=False, comment="since when it has been so"),
    Column("closed_at", UtcDateTime, comment="when it was over; null while it lasts"),
    Column("to_tell", Text, comment="what is still to be notified of: opened, worse or closed; null when all was"),
    comment="what the service found wrong, each told once when it begins and once when it is over",
)
Index(
    "ix_incidents_open",
    incidents.c.account,
    incidents.c.kind,
    incidents.c.subject,
    unique=True,
    sqlite_where=text("closed_at IS NULL"),
    postgresql_where=text("closed_at IS NULL"),
)
