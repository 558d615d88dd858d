"""Whether a database can be written by this user, found out without writing to it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text

from etl.engine import reading
from etl.errors import DestinationError
from etl.refusals import DISK_FULL, describe
from etl.tables import metadata

# Of several privileges at once, PostgreSQL says whether the user has any: so one by one.
_WRITES: Final = " AND ".join(
    f"has_table_privilege(tables.oid, '{each}')" for each in ("SELECT", "INSERT", "UPDATE", "DELETE")
)
_RIGHTS: Final = text(f"""
    SELECT current_user AS user_name,
           pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS read_only,
           has_database_privilege(current_database(), 'CREATE') AS may_make_schema,
           (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = :schema)
               AS may_make_tables,
           (SELECT bool_and({_WRITES})
            FROM pg_class AS tables JOIN pg_namespace ON pg_namespace.oid = tables.relnamespace
            WHERE nspname = :schema AND relname = ANY(:tables)) AS may_write
""")
# What new tables and the log of their transaction take.
_LEAST_ROOM_BYTES: Final = 1 << 20
_MEND: Final = "let its owner grant what is missing, as docs/operations.md tells under PostgreSQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a user may do in PostgreSQL; None where there is no schema, or no table in it, to do it to."""

    user_name: str
    read_only: bool
    may_make_schema: bool
    may_make_tables: bool | None
    may_write: bool | None

    def lack(self, *, at_head: bool) -> str | None:
        """What keeps the user from a sync; tables of an earlier version have to be brought up to date."""
        if self.read_only:
            return "the database takes no writes: it is a standby, or set to be read only"
        if self.may_make_tables is None:
            return None if self.may_make_schema else f"user {self.user_name!r} may not make the schema"
        if self.may_write is False:
            return f"user {self.user_name!r} may read the tables and not write them"
        if not at_head and not self.may_make_tables:
            return f"user {self.user_name!r} may not make tables in the schema"
        return None


def check_writable(engine: Engine, schema: str, *, at_head: bool) -> None:
    """Raise DestinationError where a sync could not write; `at_head`: the tables are the newest."""
    if engine.dialect.name == "sqlite":
        _check_file(Path(str(engine.url.database)))
        _check_room(engine)
        return
    with reading(engine) as connection:
        row = connection.execute(_RIGHTS, {"schema": schema, "tables": list(metadata.tables)}).one()
    if lack := Rights(**row._mapping).lack(at_head=at_head):
        raise DestinationError(lack, hint=_MEND)


def _check_file(file: Path) -> None:
    """The file and its folder; to connect to a file that is not there would make it."""
    for path in (file, file.absolute().parent):
        if path.exists() and not os.access(path, os.W_OK):
            raise DestinationError(
                f"{path} cannot be written", hint="let this user write the file and its folder"
            )


def _check_room(engine: Engine) -> None:
    folder = Path(str(engine.url.database)).absolute().parent
    if shutil.disk_usage(folder).free < _LEAST_ROOM_BYTES:
        what, hint = DISK_FULL
        raise DestinationError(f"{describe(engine)} {what}", hint=hint)
