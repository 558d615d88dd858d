"""The statements that the composition gives a new database, on a real one."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from etl.engine import create_engine as open_database
from etl.migrate import migrate
from etl.settings import Settings

from support.composition import VARIABLE, composition


def statements(names: dict[str, str]) -> list[str]:
    """Those of the config, with roles and a schema of a name that nobody else on the server has."""
    content = VARIABLE.sub("letters", composition()["configs"]["reader"]["content"])
    for name, own in names.items():
        content = re.sub(rf"\b{name}\b", own, content)
    return [statement for statement in content.split(";") if statement.strip()]


def test_the_role_for_reports_reads_every_table_and_changes_none(postgres_url: str) -> None:
    own = f"test_{uuid4().hex}"
    names = {"magpipe": own, "magpipe_read": f"{own}_read"}
    server = create_engine(
        postgres_url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    settings = Settings(database_url=postgres_url, database_schema=own)
    database = open_database(settings)
    with server.connect() as connection:
        connection.execute(text(f"CREATE ROLE {own} LOGIN SUPERUSER"))
        try:
            for statement in statements(names):
                connection.execute(text(statement))
            connection.execute(text(f"SET ROLE {own}"))
            connection.execute(text(f"SET search_path = {own}"))
            connection.execute(text("CREATE TABLE made_later (id int)"))
            connection.execute(text(f"SET ROLE {own}_read"))
            assert connection.execute(text("SELECT count(*) FROM made_later")).scalar_one() == 0
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text("INSERT INTO made_later VALUES (1)"))
            connection.execute(text("RESET ROLE"))
            migrate(database, settings)  # into the schema that was made for it
        finally:
            connection.execute(text("RESET ROLE"))
            connection.execute(text(f"DROP SCHEMA IF EXISTS {own} CASCADE"))
            connection.execute(text(f"DROP OWNED BY {own}, {own}_read CASCADE"))
            connection.execute(text(f"DROP ROLE {own}, {own}_read"))
    server.dispose()
    database.dispose()
