"""Which of the batches that are gone the delete guard holds back: others may be noted by a run that was cut off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "sync_missing",
        sa.Column("held_run_id", ROW_NUMBER, comment="the last run in which the delete guard kept it from being marked deleted; null for none"),
    )
