"""The service put together: turns by a schedule, a server that shows them, a loop that looks after both."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from etl.app import opened
from etl.clock import Clock, SystemClock
from etl.errors import StoppedError
from etl.logs import Log
from etl.model import Account
from etl.service.address import Address
from etl.service.command_hook import CommandHook
from etl.service.messenger import Messenger, Way
from etl.service.meters import Meters
from etl.service.pacer import Pacer
from etl.service.pages import Pages
from etl.service.reading import Reading
from etl.service.schedule import Schedule
from etl.service.server import serving
from etl.service.site import Site
from etl.service.timing import Every, Timing
from etl.service.turns import Turns
from etl.service.watch import Watch
from etl.service.webhook import Webhook
from etl.settings import MissingKey, Settings, environment_without

if TYPE_CHECKING:
    import httpx

log = Log(__name__)

# How long turns may take to end once the service is to stop; what they have not committed then is read again.
STOP_SECONDS = 4.0
# A turn looks at the clock between pages, and waits by it: one that is so late will never end by itself.
GRACE = timedelta(minutes=15)
# A clock that steps by more than this was set; less is what clocks do.
_STEP_SECONDS = 5.0
_TICK_SECONDS = 1.0
_LONGEST_BETWEEN_LOOKS_SECONDS = 30.0

_USUAL = timedelta(minutes=5)
_MOST_JITTER = timedelta(seconds=30)
_LEAST_MAX_AGE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a service is started with."""

    timing: Timing
    jitter: timedelta
    max_age: timedelta  # of an account's last complete sync, while it counts as ready
    timeout: timedelta  # of one turn
    address: Address | None  # None: nothing is shown


