"""What the service found wrong, so that it is told once, whoever is started again meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INSTANT = sa.DateTime(timezone=True)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("incident_id", ROW_NUMBER, autoincrement=True, nullable=False, comment="number of the row"),
        sa.Column("account", sa.Text(), nullable=False, comment="name of the account in this tool's settings"),
        sa.Column("kind", sa.Text(), nullable=False, comment="left_out, failing, stale, deletes_held, quarantine or drift"),
        sa.Column("subject", sa.Text(), nullable=False, comment="which of several of the kind: the unknown field or status; empty otherwise"),
        sa.Column("detail", sa.Text(), nullable=False, comment="what is wrong, in one sentence"),
        sa.Column("level", sa.BigInteger(), nullable=False, comment="how much of it there was when it was last told: rows set aside, batches held back"),
        sa.Column("opened_at", INSTANT, nullable=False, comment="since when it has been so"),
        sa.Column("closed_at", INSTANT, comment="when it was over; null while it lasts"),
        sa.Column("to_tell", sa.Text(), comment="what is still to be notified of: opened, worse or closed; null when all was"),
        sa.PrimaryKeyConstraint("incident_id", name="pk_incidents"),
        comment="what the service found wrong, each told once when it begins and once when it is over",
    )
    op.create_index(
        "ix_incidents_open",
        "incidents",
        ["account", "kind", "subject"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
