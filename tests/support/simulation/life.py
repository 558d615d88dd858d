"""How an account at the source lives: what it holds at first, and what happens there by chance."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from support.simulation.deeds import DEEDS_BY_NAME, ENDED, add_batch
from support.simulation.rows import ROW_FAULTS, UNPLACED
from support.simulation.world import World


def populate(world: World) -> None:
    """The batches of the past year or so, oldest first."""
    rng, habits = world.rng, world.habits
    age = 400 * 86_400.0
    while len(world.batches) < habits.batches:
        age *= rng.uniform(0.8, 1.0)
        created_at = world.now(earlier_seconds=age + 60)
        for _ in range(min(rng.randint(1, habits.group), habits.batches - len(world.batches))):
            batch = add_batch(world, created_at)
            if rng.random() < 0.6:
                batch.status, batch.started_at = rng.choice(ENDED), created_at
                batch.completed_at = created_at + timedelta(minutes=rng.randint(1, 99))
                batch.completed_count = rng.randint(0, 100)
                world.note(batch)


def live(world: World, mean: float, counts: Counter[str]) -> list[str]:
    """Let so many things happen, about; return what did."""
    rng, weights = world.rng, world.habits.weights
    if not mean or not any(weights.values()):
        return []
    often = int(mean) + (rng.random() < mean % 1) if rng.random() < 0.7 else rng.randint(0, int(2 * mean) + 1)
    drawn = rng.choices(list(weights), list(weights.values()), k=often)
    done = [name for name in drawn if DEEDS_BY_NAME[name][1](world)]
    counts.update(f"world: {name}" for name in done)
    return done


def calm_down(world: World) -> None:
    """What no program could get over is mended: rows without a name, and a clamp that cuts every page."""
    world.cap = 1000
    for batch in world.batches.values():
        if batch.fault is not None and (not ROW_FAULTS[batch.fault].has_id or batch.fault in UNPLACED):
            batch.fault = None
            world.note(batch)
    world.note()
