"""The source without a socket: the world, its keys and its endpoint, the faults and the hooks for tests.

Everything that happens to one request happens here, under one lock, in this order: the hook `before`, the
true answer, the fault, the journal.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from etl.sandbox.account import SourceAccount
from etl.sandbox.endpoint import Asked, Endpoint
from etl.sandbox.journal import Entry, Journal
from etl.sandbox.keys import Keys
from etl.sandbox.messages import Request, Response
from etl.sandbox.misfortune import Misfortune
from etl.sandbox.options import SandboxOptions
from etl.sandbox.rows import Rows
from etl.sandbox.world import World

logger = logging.getLogger(__name__)


class Sandbox:
    """A source that answers as `options` say. Its parts are public: they are what tests turn.

    `world["default"]` is the truth, `faults` what goes wrong, `rows` how single batches are served,
    `journal` what was asked, `keys` who may ask, `before(number, world)` is called ahead of every answer.
    """

    def __init__(self, options: SandboxOptions, *, now: Callable[[], datetime]) -> None:
        self.options = options
        self.world = World(options, now)
        self.keys = Keys()
        self.rows = Rows(options.shape)
        self.faults = Misfortune(
            seed=f"{options.seed}/faults", rate=options.fault_rate, kinds=options.fault_kinds
        )
        self.journal = Journal()
        self.before: Callable[[int, World], object] | None = None
        self.latency_seconds = options.latency_seconds
        self.key_of = {name: self.keys.issue(name, f"{options.seed}/key/{name}") for name in options.accounts}
        self._endpoint = Endpoint(options, self.world, self.keys, self.rows, now)
        self._requests = 0

    @property
    def key(self) -> str:
        """The first account's key."""
        return self.key_of[self.options.accounts[0]]

    @property
    def account(self) -> SourceAccount:
        """The first account's truth."""
        return self.world[self.options.accounts[0]]

    @property
    def requests(self) -> int:
        """How many were received; the next one has this number and one."""
        return self._requests

    @property
    def cap(self) -> int:
        """Most rows of one answer; may be changed at any time."""
        return self._endpoint.cap

    @cap.setter
    def cap(self, rows: int) -> None:
        self._endpoint.cap = rows

    def answer(self, request: Request) -> Response:
        """What the client gets, as one instant of the world."""
        with self.world.lock:
            self._requests += 1
            number = self._requests
            if self.before is not None:
                self.before(number, self.world)
            true, asked = self._endpoint.answer(request)
            response = self._befall(number, request, true, asked)
            self._note(number, asked, response)
        return replace(response, delay_seconds=response.delay_seconds + self.latency_seconds)

    def _befall(self, number: int, request: Request, true: Response, asked: Asked) -> Response:
        """Faults happen behind the check of the key: who has no account gets a plain 401."""
        if asked.account is None:
            return true
        fault = self.faults.pick(number, request)
        return true if fault is None else fault(true)

    def _note(self, number: int, asked: Asked, response: Response) -> None:
        entry = Entry(
            number=number,
            account=asked.account,
            action=asked.params.get("action"),
            status_filter=asked.params.get("status"),
            limit=asked.params.get("limit"),
            offset=asked.params.get("offset"),
            rows=asked.rows,
            answered=response.status,
            wire=response.wire,
        )
        self.journal.add(entry)
        logger.debug("sandbox.answered %s", entry)
