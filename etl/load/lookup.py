"""Many rows found by their keys, or two of their columns read, as one value instead of a row each.

A list of keys would need a parameter for each, of which a statement takes only so many; and SQLite's driver
lets another thread go first at every row, so that a page of them is read in a hundred times its time.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Dialect, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


class _Keys(TypeDecorator[Collection[Any]]):
    """As JSON on both databases: psycopg takes forty times as long to write an array of texts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> str:  # noqa: ARG002
        return msgspec.json.encode(value).decode()


class IsOneOf(FunctionElement[bool]):
    """`column IN (…)` for the keys that are given under the parameter's name.

    It has no type: a Boolean would be written as `… = 1` for SQLite, which then uses no index.
    """

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], parameter: str) -> None:
        super().__init__(column, bindparam(parameter, type_=_Keys()))


@compiles(IsOneOf, "sqlite")
def _in_list(element: IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"


@compiles(IsOneOf, "postgresql")
def _in_array(element: IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    """An array, since it is looked up by index whatever the statistics say: a new table has none."""
    column, keys = (compiler.process(part, **options) for part in element.clauses)
    type_ = compiler.dialect.type_compiler_instance.process(element.clauses.clauses[0].type)
    listed = f"json_array_elements_text(CAST({keys} AS JSON))"
    return f"{column} = ANY (ARRAY(SELECT CAST(key AS {type_}) FROM {listed} AS key))"


class _Pairs(TypeDecorator[dict[str, Any]]):
    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any]:  # noqa: ARG002
        pairs: dict[str, Any] = msgspec.json.decode(value or "{}")
        return pairs


class PairsOf(FunctionElement[dict[str, Any]]):
    """Of all rows one column's value by that of another, a text."""

    type = _Pairs()
    inherit_cache = True


@compiles(PairsOf, "sqlite")
def _group(element: PairsOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_object({compiler.process(element.clauses, **options)})"


@compiles(PairsOf, "postgresql")
def _aggregate(element: PairsOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_object_agg({compiler.process(element.clauses, **options)}) AS TEXT)"
