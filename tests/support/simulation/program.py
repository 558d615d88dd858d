"""The program's commands, used as the command line uses them: through `etl.app`, with doubles handed in."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from etl import app
from etl.errors import EtlError
from etl.model import RunSummary
from etl.settings import Settings
from etl.verify.verdict import Verdict

from support.simulation.calls import Call, Window
from support.simulation.deeds import ENDED, LIVE
from support.simulation.judge import Wrong
from support.simulation.machine import Machine
from support.simulation.source import Source, Transport
from support.simulation.world import World

COMMANDS = {"sync": 8, "full": 2, "allow-deletes": 1, "backfill": 2, "replay": 1, "verify": 0.5}

Outcome = RunSummary | Verdict


def draw_window(rng: Random, world: World, last: Window | None) -> Window:
    """The window of a backfill; often the one before, so that an attempt that was cut off is gone on with."""
    if last is not None and rng.random() < 0.6:
        return last
    since = world.now(earlier_seconds=86_400.0 * rng.choice((0.1, 1, 30, 200, 500)))
    until = since + timedelta(days=rng.choice((0.05, 1, 20, 300))) if rng.random() < 0.6 else None
    statuses = tuple(rng.sample((*LIVE, *ENDED), rng.randint(1, 2))) if rng.random() < 0.3 else ()
    return Window(since, until, statuses)


def perform(call: Call, *, settings: Settings, source: Source, machine: Machine) -> Outcome | None:
    """Use the program; None when it could not even look at its database."""
    machine.process = call.process
    common: dict[str, Any] = {
        "accounts": [call.judge.world.account],
        "clock": call.process.clock,
        "engine": machine.engine,
    }
    try:
        if call.command == "replay":
            return next(iter(app.replay(settings, **common)), None)  # none where nothing is set aside
        common["transport"] = Transport(source, call.process)
        if call.window is not None:
            return app.backfill(settings, **call.window._asdict(), **common)[0]
        if call.command == "verify":
            return app.verify(settings, **common)[0]
        is_full, allows = call.command == "full", call.command == "allow-deletes"
        return app.sync(settings, full=is_full, allow_deletes=allows, **common)[0]
    except EtlError as error:
        if not {"refusal", "doubt"} & set(call.process.befell):
            raise Wrong(f"raised {error!r} without a cause") from error
        return None
    finally:
        machine.process = None
