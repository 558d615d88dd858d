"""Where a story is played: worlds and a source, a database and machines, judges who look after every call.

What happens is decided elsewhere: by chance (`simulation`), or on purpose, by a test that tells a story:

    stage = Stage(site, Habits.still(batches=12))
    stage.call("sync", fate={("request", 2): die})
    stage.settle()
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random

from etl.model import Account, RunSummary, Secret
from etl.verify.verdict import Kind, Verdict

from support.simulation.calls import Call, Window
from support.simulation.fate import LARGEST_CLOCK_ERROR, Fate
from support.simulation.finale import check_nothing_written, check_settled
from support.simulation.habits import Habits
from support.simulation.judge import Judge, Wrong
from support.simulation.life import calm_down, populate
from support.simulation.machine import Machine
from support.simulation.moments import Moments
from support.simulation.process import Death, Process
from support.simulation.program import Outcome, perform
from support.simulation.site import Site
from support.simulation.source import Source
from support.simulation.tables import newest_run, read_everything, read_runs
from support.simulation.world import World


class Stage:
    """One story's world and all who act in it; accounts are called a0, a1, …"""

    def __init__(self, site: Site, habits: Habits, *, seed: int = 0, story: list[str] | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self.moments = Moments()
        self.site = site
        self._story = story
        names = [f"a{number}" for number in range(habits.accounts)]
        keys = {name: f"mgp_{number:040x}" for number, name in enumerate(names)}
        self.worlds = {name: World(name, habits, Random(f"{seed}/{name}"), self.moments) for name in names}
        self.source = Source(
            {keys[name]: world for name, world in self.worlds.items()},
            rng=Random(f"{seed}/source"),
            moments=self.moments,
            counts=self.counts,
            tell=self.tell,
        )
        self.judges = {name: Judge(world, self.moments) for name, world in self.worlds.items()}
        self.settings = replace(
            site.settings,
            accounts=tuple(Account(name=name, api_key=Secret(key)) for name, key in keys.items()),
            **habits.settings,
        )
        self.clock_errors = dict.fromkeys((machine.name for machine in site.machines), 0.0)
        self._calls: list[Call] = []
        site.fresh()
        for world in self.worlds.values():
            populate(world)

    @property
    def world(self) -> World:
        """The first account's."""
        return self.worlds["a0"]

    def tell(self, what: str) -> None:
        if self._story is not None:
            self._story.append(what)

    # -- one use of the program ------------------------------------------------------------------------

    def call(
        self,
        command: str,
        account: str = "a0",
        *,
        fate: Fate | None = None,
        window: Window | None = None,
        machine: int = 0,
        is_held: bool = False,
    ) -> Outcome | None:
        """Use the program once, and judge what came of it; None when it died or could not begin.

        `is_held`: another process has the account's lock, so that this one must be refused.
        """
        host = self.site.machines[machine]
        call = self._begin(command, account, host, fate or {}, window)
        if is_held:
            call.process.befell.append("held")
        self._calls.append(call)
        try:
            outcome = perform(call, settings=self.settings, source=self.source, machine=host)
        except Death:
            self.site.cut_power(host)
            outcome = None
        self._look(call)
        self._calls.remove(call)
        self._note_end(call, outcome)
        if outcome is not None:
            call.judge_end(outcome, self.moments.now)
        return outcome

    def _begin(self, command: str, account: str, host: Machine, fate: Fate, window: Window | None) -> Call:
        process = Process(self.moments, host=host.name, account=account, fate=fate, refusal=self.site.refusal)
        process.clock.error = timedelta(seconds=self.clock_errors[host.name])
        judge = self.judges[account]
        self.tell(f"at {self.moments.now}, {host.name} begins {command} of {account}; {window} {list(fate)}")
        with self.site.looking() as look:
            newest = newest_run(look)
        return Call(
            judge=judge,
            process=process,
            command=command,
            window=window,
            is_alone=not self._calls,
            began=self.moments.now,
            newest_run=newest,
            revision=judge.world.revision,
            before=judge.books,
            settings=self.settings,
        )

    def _look(self, call: Call) -> None:
        self._register(call)
        if "doubt" in call.process.befell and call.run_id is not None:
            call.judge.doubted.add(call.run_id)
        with self.site.looking() as look:
            call.judge.look(look, since_run=self._calls[0].newest_run + 1)

    def _register(self, call: Call) -> None:
        """Note when the call's run began, if it did."""
        if call.run_id is not None or "held" in call.process.befell:
            return
        with self.site.looking() as look:
            runs = read_runs(look, call.judge.world.account, call.newest_run + 1)
        if runs:
            call.run_id = runs[0].run_id
            call.judge.begin_run(runs[0].run_id, call.began, runs[0].started_at)

    def _note_end(self, call: Call, outcome: Outcome | None) -> None:
        ended = "nothing said"
        if isinstance(outcome, RunSummary):
            ended = f"{outcome.mode} {outcome.status}, exit code {outcome.exit_code}"
        elif outcome is not None:
            ended = f"exit code {outcome.exit_code}"
        self.counts[f"{call.command}: {ended}"] += 1
        self.counts.update(f"befell: {what}" for what in call.process.befell)
        self.tell(f"  {call.process.host} ends {call.command}: {outcome}, {call.process.befell}")

    # -- a second process ------------------------------------------------------------------------------

    def intrude(
        self,
        process: Process,
        command: str,
        account: str,
        *,
        takes_over: bool,
        fate: Fate | None = None,
        window: Window | None = None,
    ) -> None:
        """The second machine comes while `process` is at work: it finds the lock held, or takes it over."""
        call = self._calls[-1]
        self._look(call)
        if call.run_id is None:
            return  # it has no lock yet
        if takes_over:
            self.site.lose_lock(account)
        self.tell(f"  intruder: {command} of {account}, {'takes over' if takes_over else 'as it is'}")
        self.counts["intruder: takes over" if takes_over else "intruder"] += 1
        was_running = self._is_running(call)
        process.befell.append("intruder")
        self.call(
            command,
            account,
            machine=1,
            is_held=account == process.account and not takes_over,
            fate=fate,
            window=window,
        )
        if was_running and not self._is_running(call):
            process.befell.append("robbery")

    def _is_running(self, call: Call) -> bool:
        with self.site.looking() as look:
            runs = read_runs(look, call.judge.world.account)
        return any(run.run_id == call.run_id and run.status == "running" for run in runs)

    # -- all is well -----------------------------------------------------------------------------------

    def settle(self, account: str = "a0", *, is_full: bool = False, again: bool = True) -> None:
        """The faults stop and the world stands still: two syncs later the tables are the truth."""
        self.source.is_calm = True
        calm_down(self.worlds[account])
        self.settings = replace(self.settings, max_pages=20_000, max_attempts=8)
        self.moments.pass_time(self.settings.max_age_seconds + 3 * LARGEST_CLOCK_ERROR)
        for _ in range(2):
            self.moments.pass_time(60)
            self._call_calmly(account, is_full=is_full)
        self.check_settled(account)
        if again:
            self._check_nothing_is_written(account, is_full=is_full)

    def check_settled(self, account: str = "a0") -> None:
        """The tables are the truth by now."""
        with self.site.looking() as look:
            check_settled(self.judges[account], look)

    def _check_nothing_is_written(self, account: str, *, is_full: bool) -> None:
        with self.site.looking() as look:
            before = read_everything(look, account)
        self.moments.pass_time(60)
        summary = self._call_calmly(account, is_full=is_full)
        with self.site.looking() as look:
            check_nothing_written(summary, before, read_everything(look, account))
        self.check_settled(account)

    def _call_calmly(self, account: str, *, is_full: bool) -> RunSummary:
        outcome = self.call("full" if is_full else "sync", account)
        if isinstance(outcome, RunSummary) and "--allow-deletes" in (outcome.hint or ""):
            outcome = self.call("allow-deletes", account)
        if not isinstance(outcome, RunSummary) or not outcome.complete:
            raise Wrong(f"nothing moves, nothing fails, and still: {outcome}")
        return outcome

    def verify_calmly(self, account: str) -> None:
        """The program itself finds no fault with the tables, but for what cannot be read."""
        verdict = self.call("verify", account)
        if not isinstance(verdict, Verdict) or any(
            each.kind != Kind.SET_ASIDE for each in verdict.differences
        ):
            raise Wrong(f"nothing moves, nothing fails, and still: {verdict}")


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """The jitter of retries is drawn from Python's own generator; nothing is logged."""
    state, disabled = random.getstate(), logging.root.manager.disable
    random.seed(seed)
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        random.setstate(state)
        logging.disable(disabled)
