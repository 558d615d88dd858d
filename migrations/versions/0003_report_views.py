"""The views for reports, with the same numbers on either database, and a comment on everything.

A count that is missing or negative tells nothing, and adds nothing to a sum. A sum beyond 64 bits stops at
the highest number that a column takes, since one odd batch must not fail the view for all.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# Columns of `report_types`; see there.
DAY, INSTANT, WORDS, WHOLE, FRACTION, FLAG = "day", "instant", "words", "whole", "fraction", "flag"

COLUMNS = {
    "report_campaigns": {
        "created_at": (INSTANT, "when the batch was created; never changes"),
        "account": (WORDS, "name of the account in this tool's settings"),
        "id": (WORDS, "the batch's id at the source"),
        "name": (WORDS, "the campaign's name"),
        "status": (WORDS, "draft, scheduled, running, paused, completed, cancelled, failed, recurring, or one that the source added"),
        "scheduled_at": (INSTANT, "when it is or was to start"),
        "started_at": (INSTANT, "start of the present run"),
        "completed_at": (INSTANT, "end of the last finished run; a re-run keeps the earlier one's until it ends"),
        "total_recipients": (WHOLE, "people to call"),
        "attempted_count": (WHOLE, "calls made: completed_count + failed_count, of which one that is missing or negative adds nothing"),
        "completed_count": (WHOLE, "calls of the present run that succeeded"),
        "failed_count": (WHOLE, "calls of the present run that failed"),
        "success_rate": (FRACTION, "completed_count / (completed_count + failed_count); null when nothing was attempted"),
        "failure_rate": (FRACTION, "failed_count / (completed_count + failed_count); null when nothing was attempted"),
        "completion_rate": (FRACTION, "(completed_count + failed_count) / total_recipients; null when that is 0 or null, may exceed 1"),
        "duration_seconds": (FRACTION, "completed_at - started_at, null while either is missing or the difference is negative"),
        "counts_consistent": (FLAG, "whether 0 <= completed_count + failed_count <= total_recipients; null when a count is missing"),
        "caller_id": (WORDS, "number that the calls come from"),
        "agent_id": (WORDS, "voice agent that makes the calls"),
        "template_id": (WORDS, "template the batch was made from"),
        "purpose": (WORDS, "what the calls are for"),
        "goal": (WORDS, "what a call should reach"),
        "recurrence_type": (WORDS, "none, daily, weekly, monthly, …"),
        "parent_batch_id": (WORDS, "the series that this batch is a run of"),
        "occurrence_number": (WHOLE, "which run of the series this is"),
        "updated_at": (INSTANT, "when the source says it last changed; not every change moves it"),
        "first_seen_at": (INSTANT, "when this tool first saw the batch"),
        "changed_at": (INSTANT, "when this tool last saw a value change"),
        "proven_at": (INSTANT, "when the batch was last read with proof; null while no proof covers it"),
    },
    "report_daily": {
        "day": (DAY, "day of creation, in UTC"),
        "account": (WORDS, "name of the account in this tool's settings"),
        "campaigns": (WHOLE, "batches created on that day; 0 on a day without any"),
        "total_recipients": (WHOLE, "people to call, in all of them"),
        "attempted_count": (WHOLE, "calls made: completed_count + failed_count"),
        "completed_count": (WHOLE, "calls that succeeded"),
        "failed_count": (WHOLE, "calls that failed"),
        "success_rate": (FRACTION, "completed_count / attempted_count; null when nothing was attempted"),
        "failure_rate": (FRACTION, "failed_count / attempted_count; null when nothing was attempted"),
        "completion_rate": (FRACTION, "attempted_count / total_recipients; null without recipients, may exceed 1"),
        "proven_at": (INSTANT, "all of that day's batches were last read, with proof, then or later; null while some never were"),
    },
    "report_status": {
        "newest_created_at": (INSTANT, "when the newest of them was created"),
        "account": (WORDS, "name of the account in this tool's settings"),
        "status": (WORDS, "draft, scheduled, running, paused, completed, cancelled, failed, recurring, or one that the source added"),
        "campaigns": (WHOLE, "batches in that status"),
        "total_recipients": (WHOLE, "people to call, in all of them"),
        "attempted_count": (WHOLE, "calls made: completed_count + failed_count"),
        "completed_count": (WHOLE, "calls that succeeded"),
        "failed_count": (WHOLE, "calls that failed"),
        "success_rate": (FRACTION, "completed_count / attempted_count; null when nothing was attempted"),
        "failure_rate": (FRACTION, "failed_count / attempted_count; null when nothing was attempted"),
        "completion_rate": (FRACTION, "attempted_count / total_recipients; null without recipients, may exceed 1"),
        "proven_at": (INSTANT, "all of the account's batches, which may change into this status, were last read, with proof, then or later; null while some never were"),
    },
    "batch_runs": {
        "started_at": (INSTANT, "when the run began"),
        "ended_at": (INSTANT, "when the run ended; null while it has not, or was not seen to"),
        "account": (WORDS, "name of the account in this tool's settings"),
        "id": (WORDS, "the batch's id at the source"),
        "run_number": (WHOLE, "1, 2, 3, … per batch, of the runs that were seen"),
        "is_present": (FLAG, "whether it is the batch's present run; the source has forgotten the others"),
        "name": (WORDS, "the campaign's name, as it is now"),
        "status": (WORDS, "the batch's status when the run was last seen"),
        "total_recipients": (WHOLE, "people to call"),
        "attempted_count": (WHOLE, "calls made: completed_count + failed_count, of which one that is missing or negative adds nothing"),
        "completed_count": (WHOLE, "calls of the run that succeeded, as last seen"),
        "failed_count": (WHOLE, "calls of the run that failed, as last seen"),
        "success_rate": (FRACTION, "completed_count / (completed_count + failed_count); null when nothing was attempted"),
        "failure_rate": (FRACTION, "failed_count / (completed_count + failed_count); null when nothing was attempted"),
        "completion_rate": (FRACTION, "(completed_count + failed_count) / total_recipients; null when that is 0 or null, may exceed 1"),
        "duration_seconds": (FRACTION, "ended_at - started_at; null while the run has not ended"),
        "created_at": (INSTANT, "when the batch was created; never changes"),
        "deleted_at": (INSTANT, "when this tool found it gone from the source; null while it is there"),
        "observed_at": (INSTANT, "since when the source has shown, or until when it showed, these numbers"),
        "proven_at": (INSTANT, "when the batch was last read with proof; null while no proof covers it"),
    },
    "report_freshness": {
        "account": (WORDS, "name of the account"),
        "last_complete_at": (INSTANT, "when the last complete sync ended"),
        "oldest_proof_at": (INSTANT, "no batch was last read, with proof, before this; null while some never was"),
        "lag_seconds": (FRACTION, "the age of the oldest proof now: no number can be staler than this"),
    },
}

VIEW_COMMENTS = {
    "report_campaigns": "the batches that are at the source, one row each",
    "report_daily": "the batches that are at the source by account and UTC day of creation: every day from the oldest batch of all until the account's last complete sync; batches without created_at have no day",
    "report_status": "the batches that are at the source by account and status",
    "batch_runs": "every run of every batch that was seen, of deleted batches too, with its last counts",
    "report_freshness": "how old the numbers of each account can be",
}

# What the tables' first revision left without a comment.
TABLE_COMMENTS = {
    "batch_call_history": {
        "account": "name of the account in this tool's settings",
        "id": "the batch's id at the source",
    },
    "sync_runs": {
        "run_id": "number of the run",
        "account": "name of the account in this tool's settings",
        "requests": "requests sent to the source, the retries among them",
        "retries": "requests that were tried again",
        "rate_limited": "answers 429 among them",
        "pages": "pages that were loaded",
        "rows_seen": "rows on these pages",
        "inserted": "batches that are new",
        "updated": "batches of which a value changed",
        "unchanged": "batches that were the same",
        "deleted": "batches found gone, and marked so",
        "revived": "batches that came back",
        "quarantined": "rows that were set aside",
        "started_at": "when the run began",
        "finished_at": "when it ended; null while it runs",
        "seconds": "how long it took",
        "error": "why it did not succeed, in one sentence",
        "program_version": "release of this program",
    },
    "sync_coverage": {
        "coverage_id": "number of the row",
        "account": "name of the account in this tool's settings",
    },
    "sync_missing": {
        "account": "name of the account in this tool's settings",
        "id": "the batch's id at the source",
        "run_id": "the run, as in sync_runs",
    },
    "quarantine": {
        "quarantine_id": "number of the row",
        "account": "name of the account in this tool's settings",
        "reason": "what was seen, and what was expected",
        "raw_hash": "hash of raw",
        "seen_at": "when it was set aside",
    },
    "sync_drift": {
        "account": "name of the account in this tool's settings",
        "name": "of the field or status",
        "first_seen_at": "when it was first seen",
    },
    "sync_requests": {
        "request_id": "number of the row",
    },
    "alembic_version": {"version_num": "newest revision of the tables that was applied"},
}

# SQLite knows the type of a view's column only where it is a table's column, and in a UNION ALL it asks the
# first part. So each view there begins with columns of this table, which is empty and stays so.
REPORT_TYPES = """
CREATE TABLE report_types (
    day DATE, instant DATETIME, words TEXT, whole BIGINT, fraction DOUBLE, flag BOOLEAN, CHECK (0)
)
"""

# What the databases say differently. Sums are of a kind that cannot overflow, and become whole at the end.
POSTGRESQL = {
    "day": "CAST({} AT TIME ZONE 'UTC' AS date)",
    "midnight": "CAST({} AS timestamp) AT TIME ZONE 'UTC'",
    "next_day": "{} + 1",
    "earliest": "GREATEST({}, {} - 7320)",
    "known": "GREATEST({}, 0)",
    "number": "CAST({} AS numeric)",
    "sum": "COALESCE(SUM({}), 0)",
    "whole": "CAST(LEAST({}, 9223372036854775807) AS bigint)",
    "fraction": "CAST({} AS double precision)",
    "lag": "CAST(EXTRACT(EPOCH FROM now() - proofs.oldest_proof_at) AS double precision)",
}
SQLITE = {
    "day": "SUBSTR({}, 1, 10)",
    "midnight": "{}",
    "next_day": "DATE({}, '+1 day')",
    "earliest": "MAX({}, DATE({}, '-7320 days'))",
    "known": "MAX({}, 0)",
    "number": "CAST({} AS REAL)",
    "sum": "TOTAL({})",
    "whole": "CAST({} AS INTEGER)",
    "fraction": "{}",
    "lag": "(julianday('now') - julianday(proofs.oldest_proof_at)) * 86400.0",
}

# The last complete sync of an account: times never run backwards, so the newest run is found by its number.
LAST_COMPLETE = """(
    SELECT runs.{time} FROM sync_runs AS runs
    WHERE runs.account = {account} AND runs.complete AND runs.mode IN ('full', 'incremental')
    ORDER BY runs.run_id DESC
    LIMIT 1
)"""
ACCOUNTS = "(SELECT DISTINCT account FROM sync_runs)"

# A batch without created_at is at the top of the list, which every complete sync reads.
PROVEN_AT = f"""
    CASE WHEN batches.created_at IS NULL THEN {LAST_COMPLETE.format(time="started_at", account="batches.account")}
    ELSE (
        SELECT CASE WHEN proofs.created_from IS NULL OR proofs.created_from < batches.created_at
                    THEN proofs.proven_at END
        FROM sync_coverage AS proofs
        WHERE proofs.account = batches.account AND proofs.created_to >= batches.created_at
        ORDER BY proofs.created_to
        LIMIT 1
    ) END
