"""A word about a `--status` that nobody knows: by itself it is no fault, and most often a slip."""

from __future__ import annotations

from collections.abc import Iterable

from etl.cli.invocation import Invocation
from etl.cli.output import print_warning


def warn_of_unknown(statuses: Iterable[str], invocation: Invocation) -> None:
    """The source answers a status that it does not know with an empty list, and may know new ones."""
    from etl.settings.accounts import did_you_mean
    from etl.transform.statuses import KNOWN_STATUSES

    for status in statuses:
        if status not in KNOWN_STATUSES:
            near = did_you_mean(status, KNOWN_STATUSES) or f"; known are {', '.join(KNOWN_STATUSES)}"
            print_warning(f"the status {status!r} is not known here{near}", invocation)
