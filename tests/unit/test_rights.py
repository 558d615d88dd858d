"""What a user lacks for a sync, by what the database says that they may do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from etl.rights import Rights

OWNER = Rights(
    user_name="magpipe", read_only=False, may_make_schema=True, may_make_tables=True, may_write=True
)


@pytest.mark.parametrize("at_head", [True, False])
def test_an_owner_lacks_nothing(*, at_head: bool) -> None:
    assert OWNER.lack(at_head=at_head) is None


def test_a_database_that_takes_no_writes_is_of_no_use() -> None:
    assert "takes no writes" in str(replace(OWNER, read_only=True).lack(at_head=True))


def test_who_may_only_read_is_told_so() -> None:
    reader = replace(OWNER, may_make_schema=False, may_make_tables=False, may_write=False)
    assert reader.lack(at_head=True) == "user 'magpipe' may read the tables and not write them"


def test_tables_have_to_be_made_only_where_they_are_not_there() -> None:
    writer = replace(OWNER, may_make_schema=False, may_make_tables=False)
    assert writer.lack(at_head=True) is None
    assert writer.lack(at_head=False) == "user 'magpipe' may not make tables in the schema"
    empty = replace(writer, may_write=None)
    assert empty.lack(at_head=False) == "user 'magpipe' may not make tables in the schema"


@pytest.mark.parametrize(("may", "lack"), [(True, None), (False, "user 'magpipe' may not make the schema")])
def test_a_schema_that_is_not_there_has_to_be_made(may: bool, lack: str | None) -> None:
    rights = replace(OWNER, may_make_schema=may, may_make_tables=None, may_write=None)
    assert rights.lack(at_head=False) == lack