"""

# Where the intervals leave no gap, each but the newest ends where another begins, and one reaches the oldest batch.
OLDEST_PROOFS = """
    SELECT account,
           CASE WHEN SUM(CASE WHEN created_from IS NULL THEN 1 ELSE 0 END) = 1
                 AND SUM(CASE WHEN EXISTS (
                         SELECT 1 FROM sync_coverage AS upper
                         WHERE upper.account = lower.account AND upper.created_from = lower.created_to
                     ) THEN 0 ELSE 1 END) = 1
                THEN MIN(proven_at) END AS oldest_proof_at
    FROM sync_coverage AS lower
    GROUP BY account
"""

# The oldest proof of a day, from midnight on and before the next: of the intervals that end within it, of the one that
# reaches beyond it, and, where none does, of what is above all intervals, which each complete sync has read. An
# interval that begins within the day and does not join another leaves a gap, and so no proof.
DAY_PROVEN_AT = """(
    SELECT CASE WHEN COUNT(*) = COUNT(parts.proven_at) THEN MIN(parts.proven_at) END
    FROM (
        SELECT {proof} AS proven_at
        FROM sync_coverage AS upper
        WHERE upper.account = {account} AND upper.created_to >= {midnight} AND upper.created_to < {next_midnight}
        UNION ALL
        SELECT * FROM (
            SELECT {proof}
            FROM sync_coverage AS upper
            WHERE upper.account = {account} AND upper.created_to >= {next_midnight}
            ORDER BY upper.created_to
            LIMIT 1
        ) AS beyond
        UNION ALL
        SELECT {last_complete}
        WHERE NOT EXISTS (
            SELECT 1 FROM sync_coverage AS beyond
            WHERE beyond.account = {account} AND beyond.created_to >= {next_midnight}
        )
    ) AS parts
)"""
JOINED_PROOF = """
            CASE WHEN upper.created_from IS NULL OR upper.created_from < {midnight} OR EXISTS (
                SELECT 1 FROM sync_coverage AS lower
                WHERE lower.account = upper.account AND lower.created_to = upper.created_from
            ) THEN upper.proven_at END
