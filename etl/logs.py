"""What the program says of its work: events with fields, as text for people or as JSON lines, on stderr.

    log = Log(__name__)
    log.info("page.fetched", account="acme", offset=1000, rows=998)

Events go through standard logging, so a Python caller gets them by its own handlers. No line shows a secret:
every record of every logger is redacted, its message, arguments, fields and traceback alike.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

_MARK = "***"
_PATTERNS = (
    (re.compile(r"mgp_[0-9a-fA-F]{8,}"), _MARK),
    (re.compile(r"(?i)\b(bearer\s+)[^\s'\",;)\]}]+"), rf"\g<1>{_MARK}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), _MARK),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s/'\"]*@"), rf"\g<1>{_MARK}@"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_IN_THE_RESULT = frozenset({"run.failed", "run.refused", "drift.found"})
_SHORTEST_SECRET = 4  # a shorter text would blacken words that mean something else


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class Event:
    """A dotted name in the past tense and its fields; as text, `page.fetched account=acme rows=998`."""

    __slots__ = ("fields", "name")

    def __init__(self, name: str, fields: dict[str, object]) -> None:
        self.name = name
        self.fields = fields

    def __str__(self) -> str:
        return " ".join((self.name, *(f"{key}={_as_text(value)}" for key, value in self.fields.items())))


class Log:
    """A logger of events; `name` is the module's."""

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, /, **fields: object) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, /, **fields: object) -> None:
        """An error with the traceback of the exception in hand; the traceback is written with -v only."""
        self._write(logging.ERROR, event, fields, traceback=True)

    def _write(self, level: int, event: str, fields: dict[str, object], *, traceback: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, Event(event, fields), exc_info=traceback, stacklevel=3)


class Redactor:
    """Blackens the secrets that it is told, and whatever looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted(
            {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True
        )
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        if self._known:
            text = self._known.sub(_MARK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


class RecordFormatter(logging.Formatter):
    """One record as a line of text or JSON, redacted as the last step: nothing added on the way escapes."""

    def __init__(self, log_format: LogFormat, redact: Redactor, *, tracebacks: bool = True) -> None:
        super().__init__()
        self._json = log_format is LogFormat.JSON
        self._redact = redact
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        return self._as_json(record) if self._json else self._as_line(record)

    def _as_line(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        message = one_line(self._redact(record.getMessage()))
        line = f"{moment:%H:%M:%S} {record.levelname.lower():7} {message}"
        traceback = self._traceback(record)
        return f"{line}\n{traceback}" if traceback else line

    def _as_json(self, record: logging.LogRecord) -> str:
        event = record.msg if isinstance(record.msg, Event) else None
        fields = {key: self._as_value(value) for key, value in event.fields.items()} if event else {}
        document = fields | {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": event.name if event else self._redact(record.getMessage()),
        }
        if traceback := self._traceback(record):
            document["traceback"] = traceback
        return json.dumps({key: document[key] for key in sorted(document, key=_json_order)})

    def _as_value(self, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._redact(value.isoformat() if isinstance(value, datetime) else str(value))

    def _traceback(self, record: logging.LogRecord) -> str:
        if not record.exc_info or not self._tracebacks:
            return ""
        return self._redact(self.formatException(record.exc_info))


class StderrHandler(logging.Handler):
    """Writes to what stderr is at that moment: a progress bar puts a stand-in there while it is drawn."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except OSError:
            pass  # nobody reads stderr any more; the work goes on


def configure_logs(
    *,
    verbosity: int = 0,
    log_format: LogFormat = LogFormat.TEXT,
    secrets: Iterable[str] = (),
) -> None:
    """Send the records of every logger to stderr; calling it again replaces what was set before.

    Verbosity -1 shows errors, 0 warnings, 1 the events of a run, 2 each page and request, 3 what the
    libraries log. Lines of text leave out, up to 0, what the command's result tells as well.
    """
    handler = StderrHandler()
    if log_format is LogFormat.TEXT and verbosity < 1:
        handler.addFilter(_is_news)
    handler.setFormatter(RecordFormatter(log_format, Redactor(secrets), tracebacks=verbosity > 0))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, StderrHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.captureWarnings(True)
    for name, level in levels(verbosity).items():
        logging.getLogger(name).setLevel(level)


def levels(verbosity: int) -> dict[str, int]:
    """The level of each family of loggers.

    SQLAlchemy stops at INFO: below it prints the rows, and customers' values belong in no log.
    """
    quietest = logging.ERROR if verbosity < 0 else logging.WARNING

    def level(*steps: int) -> int:
        return quietest if verbosity < 1 else steps[min(verbosity, len(steps)) - 1]

    return {
        "": quietest,
        "etl": level(logging.INFO, logging.DEBUG),
        # A service has no result to tell of but its log.
        "etl.service": logging.INFO if verbosity == 0 else level(logging.INFO, logging.DEBUG),
        "httpx": level(quietest, logging.INFO),
        "httpcore": level(quietest, quietest, logging.DEBUG),
        # It warns of every turn that is left out while the one before is at work, which is what is meant.
        "apscheduler": logging.INFO if verbosity > 2 else logging.ERROR,
        "alembic": level(quietest, quietest, logging.INFO),
        "sqlalchemy.engine": level(quietest, quietest, logging.INFO),
    }


def _is_news(record: logging.LogRecord) -> bool:
    return not isinstance(record.msg, Event) or record.msg.name not in _IN_THE_RESULT


def one_line(text: str) -> str:
    """The text with line breaks and control characters spelled out: a value cannot forge a line."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text.replace("\n", "\\n"))


def _as_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r"[\s\"=]", text) or not text else text


def _json_order(key: str) -> int:
    order = ("time", "level", "logger", "event")
    return order.index(key) if key in order else len(order)
