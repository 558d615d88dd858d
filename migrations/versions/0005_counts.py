"""Indexes by which the batches that are at the source are counted without reading one: each sync counts them."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for column in ("created_at", "status"):
        op.drop_index(f"ix_batch_calls_account_{column}", "batch_calls")
        columns = ["account", column, "deleted_at"]
        op.create_index(f"ix_batch_calls_{'_'.join(columns)}", "batch_calls", columns)
