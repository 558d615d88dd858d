"""How one migration runs: alembic calls this with the connection that `etl.migrate` has opened and locked."""

from __future__ import annotations

from alembic import context

from etl.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # A revision that fails leaves those before it in place, and nothing of its own.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
