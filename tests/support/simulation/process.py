"""A process of the program, which can be interrupted at every statement, commit, request and wait.

What will befall it is drawn before it starts. A process that died says no more word to the database: from
then on every place raises `Death`, so that no `finally` of the program can mend what a kill would leave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from etl.errors import StoppedError

from support.simulation.moments import HostClock, Moments

PLACES = ("statement", "before commit", "after commit", "request", "answer", "sleep", "woken")


class Death(BaseException):
    """The process is gone, as after kill -9. Nothing of the program may catch it, so it is no Exception."""


Deed = Callable[["Process"], None]


class Process:
    """One command, from its start to its end or death."""

    def __init__(
        self,
        moments: Moments,
        *,
        host: str,
        account: str,
        fate: Mapping[tuple[str, int], Deed],
        refusal: Callable[[], Exception],
    ) -> None:
        """`refusal` makes the error by which the database's driver tells that it did not do something."""
        self.host = host
        self.refusal = refusal
        self.account = account
        self.clock = HostClock(moments, self.at)
        self.is_dead = False
        self.is_stopping = False
        self.befell: list[str] = []
        self._fate = dict(fate)
        self._passed: Counter[str] = Counter()

    def at(self, place: str) -> None:
        """The process is at that place: something may befall it there."""
        if self.is_dead:
            raise Death(f"dead already, at {place}")
        if place == "check":
            if self.is_stopping:
                raise StoppedError("stopped on request")
            return
        self._passed[place] += 1
        deed = self._fate.pop((place, self._passed[place]), None)
        if deed is not None:
            deed(self)


def die(process: Process) -> None:
    process.is_dead = True
    process.befell.append("death")
    raise Death(f"killed on {process.host}")


def stop(process: Process) -> None:
    """Somebody sends SIGTERM."""
    process.is_stopping = True
    process.befell.append("stop")


def refuse(process: Process) -> None:
    """The database does not do what it is asked to: a full disk."""
    process.befell.append("refusal")
    raise process.refusal()


def doubt(process: Process) -> None:
    """The database did what it was asked to, and could not say so: a lost connection."""
    process.befell.append("doubt")
    raise process.refusal()
