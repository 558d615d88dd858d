"""The rows on their way from the database into a file, some thousand in memory at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Select, Table

from etl.export.formats import Opener
from etl.export.target import open_target

CHUNK_ROWS: Final = 2_000


def export_rows(
    connection: Connection, relation: Table, query: Select[Any], path: Path, opener: Opener
) -> int:
    """Write the query's rows, which are the relation's, into the file; gives how many there are.

    Raises ExportError, with whatever had the file's name before as it was.
    """
    count = 0
    with open_target(path) as file:
        writer = opener(file, relation)
        with connection.execute(query, execution_options={"yield_per": CHUNK_ROWS}) as rows:
            for chunk in rows.partitions():
                writer.write(chunk)
                count += len(chunk)
        writer.close()
    return count
