"""What will befall a process, drawn before it starts: death, a refusal of the database, a second process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from support.simulation.habits import Habits
from support.simulation.process import Deed, Process, die, doubt, refuse, stop

# Places, and after how many passes of each something happens, about.
_MEANS = {
    "statement": 30.0,
    "before commit": 4.0,
    "after commit": 4.0,
    "request": 3.0,
    "answer": 3.0,
    "sleep": 1.0,
}
_DEATHS = ("statement", "statement", "before commit", "after commit", "request", "answer", "sleep")
_REFUSALS = ("statement", "statement", "before commit", "after commit")  # after: in doubt
_STOPS = ("after commit", "sleep")
_INTRUSIONS = ("request", "answer", "after commit")
_CLOCK_ERRORS = (-90_000.0, -3600.0, -5.0, 0.0, 5.0, 3600.0, 90_000.0)
LARGEST_CLOCK_ERROR = max(_CLOCK_ERRORS)

Fate = Mapping[tuple[str, int], Deed]


def draw_fate(rng: Random, habits: Habits, intrude: Callable[[Process], None] | None) -> Fate:
    """The deeds by place and number of the pass; `intrude` is what a second process would do."""
    fate: dict[tuple[str, int], Deed] = {}
    if rng.random() < habits.stop_rate:
        fate[_spot(rng, _STOPS)] = stop
    if rng.random() < habits.refusal_rate:
        place, first = _spot(rng, _REFUSALS)
        deed = doubt if place == "after commit" else refuse
        fate.update({(place, first + more): deed for more in range(rng.choice((1, 1, 2, 5)))})
    if intrude is not None and rng.random() < habits.intruder_rate:
        fate[_spot(rng, _INTRUSIONS)] = intrude
    if rng.random() < habits.death_rate:
        fate[_spot(rng, _DEATHS)] = die
    return fate


def draw_clock_error(rng: Random) -> float:
    """Seconds by which a machine's clock is ahead."""
    return rng.choice(_CLOCK_ERRORS)


def _spot(rng: Random, places: tuple[str, ...]) -> tuple[str, int]:
    place = rng.choice(places)
    return place, 1 + int(rng.expovariate(1 / _MEANS[place]))
