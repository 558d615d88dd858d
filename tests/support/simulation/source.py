"""The source as a process of the program meets it: a transport over the worlds, with faults on the way."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from random import Random

import httpx

from support.simulation.answers import EMPTY, befall, respond
from support.simulation.life import live
from support.simulation.moments import Moments
from support.simulation.process import Process
from support.simulation.world import World

_REFUSED = b'{"error":"Unauthorized"}'


class Source:
    """All accounts of the source, by their keys. `faults` can be turned off."""

    def __init__(
        self,
        worlds: Mapping[str, World],
        *,
        rng: Random,
        moments: Moments,
        counts: Counter[str],
        tell: Callable[[str], None],
    ) -> None:
        self.worlds = worlds
        self.is_calm = False
        self.complaints: list[str] = []  # about requests that the program must not send
        self._rng = rng
        self._moments = moments
        self._counts = counts
        self._tell = tell
        self._last_was_false = False
        self._asked_at: defaultdict[str, list[int]] = defaultdict(list)

    def most_within(self, account: str, seconds: float) -> int:
        """The most requests that came in any span so long."""
        asked, begin, most = self._asked_at[account], 0, 0
        for end, moment in enumerate(asked):
            while moment - asked[begin] >= seconds * 1_000_000:
                begin += 1
            most = max(most, end - begin + 1)
        return most

    def answer(self, process: Process, request: httpx.Request) -> httpx.Response:
        """Count the request as it comes, let life go on, answer, let life go on."""
        world = self.worlds.get(request.headers["Authorization"].removeprefix("Bearer "))
        if world is None:
            return respond(_REFUSED, 401)
        wait = _Wait(self._moments, process, request.extensions["timeout"]["read"])
        self._asked_at[world.account].append(self._moments.now)
        process.at("request")
        wait.check()
        self._live(world)
        self._moments.pass_time(self._rng.choice((0.01, 0.1, 0.5, 3)))
        body = self._read(world, request.read())
        if self._rng.random() < 0.2:
            self._live(world)
        self._moments.pass_time(self._rng.choice((0.01, 0.1)))
        process.at("answer")
        wait.check()
        return self._deliver(process, world, body, wait.left_seconds)

    def _read(self, world: World, text: bytes) -> bytes:
        asked = json.loads(text)
        offset, limit = asked["offset"], asked["limit"]
        if asked["action"] != "list" or not _is_whole(offset, 0) or not _is_whole(limit, 1):
            self.complaints.append(f"the program asked for {asked}")
        self._counts["request"] += 1
        body = world.page(offset, limit, asked.get("status"))
        self._tell(
            f"  {self._moments.now}: asked {asked}: {body.count(b'created_at')} rows"
            f" of {len(world.listed)}, cap {world.cap}"
        )
        return body

    def _deliver(self, process: Process, world: World, body: bytes, timeout: float) -> httpx.Response:
        habits, rng = world.habits, self._rng
        is_befallen = not self.is_calm and rng.random() < habits.fault_rate
        kind = rng.choice(habits.fault_kinds) if is_befallen else None
        # An empty answer can be false; two in a row cannot be told from the truth by anybody.
        if kind == "false empty" and (self._last_was_false or body == EMPTY):
            kind = None
        if kind is None:
            self._last_was_false = False
            return respond(body)
        self._last_was_false = kind == "false empty" or (self._last_was_false and kind != "slow")
        self._counts[f"answer: {kind}"] += 1
        self._tell(f"  answer: {kind}")
        process.befell.append(kind)
        return befall(kind, body, rng=rng, moments=self._moments, timeout=timeout)

    def _live(self, world: World) -> None:
        if not self.is_calm and (done := live(world, world.habits.deeds_between_requests, self._counts)):
            self._tell(f"  meanwhile: {', '.join(done)}")


class _Wait:
    """How long a process waits for its answer: no longer than its time-out, whatever others do meanwhile."""

    def __init__(self, moments: Moments, process: Process, timeout: float) -> None:
        self._moments = moments
        self._process = process
        self._ends = moments.now / 1_000_000 + timeout

    @property
    def left_seconds(self) -> float:
        return self._ends - self._moments.now / 1_000_000

    def check(self) -> None:
        if self.left_seconds <= 0:
            self._process.befell.append("hang")
            raise httpx.ReadTimeout("The read operation timed out")


class Transport(httpx.BaseTransport):
    """One process's way to the source."""

    def __init__(self, source: Source, process: Process) -> None:
        self._source = source
        self._process = process

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._source.answer(self._process, request)


def _is_whole(number: object, least: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= least
