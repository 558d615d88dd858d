"""The whole truth: the accounts of a source and their batches, out of one seed.

    world = World(SandboxOptions(batches=500, seed=7), now=lambda: moment)
    batch = world["default"].create(name="New")
    world["default"].start(batch.id)
    world.tick(60)          # a minute of life, everywhere

Time comes from `now`; nothing here reads a clock.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from etl.sandbox.account import SourceAccount
from etl.sandbox.invention import Inventor
from etl.sandbox.life import Life
from etl.sandbox.options import SandboxOptions
from etl.sandbox.population import populate


class World(Mapping[str, SourceAccount]):
    """Accounts by name. `lock` makes several operations one instant to everybody who reads."""

    def __init__(self, options: SandboxOptions, now: Callable[[], datetime]) -> None:
        self.lock = threading.RLock()
        until = options.until or now().replace(hour=0, minute=0, second=0, microsecond=0)
        self._now = now
        self._accounts: dict[str, SourceAccount] = {}
        self._lives: list[Life] = []
        for name in options.accounts:
            self._settle(name, options, until)

    def _settle(self, name: str, options: SandboxOptions, until: datetime) -> None:
        seed = f"{options.seed}/{until.isoformat()}/{name}"
        inventor = Inventor(random.Random(seed))
        account = SourceAccount(
            name,
            seed=seed,
            now=self._now,
            lock=self.lock,
            inventor=inventor,
            batches=populate(options, inventor, until),
        )
        self._accounts[name] = account
        self._lives.append(Life(account, inventor, random.Random(f"{seed}/life"), self._now))

    def __getitem__(self, name: str) -> SourceAccount:
        return self._accounts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def tick(self, seconds: float) -> None:
        """What so many seconds bring happens in every account, as one instant to those who read.

        The clock is not this method's: times are what `now` says.
        """
        with self.lock:
            for life in self._lives:
                life.tick(seconds)