"""


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    speech = POSTGRESQL if dialect == "postgresql" else SQLITE
    op.create_index("ix_sync_coverage_account_created_to", "sync_coverage", ["account", "created_to"])
    op.drop_index("ix_sync_coverage_account", "sync_coverage")
    if dialect == "sqlite":
        op.execute(REPORT_TYPES)
    op.execute("DROP VIEW report_freshness")
    for name, query in {
        "report_freshness": _freshness(speech),
        "report_campaigns": _campaigns(speech),
        "report_daily": _daily(speech),
        "report_status": _status(speech),
        "batch_runs": _runs(speech),
    }.items():
        _create(name, query, typed=dialect == "sqlite")
    if dialect == "postgresql":
        _comment()


def _create(name: str, query: str, *, typed: bool) -> None:
    types = ", ".join(f"{kind} AS {column}" for column, (kind, _) in COLUMNS[name].items())
    query = f"SELECT {types} FROM report_types UNION ALL SELECT * FROM ({query})" if typed else query
    op.execute(sa.text(f"CREATE VIEW {name} AS {query}".replace(":", r"\:")))


def _comment() -> None:
    """All comments in one statement: each takes a round trip of its own otherwise, and there are many."""
    comments = {view: {name: text for name, (_, text) in columns.items()} for view, columns in COLUMNS.items()}
    relations = (comments | TABLE_COMMENTS).items()
    texts = {
        "TABLE alembic_version": "which revision the tables are at",
        **{f"VIEW {view}": comment for view, comment in VIEW_COMMENTS.items()},
        **{f"COLUMN {relation}.{name}": text for relation, columns in relations for name, text in columns.items()},
    }
    op.execute("; ".join(f"COMMENT ON {what} IS {_quoted(comment)}" for what, comment in texts.items()))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _campaigns(speech: dict[str, str]) -> str:
    return f"""
    SELECT
        batches.created_at, batches.account, batches.id, batches.name, batches.status,
        batches.scheduled_at, batches.started_at, batches.completed_at,
        batches.total_recipients, {_attempted(speech, "batches")} AS attempted_count,
        batches.completed_count, batches.failed_count,
        batches.success_rate, batches.failure_rate, batches.completion_rate,
        batches.duration_seconds, batches.counts_consistent,
        batches.caller_id, batches.agent_id, batches.template_id, batches.purpose, batches.goal,
        batches.recurrence_type, batches.parent_batch_id, batches.occurrence_number,
        batches.updated_at, batches.first_seen_at, batches.changed_at,
        {PROVEN_AT} AS proven_at
    FROM batch_calls AS batches
    WHERE batches.deleted_at IS NULL
    """


def _daily(speech: dict[str, str]) -> str:
    day, next_day = speech["day"], speech["next_day"]
    last_complete = LAST_COMPLETE.format(time="started_at", account="accounts.account")
    return f"""
    WITH RECURSIVE days AS (
        SELECT {day.format("created_at")} AS day, account, COUNT(*) AS campaigns, {_sums(speech)}
        FROM batch_calls
        WHERE deleted_at IS NULL AND created_at IS NOT NULL
        GROUP BY {day.format("created_at")}, account
    ),
    ends AS (SELECT account, {day.format(last_complete)} AS day FROM {ACCOUNTS} AS accounts),
    bounds AS (
        -- At most 20 years: one batch of the year 1 would else bring 700,000 days.
        SELECT {speech["earliest"].format("MIN(days.day)", "MAX(ends.day)")} AS first_day, MAX(ends.day) AS last_day
        FROM (SELECT MIN(day) AS day FROM days) AS days CROSS JOIN ends
    ),
    spine AS (
        SELECT first_day AS day FROM bounds WHERE first_day <= last_day
        UNION ALL
        SELECT {next_day.format("spine.day")} FROM spine JOIN bounds ON spine.day < bounds.last_day
    ),
    present AS (
        SELECT spine.day, ends.account FROM spine JOIN ends ON spine.day <= ends.day
        UNION
        SELECT day, account FROM days
    )
    SELECT
        present.day, present.account, COALESCE(days.campaigns, 0) AS campaigns,
        {_rates(speech, "days")},
        {_day_proven_at(speech)} AS proven_at
    FROM present LEFT JOIN days ON days.day = present.day AND days.account = present.account
    """


def _day_proven_at(speech: dict[str, str]) -> str:
    midnight = speech["midnight"].format("present.day")
    return DAY_PROVEN_AT.format(
        account="present.account",
        midnight=midnight,
        next_midnight=speech["midnight"].format(f"({speech['next_day'].format('present.day')})"),
        proof=JOINED_PROOF.format(midnight=midnight),
        last_complete=LAST_COMPLETE.format(time="started_at", account="present.account"),
    )


def _status(speech: dict[str, str]) -> str:
    return f"""
    SELECT
        statuses.newest_created_at, statuses.account, statuses.status, statuses.campaigns,
        {_rates(speech, "statuses")},
        proofs.oldest_proof_at AS proven_at
    FROM (
        SELECT account, status, MAX(created_at) AS newest_created_at, COUNT(*) AS campaigns, {_sums(speech)}
        FROM batch_calls
        WHERE deleted_at IS NULL
        GROUP BY account, status
    ) AS statuses
    LEFT JOIN ({OLDEST_PROOFS}) AS proofs ON proofs.account = statuses.account
    """


def _runs(speech: dict[str, str]) -> str:
    return f"""
    SELECT
        history.started_at,
        CASE WHEN history.completed_at >= history.started_at THEN history.completed_at END AS ended_at,
        history.account, history.id,
        -- Most batches were never seen to change: nothing is counted for them.
        CASE WHEN batches.version = 1 THEN 1 ELSE (
            SELECT COUNT(DISTINCT earlier.started_at) FROM batch_call_history AS earlier
            WHERE earlier.account = history.account AND earlier.id = history.id
              AND earlier.started_at <= history.started_at
        ) END AS run_number,
        batches.started_at IS NOT NULL AND batches.started_at = history.started_at AS is_present,
        batches.name, history.status,
        history.total_recipients, {_attempted(speech, "history")} AS attempted_count,
        history.completed_count, history.failed_count,
        history.success_rate, history.failure_rate, history.completion_rate, history.duration_seconds,
        history.created_at, batches.deleted_at, history.observed_at,
        {PROVEN_AT} AS proven_at
    FROM batch_call_history AS history
    JOIN batch_calls AS batches ON batches.account = history.account AND batches.id = history.id
    WHERE history.started_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM batch_call_history AS later
        WHERE later.account = history.account AND later.id = history.id
          AND later.version > history.version AND later.started_at = history.started_at
    )
    """


def _freshness(speech: dict[str, str]) -> str:
    last_complete = LAST_COMPLETE.format(time="finished_at", account="accounts.account")
    return f"""
    SELECT
        accounts.account, {last_complete} AS last_complete_at, proofs.oldest_proof_at, {speech["lag"]} AS lag_seconds
    FROM {ACCOUNTS} AS accounts
    LEFT JOIN ({OLDEST_PROOFS}) AS proofs ON proofs.account = accounts.account
    """


def _attempted(speech: dict[str, str], row: str) -> str:
    counts = (f"COALESCE({speech['known'].format(f'{row}.{name}')}, 0)" for name in ("completed_count", "failed_count"))
    completed, failed = counts
    return speech["whole"].format(f"{speech['number'].format(completed)} + {failed}")


def _sums(speech: dict[str, str]) -> str:
    counts = {"total": "total_recipients", "completed": "completed_count", "failed": "failed_count"}
    return ", ".join(
        f"{speech['sum'].format(speech['known'].format(column))} AS {name}" for name, column in counts.items()
    )


def _rates(speech: dict[str, str], sums: str) -> str:
    total, completed, failed = (f"COALESCE({sums}.{name}, 0)" for name in ("total", "completed", "failed"))
    attempted = f"({completed} + {failed})"
    return f"""
        {speech["whole"].format(total)} AS total_recipients,
        {speech["whole"].format(attempted)} AS attempted_count,
        {speech["whole"].format(completed)} AS completed_count,
        {speech["whole"].format(failed)} AS failed_count,
        {_share(speech, completed, attempted)} AS success_rate,
        {_share(speech, failed, attempted)} AS failure_rate,
        {_share(speech, attempted, total)} AS completion_rate"""


def _share(speech: dict[str, str], part: str, whole: str) -> str:
    fraction = speech["fraction"]
    return f"CASE WHEN {whole} > 0 THEN {fraction.format(part)} / {fraction.format(whole)} END"
