"""Notices to a webhook, which is asked once and not for long: who tells again is not decided here."""

from __future__ import annotations

import httpx

from etl.service.notices import Notice, slack_message
from etl.version import USER_AGENT

_TIMEOUT_SECONDS = 10.0


class Webhook:
    """Posts notices to one URL, of which nothing is ever said: whoever has it can post there."""

    name = "webhook"

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._transport = transport

    def send(self, notice: Notice) -> str | None:
        """Post the notice; gives why it was not taken, None where it was."""
        try:
            with httpx.Client(
                transport=self._transport, timeout=_TIMEOUT_SECONDS, headers={"User-Agent": USER_AGENT}
            ) as client:
                answer = client.post(self._url, json=slack_message(notice))
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError) as error:
            # The last three are raised over proxies and certificates of no use that the environment names.
            return f"it could not be reached ({type(error).__name__})"
        return None if answer.is_success else f"it answered {answer.status_code}"