def options_for(
    timing: Timing | None,
    *,
    jitter: timedelta | None,
    timeout: timedelta,
    max_age: timedelta | None,
    address: Address | None,
) -> Options:
    """What was asked for, and what follows from it where nothing was."""
    timing = timing or Every(least=_USUAL, most=_USUAL)
    return Options(
        timing=timing,
        jitter=jitter if jitter is not None else min(timing.longest / 10, _MOST_JITTER),
        timeout=timeout,
        max_age=max_age or max(timing.longest * 3, _LEAST_MAX_AGE),
        address=address,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a service ended."""

    # Accounts whose turns had not ended by then: what they had not committed is lost.
    cut_off: tuple[str, ...]
    failure: str | None  # why it has to be started again


class Service:
    """Runs until its clock is stopped."""

    def __init__(
        self,
        settings: Settings,
        options: Options,
        *,
        clock: Clock | None = None,
        engine: Engine | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._options = options
        self._clock = clock or SystemClock()
        self._engine = engine
        self._transport = transport
        self._failure: str | None = None

    def run(self) -> Ending:
        """Work until the clock is stopped, or until a turn hangs for good: a new process is needed then.

        Raises SettingsError when there is no account to work for, or no place to listen.
        """
        accounts = self._settings.select()
        faults = {each.name: each.api_key.fault for each in accounts if isinstance(each.api_key, MissingKey)}
        for name, fault in faults.items():
            log.error("account.left_out", account=name, fault=fault, hint="mend it, then start again")
        working = [account for account in accounts if account.name not in faults]
        with opened(self._settings, self._engine) as engine:
            registry = CollectorRegistry()
            meters = Meters(registry)
            turns = self._turns(engine, meters)
            schedule = self._schedule(engine, working, turns)
            pages = Pages(
                Reading(engine),
                self._settings,
                clock=self._clock,
                pulse=self,
                max_age=self._options.max_age,
                faults=faults,
                registry=registry,
            )
            watch = Watch(
                engine,
                self._settings,
                turns,
                Messenger(_ways(self._settings), self._clock, sent=meters.sent),
                clock=self._clock,
                max_age=self._options.max_age,
                faults=faults,
            )
            with self._shown(pages, working):
                # Not joined at the end: it may be waiting for a receiver, and the next start tells the rest.
                threading.Thread(target=self._watch, args=(watch, turns), name="watch", daemon=True).start()
                return self._work(schedule, turns)

    def failure(self) -> str | None:
        """Why the service has to be started again."""
        return self._failure

    def _work(self, schedule: Schedule, turns: Turns) -> Ending:
        schedule.start()
        try:
            self._look_after(schedule, turns)
        except StoppedError:
            log.info("service.stopping")
        else:
            log.error("service.hung", reason=self._failure)
        schedule.stop()
        left = turns.wait_until_ended(STOP_SECONDS)
        log.info("service.stopped", cut_off=", ".join(left) or "nobody")
        return Ending(cut_off=left, failure=self._failure)

    def _look_after(self, schedule: Schedule, turns: Turns) -> None:
        """See each second to what no turn can see by itself, until a turn hangs for good, or StoppedError."""
        drift = self._drift()
        while self._failure is None:
            self._clock.sleep(_TICK_SECONDS)
            before, drift = drift, self._drift()
            if abs(drift - before) > _STEP_SECONDS:
                log.warning("clock.was_set", seconds=round(drift - before, 1))
            if drift < before - _STEP_SECONDS:  # forward, what is due by the new time is begun by itself
                schedule.restart()
            if overdue := turns.overdue(GRACE):
                self._failure = f"the turns of {', '.join(overdue)} do not end"

    def _watch(self, watch: Watch, turns: Turns) -> None:
        """Look after each turn, and now and then without one: what gets old does so by itself."""
        ended, most_seconds = 0, self._options.max_age.total_seconds() / 4
        most_seconds = max(_TICK_SECONDS, min(most_seconds, _LONGEST_BETWEEN_LOOKS_SECONDS))
        with suppress(StoppedError):
            while True:
                ended = turns.wait_for_an_end(ended, most_seconds)
                self._clock.check_stopped()
                watch.look()
                self._clock.sleep(_TICK_SECONDS)

    def _drift(self) -> float:
        """How far the wall clock is from the one that nobody sets."""
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _turns(self, engine: Engine, meters: Meters) -> Turns:
        return Turns(
            engine,
            self._settings,
            clock=self._clock,
            meters=meters,
            timeout=self._options.timeout,
            transport=self._transport,
        )

    def _schedule(self, engine: Engine, accounts: Sequence[Account], turns: Turns) -> Schedule:
        timing, jitter = self._options.timing, self._options.jitter
        schedule = Schedule(timing, jobs=len(accounts), jitter=jitter, clock=self._clock)
        pacer = Pacer(timing, engine, self._settings) if isinstance(timing, Every) and timing.adapts else None
        for account in accounts:
            schedule.add(account.name, partial(_take, turns, account, pacer))
        return schedule

    @contextmanager
    def _shown(self, pages: Pages, working: Sequence[Account]) -> Iterator[None]:
        """Show the pages while the block lasts, and say where."""
        address = self._options.address
        names = ", ".join(account.name for account in working)
        if address is None:
            log.info("service.started", accounts=names, turns=self._options.timing)
            yield
            return
        with serving(Site(pages.by_path(), names=address.names), address) as actual:
            log.info("service.started", accounts=names, turns=self._options.timing, url=actual.url)
            if (exposed := actual.exposes) is not None:
                log.warning("service.exposed", url=actual.url, shows=exposed)
            yield


def _ways(settings: Settings) -> Iterator[Way]:
    """How the operator wants to be told."""
    if settings.notify_webhook is not None:
        yield Webhook(settings.notify_webhook)
    if settings.notify_command is not None:
        yield CommandHook(settings.notify_command, environment_without(settings.secrets()))


def _take(turns: Turns, account: Account, pacer: Pacer | None) -> timedelta | None:
    """One turn; gives the wait until the next where it is to be chosen."""
    summary = turns.take(account)
    return pacer.wait_after(summary) if pacer else None
