"""What one seed's world is like, and how much of what happens in it: drawn once, at the beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Self

from support.simulation.answers import HARMLESS, KINDS
from support.simulation.deeds import DEEDS

_SIZES = (0, 1, 2, 3, 4, 5, 6, 8, 8, 10, 13, 13, 20, 20, 30, 60)
_CAPS = (3, 4, 5, 7, 10, 15, 25, 50, 100, 1000)


@dataclass(frozen=True, kw_only=True)
class Habits:
    """Means and chances; a chance is from 0 to 1."""

    batches: int  # at the beginning
    group: int  # most of them that share one created_at
    undated: float  # chance that a new batch has no created_at
    precision: int  # microseconds: the source's times are whole multiples of it
    is_documented: bool  # rows as the vendor documents them, or as they were observed
    cap: int
    caps: Sequence[int]  # that the source may change to
    weights: Mapping[str, float]  # how often each deed is done, against the others
    deeds_between_requests: float
    deeds_between_steps: float
    fault_rate: float
    fault_kinds: Sequence[str]
    death_rate: float  # of each process
    refusal_rate: float  # chance that the database refuses something to a process
    stop_rate: float
    intruder_rate: float  # chance that a second process comes while one is at work
    clock_error_rate: float  # chance that somebody sets a machine's clock between two steps
    accounts: int
    steps: int
    settings: Mapping[str, Any]

    @classmethod
    def still(cls, **changes: Any) -> Self:
        """A world in which nothing happens by chance, for stories that are told on purpose."""
        never = dict.fromkeys(
            "undated deeds_between_requests deeds_between_steps fault_rate death_rate refusal_rate stop_rate"
            " intruder_rate clock_error_rate".split(),
            0.0,
        )
        settings = {"page_size": 5, "fetch_ahead": 1, **changes.pop("settings", {})}
        plain = {
            "batches": 0,
            "group": 1,
            "precision": 1,
            "is_documented": False,
            "cap": 1000,
            "caps": (1000,),
        }
        rest = {"weights": DEEDS, "fault_kinds": KINDS, "accounts": 1, "steps": 0, "settings": settings}
        return cls(**{**never, **plain, **rest, **changes})

    @classmethod
    def draw(cls, rng: Random) -> Self:
        is_long = rng.random() < 0.3  # so long that parts of it are worth reading
        size = rng.randint(26, 45) if is_long else rng.choice(_SIZES)
        size = size if rng.random() < 0.99 else rng.randint(100, 300)
        cap = rng.choice(_CAPS) if size <= 100 else rng.choice(_CAPS[3:])
        calm = rng.random() < 0.1
        return cls(
            batches=size,
            group=rng.choice((1, 1, 1, 2, 3, 8)),
            undated=rng.choice((0, 0, 0, 0.05, 0.2)),
            precision=rng.choice((1, 1, 1000, 1_000_000)),
            is_documented=rng.random() < 0.15,
            cap=cap,
            caps=rng.choice(((cap,), (cap,), (cap, rng.choice(_CAPS)), _CAPS)),
            weights={name: weight * rng.choice((0, 0.3, 1, 1, 3)) for name, weight in DEEDS.items()},
            deeds_between_requests=0 if calm else rng.choice((0, 0, 0.1, 0.5, 1, 3)),
            deeds_between_steps=rng.choice((0, 1, 3, 10)),
            fault_rate=0 if calm else rng.choice((0, 0, 0, 0.05, 0.2, 0.4)),
            fault_kinds=rng.choice((KINDS, HARMLESS, HARMLESS, tuple(rng.sample(KINDS, 3)))),
            death_rate=rng.choice((0, 0, 0.2, 0.6)),
            refusal_rate=rng.choice((0, 0, 0, 0.3)),
            stop_rate=rng.choice((0, 0, 0.2)),
            intruder_rate=rng.choice((0, 0, 0.3)),
            clock_error_rate=rng.choice((0, 0, 0.3)),
            accounts=rng.choice((1, 1, 1, 1, 2)),
            steps=rng.choice((1, 1, 2, 2, 3, 4, 6)),
            settings=_draw_settings(rng, size) | ({"page_size": 5} if is_long and size < 100 else {}),
        )


def _draw_settings(rng: Random, size: int) -> dict[str, Any]:
    sizes = (5, 6, 8, 12, 20, 50, 1000) if size <= 100 else (20, 50, 200, 1000)
    return {
        "page_size": rng.choice(sizes),
        "fetch_ahead": 1,
        "max_attempts": rng.choice((1, 2, 4, 8)),
        "max_retry_seconds": rng.choice((0.0, 30.0, 300.0)),
        "max_pages": rng.choice((20_000, 20_000, 20_000, 30, 4)),
        "max_age_seconds": rng.choice((3600.0, 86_400.0, 86_400.0, 604_800.0)),
        "delete_guard_share": rng.choice((0.0, 0.2, 0.5)),
        "delete_guard_rows": rng.choice((0, 2, 10)),
        "requests_per_minute": rng.choice((100, 10_000)) if rng.random() < 0.95 else rng.choice((5, 20)),
        "requests_per_hour": rng.choice((1000, 1_000_000)) if rng.random() < 0.97 else 30,
    }
