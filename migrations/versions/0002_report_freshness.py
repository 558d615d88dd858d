"""The view that answers "how old can any number here be?", one row an account."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

# Where the intervals leave no gap, each but the newest ends where another begins, and one reaches the oldest batch.
VIEW = """
CREATE VIEW report_freshness AS
SELECT
    runs.account AS account,
    runs.last_complete_at AS last_complete_at,
    proofs.oldest_proof_at AS oldest_proof_at,
    {lag} AS lag_seconds
FROM (
    SELECT account,
           MAX(CASE WHEN complete AND mode IN ('full', 'incremental') THEN finished_at END) AS last_complete_at
    FROM sync_runs
    GROUP BY account
) AS runs
LEFT JOIN (
    SELECT account,
           CASE WHEN SUM(CASE WHEN created_from IS NULL THEN 1 ELSE 0 END) = 1
                 AND SUM(CASE WHEN EXISTS (
                         SELECT 1 FROM sync_coverage AS upper
                         WHERE upper.account = lower.account AND upper.created_from = lower.created_to
                     ) THEN 0 ELSE 1 END) = 1
                THEN MIN(proven_at) END AS oldest_proof_at
    FROM sync_coverage AS lower
    GROUP BY account
) AS proofs ON proofs.account = runs.account
"""

LAG = {
    "postgresql": "CAST(EXTRACT(EPOCH FROM now() - proofs.oldest_proof_at) AS double precision)",
    "sqlite": "(julianday('now') - julianday(proofs.oldest_proof_at)) * 86400.0",
}

COMMENTS = {
    "account": "name of the account",
    "last_complete_at": "when the last complete sync ended",
    "oldest_proof_at": "no batch was last read, with proof, before this; null while some never was",
    "lag_seconds": "the age of the oldest proof now: no number can be staler than this",
}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.execute(VIEW.format(lag=LAG[dialect]))
    if dialect == "postgresql":
        op.execute("COMMENT ON VIEW report_freshness IS 'how old the numbers of each account can be'")
        for column, comment in COMMENTS.items():
            op.execute(f"COMMENT ON COLUMN report_freshness.{column} IS '{comment}'")
