"""Judges what the program did to one account: after every step all that it promises has to be true.

The judge knows the whole past of the source, and of every run when it began; so it can say of each value in
the tables whether it was ever true, and of each claim whether it was then.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise

from support.simulation.moments import START, Moments
from support.simulation.rows import Values, stored_time
from support.simulation.tables import (
    SNAPSHOT_AT,
    Books,
    Covered,
    Look,
    Stored,
    Version,
    instant,
    read_batches,
    read_coverage,
    read_history,
    read_missing,
    read_runs,
)
from support.simulation.world import Batch, World


class Wrong(BaseException):
    """A promise is broken. Nothing of the program may catch it, so it is no Exception."""


class Judge:
    """Keeps the books of one account and compares them with the truth."""

    def __init__(self, world: World, moments: Moments) -> None:
        self.world = world
        self.books = Books()
        self._moments = moments
        self._versions: defaultdict[str, list[Version]] = defaultdict(list)
        self._began: list[tuple[datetime, int, int]] = []  # own time, true moment, id
        self._missing_since: dict[str, int] = {}
        self.doubted: set[int] = set()  # runs that do not know what they committed last

    # -- when ----------------------------------------------------------------------------------------

    def begin_run(self, run_id: int, moment: int, started_at: str) -> None:
        own = instant(started_at)
        if self._began and own < self._began[-1][0]:
            raise Wrong(f"run {run_id} began at {started_at}, before the one before it")
        self._began.append((own, moment, run_id))

    def moment_of(self, written: str) -> int:
        """The true moment at which a run's clock showed what it wrote."""
        own = instant(written)
        at = bisect_right(self._began, own, key=lambda run: run[0]) - 1
        if at < 0:
            raise Wrong(f"{written} is before the first run")
        started_at, moment, _ = self._began[at]
        return moment + round((own - started_at).total_seconds() * 1_000_000)

    def began(self, run_id: int) -> int:
        return next(moment for _, moment, known in self._began if known == run_id)

    # -- what ----------------------------------------------------------------------------------------

    def look(self, look: Look, since_run: int) -> None:
        """Read the tables anew and check what can be checked at any time."""
        account = self.world.account
        batches = read_batches(look, account)
        coverage = read_coverage(look, account)
        self._check_history(read_history(look, account, since_run), batches)
        for batch in batches.values():
            if batch != self.books.batches.get(batch.id):
                self._check_values(batch)
        if gone := self.books.batches.keys() - batches.keys():
            raise Wrong(f"rows vanished from the table: {sorted(gone)}")
        missing = read_missing(look, account)
        begun = self._began[-1][1] if self._began else 0
        self._missing_since = {of_id: self._missing_since.get(of_id, begun) for of_id in missing}
        self.books = Books(batches=batches, coverage=coverage, missing=missing, runs=read_runs(look, account))
        self._check_coverage()
        self._check_runs(since_run)

    def _truth(self, batch_id: str) -> Batch:
        if batch_id not in self.world.batches:
            raise Wrong(f"{batch_id} was never at the source")
        return self.world.batches[batch_id]

    def _check_values(self, stored: Stored) -> None:
        """No phantom: the values were true between their observation and now; of a deleted row, once."""
        truth = self._truth(stored.id)
        since = self.moment_of(stored.changed_at) if stored.is_alive else 0
        states = truth.states(since, self._moments.now)
        if not any(state.is_listed and state.values == stored.values for state in states):
            raise Wrong(
                f"{stored.id} holds {stored.values}, true of it since {stored.changed_at} ({since}):"
                f" {list(states)}"
            )

    def _check_history(self, new: list[Version], batches: dict[str, Stored]) -> None:
        fresh: defaultdict[str, list[Version]] = defaultdict(list)
        for version in new:
            fresh[version.id].append(version)
        for batch_id, versions in fresh.items():
            self._append(batch_id, versions)
        for batch in batches.values():
            self._check_last(batch)

    def _append(self, batch_id: str, versions: list[Version]) -> None:
        known = self._versions[batch_id]
        first = versions[0].version
        if known[first - 1 :] != versions[: len(known) - first + 1]:
            raise Wrong(f"history of {batch_id} was rewritten: {known[first - 1 :]} became {versions}")
        for version in versions[len(known) - first + 1 :]:
            self._check_version(version, known[-1] if known else None)
            known.append(version)

    def _check_version(self, version: Version, before: Version | None) -> None:
        if version.version != (before.version + 1 if before else 1):
            raise Wrong(f"history has a gap: {version} after {before}")
        was_alive = before is not None and before.change != "deleted"
        allowed = ("updated", "deleted") if was_alive else ("revived",) if before else ("inserted",)
        if version.change not in allowed:
            raise Wrong(f"{version} after {before}")
        if before is not None and (
            version.observed_at < before.observed_at or version.run_id < before.run_id
        ):
            raise Wrong(f"{version} is older than what it follows, {before}")
        truth = self._truth(version.id)
        if version.change == "deleted":
            self._check_deletion(version, before, truth)
        elif not any(_snapshot(state.values) == version.snapshot for state in truth.past if state.values):
            raise Wrong(f"{version} was never true: {truth.past}")

    def _check_deletion(self, version: Version, before: Version | None, truth: Batch) -> None:
        """No wrong delete: it was absent at some moment of the run, since it was last seen otherwise."""
        since = self.began(version.run_id)
        if before is not None:
            since = max(since, self.moment_of(before.observed_at))
        since = self._since_first_noted(version, since)
        if truth.was_listed_throughout(since, self._moments.now):
            raise Wrong(f"{version}: it was listed all the time since {since}: {truth.past}")

    def _since_first_noted(self, version: Version, since: int) -> int:
        """What an earlier run noted as missing, a later one may mark as deleted."""
        return min(since, self._missing_since.get(version.id, since))

    def _check_last(self, stored: Stored) -> None:
        versions = self._versions[stored.id]
        if not versions or versions[-1].version != stored.version:
            raise Wrong(f"{stored.id} is at version {stored.version}, its history at {versions[-1:]}")
        last = versions[-1]
        if last.snapshot != _snapshot(stored.values) or (last.change == "deleted") is stored.is_alive:
            raise Wrong(f"{stored} is not what its history ends with: {last}")

    def _check_runs(self, since_run: int) -> None:
        """At most one is running, and each has counted what it wrote."""
        running = [run for run in self.books.runs if run.status == "running"]
        if len(running) > 1:
            raise Wrong(f"several runs at once: {running}")
        versions = [v for each in self._versions.values() for v in each if v.run_id >= since_run]
        written = Counter((version.run_id, version.change) for version in versions)
        for run in self.books.runs:
            if run.run_id >= since_run and run.run_id not in self.doubted:
                told = {change: run.told(change) for change in ("inserted", "updated", "deleted", "revived")}
                seen = {change: written[run.run_id, change] for change in told}
                if told != seen:
                    raise Wrong(f"{run} says {told}, its history {seen}")

    # -- what is claimed -----------------------------------------------------------------------------

    def _check_coverage(self) -> None:
        covered = sorted(self.books.coverage, key=lambda each: each.after or "")
        for lower, upper in pairwise(covered):
            if lower.upto is None or upper.after is None or lower.upto > upper.after:
                raise Wrong(f"proven intervals overlap: {lower} and {upper}")
        newest = max(map(_created_text, self.world.batches.values()), default="")
        for interval in covered:
            since = self.moment_of(interval.proven_at)
            most = max(newest, stored_time(START + timedelta(microseconds=since)) or "")
            if interval.upto is None or interval.upto > most:
                raise Wrong(
                    f"{interval}: proven beyond the newest batch, {newest}, and beyond the source's {most}"
                )
            for batch in self.world.batches.values():
                if interval.holds(_created_at(batch)):
                    self._check_claim(batch, interval, since)

    def _check_claim(self, batch: Batch, interval: Covered, since: int) -> None:
        """Proof never claims more than was read."""
        stored = self.books.batches.get(batch.id)
        now = self._moments.now
        if batch.was_listed_throughout(since, now):
            self.check_seen(batch, since, now, f"{interval} proven at moment {since}")
            return
        is_alive = stored is not None and stored.is_alive and batch.id not in self.books.missing
        if is_alive and batch.was_absent_throughout(since, now) and not self.world.had_nameless:
            raise Wrong(f"{batch.id} is alive, but gone since {since}, and {interval} is proven")

    def check_seen(self, batch: Batch, since: int, until: int, why: str) -> None:
        """The table has what was true of the batch in that span, unless it could not be read."""
        states = batch.states(since, until)
        if not all(state.values is not None for state in states):
            return
        stored = self.books.batches.get(batch.id)
        if batch.id in self.books.missing:
            raise Wrong(f"{batch.id} is noted as missing; {why}; {batch.past}")
        if stored is None or not stored.is_alive:
            raise Wrong(f"{batch.id} is {'missing' if stored is None else 'deleted'}; {why}; {batch.past}")
        if not any(state.values == stored.values for state in states):
            raise Wrong(f"{batch.id} holds {stored.values}, not one of {states}; {why}")


def _snapshot(values: Values | None) -> Values | None:
    return None if values is None else tuple(values[at] for at in SNAPSHOT_AT)


def _created_text(batch: Batch) -> str:
    return _created_at(batch) or ""


def _created_at(batch: Batch) -> str | None:
    return stored_time(batch.created_at)
