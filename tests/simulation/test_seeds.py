"""The whole program over seeded worlds: whatever happens there, every promise is kept.

Each seed is a source with its own truth, faults, deaths, refusals of the database, clocks that are set, and
second processes; after every use of the program a judge compares the tables with the truth.
"""

from __future__ import annotations

from collections import Counter

import pytest

from support.simulation.simulation import FailedSeed, simulate
from support.simulation.site import Site


@pytest.mark.timeout(600)
def test_every_promise_is_kept(block: range, site: Site, events: Counter[str]) -> None:
    live_through(block, site, events)


@pytest.mark.timeout(600)
def test_every_promise_is_kept_on_postgres(block: range, postgres_site: Site, events: Counter[str]) -> None:
    live_through(block, postgres_site, events)


def test_a_seed_decides_everything(site: Site) -> None:
    for seed in range(5):
        assert simulate(seed, site) == simulate(seed, site)


def live_through(block: range, site: Site, events: Counter[str]) -> None:
    failed: list[FailedSeed] = []
    for seed in block:
        try:
            events.update(simulate(seed, site))
        except FailedSeed as failure:
            failed.append(failure)
        events["seeds"] += 1
    others = "\n".join(f"seed {failure.seed}: {failure.why}" for failure in failed[1:])
    assert not failed, f"{failed[0]}\n{others}"
