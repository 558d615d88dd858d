"""Notices to a command of the operator's: one process each, the notice as JSON on its stdin."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping

from etl.service.notices import Notice

_TIMEOUT_SECONDS = 30.0


class CommandHook:
    """Runs one command, without a shell and without the secrets of this process's environment."""

    name = "command"

    def __init__(
        self, command: str, environ: Mapping[str, str], *, timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> None:
        self._words = shlex.split(command)
        self._environ = dict(environ)
        self._timeout_seconds = timeout_seconds

    def send(self, notice: Notice) -> str | None:
        """Run the command; gives why it did not end well, None where it did."""
        try:
            ended = subprocess.run(  # noqa: S603  what is run is the operator's choice
                self._words,
                input=json.dumps(notice.as_json()) + "\n",
                env=self._environ,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                timeout=self._timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"it did not end within {self._timeout_seconds:g} s"
        except OSError as error:
            return f"it could not be run: {error.strerror or type(error).__name__}"
        return None if ended.returncode == 0 else f"it ended with {ended.returncode}"
