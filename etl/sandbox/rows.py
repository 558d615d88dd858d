"""Batches as the bytes that are sent: each encoded once, until it changes; some of them broken on request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from etl.sandbox.batch import Batch
from etl.sandbox.options import Shape
from etl.sandbox.shapes import documented, observed, to_json

Breakage = Callable[[bytes], bytes]


class Rows:
    """Encodes batches in one shape. The truth stays as it is whatever is corrupted here."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._encoded: dict[str, tuple[Batch, bytes]] = {}
        self._fields: dict[str, Mapping[str, object]] = {}
        self._breakages: dict[str, Breakage] = {}
        self._columns: dict[str, object] = {}

    def encode(self, batch: Batch) -> bytes:
        """The row; a batch is a frozen value, so the same object has the same row."""
        cached = self._encoded.get(batch.id)
        if cached is not None and cached[0] is batch:
            return cached[1]
        row = self._encode(batch)
        self._encoded[batch.id] = batch, row
        return row

    def encode_list(self, batches: Iterable[Batch]) -> bytes:
        return b"[" + b",".join([self.encode(batch) for batch in batches]) + b"]"

    def corrupt(
        self, batch_id: str, fields: Mapping[str, object] | None = None, raw: Breakage | None = None
    ) -> None:
        """Serve this batch wrongly: with these values for its own, then with its bytes changed by `raw`.

        A value may be anything that Python's json writes, `float("nan")` and lone surrogates among it.
        """
        self._fields[batch_id] = fields or {}
        self._breakages[batch_id] = raw or _unchanged
        self._encoded.pop(batch_id, None)

    def mend(self, batch_id: str) -> None:
        """Serve this batch as it is again."""
        del self._fields[batch_id], self._breakages[batch_id]
        self._encoded.pop(batch_id, None)

    def add_column(self, name: str, value: object) -> None:
        """A new column of the table shows in every row at once."""
        self._columns[name] = value
        self._encoded.clear()

    def drop_column(self, name: str) -> None:
        """A column, old or new, shows in no row any more."""
        self._columns[name] = _DROPPED
        self._encoded.clear()

    def _encode(self, batch: Batch) -> bytes:
        row = documented(batch) if self._shape == Shape.DOCUMENTED else observed(batch)
        if self._columns:
            row = {name: value for name, value in (row | self._columns).items() if value is not _DROPPED}
        row.update(self._fields.get(batch.id, {}))
        return self._breakages.get(batch.id, _unchanged)(to_json(row))


_DROPPED = object()


def _unchanged(row: bytes) -> bytes:
    return row
