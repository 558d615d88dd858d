"""Proofs that come right after each other, some at a time: together they cost less than each one alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from etl.clock import Clock
from etl.errors import EtlError
from etl.proof import Proof

Handful = list[Proof]

_MOST_PAGES = 4  # what more would save is little, and all of it is read again after a crash
_LONGEST_SECONDS = 0.1  # from the first one in hand on, however slowly others follow


def in_handfuls(proofs: Iterable[Proof | None], clock: Clock) -> Iterator[Handful]:
    """Yield proofs as they come; None among them tells that nothing has come for a while.

    What ends them with an error waits for what is in hand.
    """
    handful: Handful = []
    began = 0.0
    try:
        for proof in proofs:
            if proof is not None:
                began = began if handful else clock.monotonic()
                handful.append(proof)
            if handful and (len(handful) == _MOST_PAGES or clock.monotonic() - began >= _LONGEST_SECONDS):
                yield handful
                handful = []
    except EtlError:
        if handful:
            yield handful
        raise
    if handful:
        yield handful
