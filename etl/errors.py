"""Every way in which the work can end badly; the type of an error says how to react to it.

    EtlError
    ├── SettingsError            exit 2   mend the configuration, then start again
    ├── SourceError              exit 3
    │   ├── TransientSourceError          try again, after `retry_after_seconds` when it is known
    │   │   ├── KeyRefusedError           try twice more, seconds apart: the source's look-up can fail
    │   │   └── RateLimitedError          try again when the budget says so, however long that is
    │   └── PermanentSourceError          stop; trying again cannot help
    ├── DestinationError         exit 4   the database is out of reach, full, damaged or read-only
    ├── LockHeldError            exit 5   another sync of that account is running
    ├── IncompleteError          exit 1   the walk ended, but it could not be proven complete
    ├── DeletesGuardError        exit 1   more rows would be marked deleted than an operator allows unseen
    ├── TimedOutError            exit 1   the run took longer than it may
    ├── ExportError              exit 1   a file could not be written; what was there before is as it was
    ├── StoppedError             exit 130 somebody asked the process to stop
    └── InvariantError           exit 1   a bug of this program

No message carries a key, a password or a customer's value.
"""

from __future__ import annotations

from collections.abc import Sequence


class EtlError(Exception):
    """The base of all; `str(error)` is one sentence for a person, `hint` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class SettingsError(EtlError):
    """One or more settings cannot be used; `faults` names each with its origin and what is expected."""

    exit_code = 2

    def __init__(self, faults: Sequence[str], *, hint: str | None = None) -> None:
        super().__init__("; ".join(faults), hint=hint)
        self.faults = tuple(faults)


class SourceError(EtlError):
    """The source did not give what was asked for."""

    exit_code = 3


class TransientSourceError(SourceError):
    """A fault that passes: a time-out, a 5xx, a cut-off body."""

    most_attempts: int | None = None  # where the settings' number is not right for it

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class KeyRefusedError(TransientSourceError):
    """A 401: a passing fault of the source's key look-up, or, when it stays, a bad key."""

    most_attempts = 3


class RateLimitedError(TransientSourceError):
    """A 429: somebody used more of the quota than was known. The budget makes every request wait."""


class PermanentSourceError(SourceError):
    """A refusal that will not change by asking again: a bad key, a wrong address."""


class DestinationError(EtlError):
    """The database refused or went away."""

    exit_code = 4


class LockHeldError(EtlError):
    """Somebody else is writing this account."""

    exit_code = 5


class IncompleteError(EtlError):
    """The walk ended without a proof that nothing was missed; what it loaded is right and is kept."""


class DeletesGuardError(EtlError):
    """The rows that are gone from the source are too many to be believed without an operator."""


class TimedOutError(EtlError):
    """The run took longer than it may; what it committed is right and the next run goes on."""


class ExportError(EtlError):
    """A file could not be written: no room, no right to."""


class StoppedError(EtlError):
    """The process was asked to stop; what is committed is right and the next run goes on."""

    exit_code = 130


class InvariantError(EtlError):
    """Something that cannot be was seen: a bug, never the user's fault."""
