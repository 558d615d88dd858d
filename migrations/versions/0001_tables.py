"""The tables of the batches, their history, the runs, and what the runs keep beside them.

A revision stands by itself: it is what the database was at that time, and so takes nothing from the program.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)
JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME_OF_DAY = sa.Time()
OPEN = sa.text("resolved_at IS NULL")


def upgrade() -> None:
    _batch_calls()
    _batch_call_history()
    _sync_runs()
    _sync_coverage()
    _sync_missing()
    _quarantine()
    _sync_drift()
    _sync_budget()
    _sync_requests()


def _one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))


def _batch_calls() -> None:
    op.create_table(
        "batch_calls",
        sa.Column("account", sa.Text(), nullable=False, comment="name of the account in this tool's settings"),
        sa.Column("id", sa.Text(), nullable=False, comment="the batch's id at the source"),
        sa.Column("user_id", sa.Text(), comment="the source's owner of the batch"),
        sa.Column("name", sa.Text(), comment="the campaign's name"),
        sa.Column("caller_id", sa.Text(), comment="number that the calls come from"),
        sa.Column("agent_id", sa.Text(), comment="voice agent that makes the calls"),
        sa.Column("status", sa.Text(), nullable=False, comment="draft, scheduled, running, paused, completed, cancelled, failed, recurring, or one that the source added"),
        sa.Column("send_now", sa.Boolean(), comment="whether it was started at once rather than scheduled"),
        sa.Column("scheduled_at", INSTANT, comment="when it is or was to start"),
        sa.Column("window_start_time", TIME_OF_DAY, comment="calls are made from this time of day on"),
        sa.Column("window_end_time", TIME_OF_DAY, comment="calls are made until this time of day"),
        sa.Column("window_days", JSON_VALUE, comment="days of the week on which calls are made, as a list of integers"),
        sa.Column("max_concurrency", sa.BigInteger(), comment="most calls at the same time"),
        sa.Column("reserved_concurrency", sa.BigInteger(), comment="calls at the same time that are kept free for others"),
        sa.Column("total_recipients", sa.BigInteger(), comment="people to call"),
        sa.Column("completed_count", sa.BigInteger(), comment="calls of the present run that succeeded"),
        sa.Column("failed_count", sa.BigInteger(), comment="calls of the present run that failed"),
        sa.Column("template_id", sa.Text(), comment="template the batch was made from"),
        sa.Column("purpose", sa.Text(), comment="what the calls are for"),
        sa.Column("goal", sa.Text(), comment="what a call should reach"),
        sa.Column("created_at", INSTANT, comment="when the batch was created; never changes"),
        sa.Column("updated_at", INSTANT, comment="when the source says it last changed; not every change moves it"),
        sa.Column("started_at", INSTANT, comment="start of the present run"),
        sa.Column("completed_at", INSTANT, comment="end of the last finished run; a re-run keeps the earlier one's until it ends"),
        sa.Column("recurrence_type", sa.Text(), comment="none, daily, weekly, monthly, …"),
        sa.Column("recurrence_interval", sa.BigInteger(), comment="every how many units of recurrence_type"),
        sa.Column("recurrence_end_date", INSTANT, comment="when a repeating series ends"),
        sa.Column("recurrence_max_runs", sa.BigInteger(), comment="after how many runs a repeating series ends"),
        sa.Column("recurrence_run_count", sa.BigInteger(), comment="runs of the series so far"),
        sa.Column("parent_batch_id", sa.Text(), comment="the series that this batch is a run of"),
        sa.Column("occurrence_number", sa.BigInteger(), comment="which run of the series this is"),
        sa.Column("success_rate", sa.Double(), comment="completed_count / (completed_count + failed_count); null when nothing was attempted"),
        sa.Column("failure_rate", sa.Double(), comment="failed_count / (completed_count + failed_count); null when nothing was attempted"),
        sa.Column("completion_rate", sa.Double(), comment="(completed_count + failed_count) / total_recipients; null when that is 0 or null, may exceed 1"),
        sa.Column("duration_seconds", sa.Double(), comment="completed_at - started_at, null while either is missing or the difference is negative"),
        sa.Column("counts_consistent", sa.Boolean(), comment="whether 0 <= completed_count + failed_count <= total_recipients; null when a count is missing"),
        sa.Column("extra", JSON_VALUE, comment="fields of the source that this version does not know"),
        sa.Column("first_seen_at", INSTANT, nullable=False, comment="when this tool first saw the batch"),
        sa.Column("changed_at", INSTANT, nullable=False, comment="when this tool last saw a value change"),
        sa.Column("deleted_at", INSTANT, comment="when this tool found it gone from the source; null while it is there"),
        sa.Column("run_id", ROW_NUMBER, nullable=False, comment="the run that last wrote this row"),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="number of the newest row of batch_call_history"),
        sa.Column("row_hash", sa.BigInteger(), nullable=False, comment="hash of the row's bytes as received"),
        sa.Column("values_hash", sa.BigInteger(), nullable=False, comment="hash of the row's values, whatever their spelling"),
        sa.PrimaryKeyConstraint("account", "id", name="pk_batch_calls"),
        comment="every batch of every account, as the source last showed it",
    )
    op.create_index("ix_batch_calls_account_created_at", "batch_calls", ["account", "created_at"])
    op.create_index("ix_batch_calls_account_status", "batch_calls", ["account", "status"])


def _batch_call_history() -> None:
    op.create_table(
        "batch_call_history",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False, comment="1, 2, 3, … per batch"),
        sa.Column("observed_at", INSTANT, nullable=False, comment="when the source showed this"),
        sa.Column("run_id", ROW_NUMBER, nullable=False, comment="the run that saw it"),
        sa.Column("change", sa.Text(), nullable=False, comment="inserted, updated, deleted or revived"),
        sa.Column("status", sa.Text(), comment="draft, scheduled, running, paused, completed, cancelled, failed, recurring, or one that the source added"),
        sa.Column("total_recipients", sa.BigInteger(), comment="people to call"),
        sa.Column("completed_count", sa.BigInteger(), comment="calls of the present run that succeeded"),
        sa.Column("failed_count", sa.BigInteger(), comment="calls of the present run that failed"),
        sa.Column("created_at", INSTANT, comment="when the batch was created; never changes"),
        sa.Column("updated_at", INSTANT, comment="when the source says it last changed; not every change moves it"),
        sa.Column("scheduled_at", INSTANT, comment="when it is or was to start"),
        sa.Column("started_at", INSTANT, comment="start of the present run"),
        sa.Column("completed_at", INSTANT, comment="end of the last finished run; a re-run keeps the earlier one's until it ends"),
        sa.Column("success_rate", sa.Double(), comment="completed_count / (completed_count + failed_count); null when nothing was attempted"),
        sa.Column("failure_rate", sa.Double(), comment="failed_count / (completed_count + failed_count); null when nothing was attempted"),
        sa.Column("completion_rate", sa.Double(), comment="(completed_count + failed_count) / total_recipients; null when that is 0 or null, may exceed 1"),
        sa.Column("duration_seconds", sa.Double(), comment="completed_at - started_at, null while either is missing or the difference is negative"),
        sa.Column("counts_consistent", sa.Boolean(), comment="whether 0 <= completed_count + failed_count <= total_recipients; null when a count is missing"),
        sa.PrimaryKeyConstraint("account", "id", "version", name="pk_batch_call_history"),
        _one_of("batch_call_history", "change", "inserted", "updated", "deleted", "revived"),
        comment="every observed change of every batch, appended and never rewritten",
    )


def _sync_runs() -> None:
    op.create_table(
        "sync_runs",
        sa.Column("run_id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False, comment="full, incremental, backfill or replay"),
        sa.Column("status", sa.Text(), nullable=False, comment="running, succeeded, failed, incomplete or abandoned"),
        sa.Column("complete", sa.Boolean(), nullable=False, comment="whether the run proved all that it set out to read"),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("retries", sa.BigInteger(), nullable=False),
        sa.Column("rate_limited", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("rows_seen", sa.BigInteger(), nullable=False),
        sa.Column("inserted", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("revived", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("heartbeat_at", INSTANT, nullable=False, comment="when the run last committed something"),
        sa.Column("finished_at", INSTANT),
        sa.Column("seconds", sa.Double()),
        sa.Column("error", sa.Text()),
        sa.Column("proven", JSON_VALUE, comment="intervals of created_at that the run proved: a list of created_from (null = from the oldest on) and created_to"),
        sa.Column("page_rows", sa.BigInteger(), nullable=False, comment="rows of the longest page that the source gave"),
        sa.Column("full_since", INSTANT, comment="a full sync or a backfill counts proofs from then on; null for other runs"),
        sa.Column("window", sa.Text(), comment="a backfill's window and statuses"),
        sa.Column("reached", JSON_VALUE, comment="per status: down to which created_at a backfill of that status has read"),
        sa.Column("program_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_sync_runs"),
        _one_of("sync_runs", "mode", "full", "incremental", "backfill", "replay"),
        _one_of("sync_runs", "status", "running", "succeeded", "failed", "incomplete", "abandoned"),
        comment="one row per run of one account",
    )
    op.create_index("ix_sync_runs_account_run_id", "sync_runs", ["account", "run_id"])


def _sync_coverage() -> None:
    op.create_table(
        "sync_coverage",
        sa.Column("coverage_id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("created_from", INSTANT, comment="batches created after this instant …; null = from the oldest on"),
        sa.Column("created_to", INSTANT, comment="… and until this one, itself included; null = to the newest and those without a time"),
        sa.Column("proven_at", INSTANT, nullable=False, comment="when every batch of the interval was last read, with proof"),
        sa.PrimaryKeyConstraint("coverage_id", name="pk_sync_coverage"),
        comment="which intervals of created_at were proven when; the intervals of an account do not overlap",
    )
    op.create_index("ix_sync_coverage_account", "sync_coverage", ["account"])


def _sync_missing() -> None:
    op.create_table(
        "sync_missing",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_id", ROW_NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account", "id", name="pk_sync_missing"),
        comment="batches that the run in progress, or one that the delete guard stopped, found gone",
    )


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), comment="the batch's id, where it could be read"),
        sa.Column("run_id", ROW_NUMBER, nullable=False, comment="the run that set it aside"),
        sa.Column("last_run_id", ROW_NUMBER, nullable=False, comment="the run that saw it last"),
        sa.Column("field", sa.Text(), comment="the field that could not be read; null when it is the row itself"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False, comment="the row as received"),
        sa.Column("raw_hash", sa.BigInteger(), nullable=False),
        sa.Column("row_loaded", sa.Boolean(), nullable=False, comment="whether the row was loaded without that field"),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, comment="when the source no longer showed it so"),
        sa.PrimaryKeyConstraint("quarantine_id", name="pk_quarantine"),
        comment="rows, and single fields, that could not be read",
    )
    op.create_index("ix_quarantine_account_raw_hash", "quarantine", ["account", "raw_hash"])
    op.create_index("ix_quarantine_open", "quarantine", ["account", "id"], sqlite_where=OPEN, postgresql_where=OPEN)


def _sync_drift() -> None:
    op.create_table(
        "sync_drift",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="field or status"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("run_id", ROW_NUMBER, nullable=False, comment="the run that first saw it"),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("account", "kind", "name", name="pk_sync_drift"),
        _one_of("sync_drift", "kind", "field", "status"),
        comment="fields and statuses of the source that this version does not know, each reported once",
    )


def _sync_budget() -> None:
    op.create_table(
        "sync_budget",
        sa.Column("budget", sa.Text(), nullable=False, comment="fingerprint of a source and a key; never the key"),
        sa.Column("told_remaining", sa.BigInteger(), comment="the fewest requests that the source still took, by its own word; null while it says nothing"),
        sa.Column("told_limit", sa.BigInteger(), comment="requests that it takes in the window of which it speaks"),
        sa.Column("opened_at", INSTANT, comment="when the first request of that window was sent, as far as is known"),
        sa.Column("resets_at", INSTANT, comment="when that window is certain to be over"),
        sa.Column("not_before", INSTANT, comment="until when the source asked everybody to wait"),
        sa.Column("refusals", sa.BigInteger(), nullable=False, comment="refusals (429) since the last request that was let through"),
        sa.PrimaryKeyConstraint("budget", name="pk_sync_budget"),
        comment="what the source has said of its quota: one row per key, shared by all who use it",
    )


def _sync_requests() -> None:
    op.create_table(
        "sync_requests",
        sa.Column("request_id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("budget", sa.Text(), nullable=False, comment="the key that it was sent with, as in sync_budget"),
        sa.Column("counted_at", INSTANT, nullable=False, comment="by when the source has counted it: when it was answered; until then, the latest that can be"),
        sa.PrimaryKeyConstraint("request_id", name="pk_sync_requests"),
        comment="the requests of the past hour: by these the quota is kept",
    )
    op.create_index("ix_sync_requests_budget_counted_at", "sync_requests", ["budget", "counted_at"])
