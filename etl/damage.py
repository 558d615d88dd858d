"""Whether a database is damaged, as far as it can tell by itself; all of it is read for that."""

from __future__ import annotations

from sqlalchemy import Engine, text

from etl.engine import reading
from etl.refusals import damaged


def check_undamaged(engine: Engine) -> None:
    """Raise DestinationError for a SQLite file whose pages contradict each other.

    PostgreSQL looks after its files itself: what it finds in them, it tells whoever reads them.
    """
    if engine.dialect.name != "sqlite":
        return
    with reading(engine) as connection:
        found = connection.scalar(text("PRAGMA quick_check(1)"))
    if found != "ok":
        raise damaged(engine)
