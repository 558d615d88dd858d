"""One seed from its first sync to the day when all is well: the whole program over a world that is made up.

    counts = simulate(7, SqliteSite(folder))    # FailedSeed, with the story, when a promise is broken

One seed decides everything. Nothing of the program is patched: it is handed a clock, a transport and an
engine; one request at a time, so that no thread decides anything.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from support.simulation.calls import Window
from support.simulation.fate import draw_clock_error, draw_fate
from support.simulation.habits import Habits
from support.simulation.judge import Wrong
from support.simulation.life import live
from support.simulation.process import Process
from support.simulation.program import COMMANDS, draw_window
from support.simulation.site import Site
from support.simulation.stage import Stage, repeatable

_PAUSES = (1, 30, 60, 300, 1800, 3600, 20_000, 86_400, 200_000)  # seconds


class FailedSeed(Exception):  # noqa: N818
    """A seed under which a promise is broken, with all that led to it."""

    def __init__(self, seed: int, why: str, story: list[str]) -> None:
        repeat = f"python -m pytest tests/simulation --first-seed {seed} --seeds 1"
        super().__init__("\n".join([*story, f"seed {seed}: {why}", f"repeat it: {repeat}"]))
        self.seed = seed
        self.why = why


def simulate(seed: int, site: Site) -> Counter[str]:
    """Live through the seed; return how often what happened."""
    try:
        return Simulation(seed, site).run()
    except Wrong as wrong:
        first = str(wrong)
    story: list[str] = []
    try:
        Simulation(seed, site, story).run()
    except Wrong as wrong:
        raise FailedSeed(seed, str(wrong), story) from None
    raise FailedSeed(seed, f"failed once, and not when it was repeated: {first}", story)


class Simulation:
    """One seed: chance decides what happens on the stage."""

    def __init__(self, seed: int, site: Site, story: list[str] | None = None) -> None:
        self._seed = seed
        self._rng = Random(f"{seed}/steps")
        self._habits = Habits.draw(Random(f"{seed}/habits"))
        self._stage = Stage(site, self._habits, seed=seed, story=story)
        self._window: Window | None = None

    def run(self) -> Counter[str]:
        stage = self._stage
        stage.tell(f"{self._habits}")
        with repeatable(self._seed):
            for _ in range(self._habits.steps):
                self._pass_time()
                self._use(self._rng.choice(list(stage.worlds)))
            for account in stage.worlds:
                stage.settle(account, is_full=self._rng.random() < 0.5, again=self._rng.random() < 0.3)
                if self._rng.random() < 0.1:
                    stage.verify_calmly(account)
        if stage.source.complaints:
            raise Wrong(f"odd requests: {stage.source.complaints}")
        if not stage.counts["clock set"]:  # hosts whose clocks differ cannot count together
            self._check_quota()
        return stage.counts

    def _check_quota(self) -> None:
        settings = self._stage.settings
        for account in self._stage.worlds:
            minute, hour = (self._stage.source.most_within(account, seconds) for seconds in (60, 3600))
            if minute > settings.requests_per_minute or hour > settings.requests_per_hour:
                raise Wrong(f"{minute} requests within a minute, {hour} within an hour: {settings}")

    def _pass_time(self) -> None:
        stage, rng = self._stage, self._rng
        stage.moments.pass_time(rng.choice(_PAUSES) * rng.uniform(0.5, 1.5))
        if rng.random() < self._habits.clock_error_rate:
            machine = rng.choice(stage.site.machines).name
            stage.clock_errors[machine] = draw_clock_error(rng)
            stage.counts["clock set"] += 1
            stage.tell(f"the clock of {machine} is {stage.clock_errors[machine]} s ahead")
        for world in stage.worlds.values():
            done = live(world, self._habits.deeds_between_steps, stage.counts)
            stage.tell(f"at {stage.moments.now}, {world.account}: {', '.join(done) or 'nothing'} happened")

    def _use(self, account: str) -> None:
        command = self._draw_command()
        fate = draw_fate(self._rng, self._habits, self._intrude)
        self._stage.call(command, account, fate=fate, window=self._draw_window(command, account))

    def _intrude(self, process: Process) -> None:
        mine = process.account
        account = self._rng.choice(list(self._stage.worlds))
        command = self._draw_command()
        self._stage.intrude(
            process,
            command,
            account,
            takes_over=account == mine and self._rng.random() < 0.6,
            fate=draw_fate(self._rng, self._habits, None),
            window=self._draw_window(command, account),
        )

    def _draw_command(self) -> str:
        return self._rng.choices(list(COMMANDS), list(COMMANDS.values()))[0]

    def _draw_window(self, command: str, account: str) -> Window | None:
        if command != "backfill":
            return None
        self._window = draw_window(self._rng, self._stage.worlds[account], self._window)
        return self._window
