"""What is said of an incident: a sentence for people, a document for programs. Pure.

No text here holds a key or a customer's value: findings are made of names that an operator or the source's
schema chose, of counts, and of the program's own messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from etl.logs import one_line
from etl.report.words import ago
from etl.state.incidents import Incident, News

_LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell: something began, became worse, or is over."""

    news: News
    kind: str
    account: str | None  # None: of all of them
    subject: str = ""
    detail: str
    since: datetime
    until: datetime | None = None

    @property
    def text(self) -> str:
        """One line."""
        who = f"{self.account}: " if self.account else ""
        return one_line(f"{who}{self._words()}")[:_LONGEST_TEXT]

    def as_json(self) -> dict[str, Any]:
        """The document that a command reads."""
        return {
            "event": self.news,
            "kind": self.kind,
            "account": self.account,
            "subject": self.subject or None,
            "detail": self.detail,
            "opened_at": self.since.isoformat(),
            "closed_at": self.until.isoformat() if self.until else None,
            "text": self.text,
        }

    def _words(self) -> str:
        if self.news is News.CLOSED:
            lasted = max((self.until or self.since) - self.since, timedelta())
            return f"over after {ago(lasted)}: {self.detail}"
        return f"{'worse, ' if self.news is News.WORSE else ''}{self.detail}"


def notice_of(incident: Incident) -> Notice:
    """What is still to be told of the incident."""
    return Notice(
        news=incident.to_tell or News.OPENED,
        kind=incident.kind,
        account=incident.account,
        subject=incident.subject,
        detail=incident.detail,
        since=incident.opened_at,
        until=incident.closed_at,
    )


def slack_message(notice: Notice) -> dict[str, str]:
    """The body of a webhook, as Slack and those who imitate it take it."""
    text = notice.text
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, name)
    return {"text": f"magpipe-etl: {text}"}
