"""Proofs that are there at the same time, some at once: together they cost less than each one alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from etl.errors import EtlError
from etl.proof import Proof

Handful = list[Proof]

MOST_PAGES = 4  # what more would save is little, and all of it is read again after a crash


def in_handfuls(proofs: Iterable[Proof | None], *, most: int = MOST_PAGES) -> Iterator[Handful]:
    """Yield proofs as they come, so many at once at the most; None among them: the next is not there yet.

    None waits for another, so while pages come slowly each is loaded alone, and while loads are slow several
    have come. The first handfuls are smaller, so that a walk that is cut off early, again and again, gets on
    all the same. What ends the proofs with an error waits for what is in hand.
    """
    handful: Handful = []
    size = 1
    try:
        for proof in proofs:
            if proof is not None:
                handful.append(proof)
            if handful and (proof is None or len(handful) == size):
                yield handful
                handful, size = [], min(size + 1, most)
    except EtlError:
        if handful:
            yield handful
        raise
    if handful:
        yield handful
