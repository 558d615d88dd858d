"""What holds for all batches of an account while one run writes them, so that no page has to ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import Connection

from etl.interval import NEWEST, Interval
from etl.load.deletes import count_missing
from etl.load.quarantine import has_open
from etl.load.stored import has_any


@dataclass(slots=True, kw_only=True)
class Facts:
    """Read when a run begins, and kept up by each page that it loads."""

    is_first: bool  # the table has no batches of the account but those that this run found to be new
    owner: str | None = None  # of any of them, looked up once a page shows one; there should be but one
    has_missing: bool  # some are noted as gone
    has_set_aside: bool  # some rows, or fields of them, could not be read
    reached: datetime = NEWEST  # a first run has loaded nothing that was created until then

    @classmethod
    def read(cls, connection: Connection, account: str) -> Self:
        return cls(
            is_first=not has_any(connection, account),
            has_missing=count_missing(connection, account) > 0,
            has_set_aside=has_open(connection, account),
        )

    def is_untouched(self, interval: Interval) -> bool:
        """Whether the table is certain to have nothing of it, as where a first walk comes by."""
        return self.is_first and interval.upto is not None and interval.upto <= self.reached
