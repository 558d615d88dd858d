"""`migrate`: the database to the newest version."""

from __future__ import annotations

import click

from etl.cli.invocation import Command, Invocation, pass_invocation


@click.command(cls=Command, short_help="Bring the database to the newest version.")
@pass_invocation
def migrate(invocation: Invocation) -> None:
    """Bring the database to the newest version; `sync` does so by itself."""
    from etl.engine import create_engine
    from etl.migrate import migrate as migrate_database

    settings = invocation.settings()
    engine = create_engine(settings)
    try:
        before, after = migrate_database(engine, settings)
    finally:
        engine.dispose()
    if invocation.quiet:
        return
    moved = "nothing to do" if before == after else f"from {before or 'nothing'}"
    click.echo(f"{settings.database_shown} is at version {after}: {moved}")
