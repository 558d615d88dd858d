"""What is answered over HTTP: a few pages to read, each made when it is asked for, and nothing to change.

No page holds a secret, and every answer tells a browser to keep it to itself. A page that fails is a fault of
that page alone, told without its cause: that stands in the log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from etl.logs import Log

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = Log(__name__)

_PORT = re.compile(r":[0-9]*$")

HTML = "text/html; charset=utf-8"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

HEADERS = (
    ("Cache-Control", "no-store"),
    # What a page shows stands in it; it loads nothing, sends nothing and is framed by nobody.
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole."""

    status: HTTPStatus
    content_type: str
    body: bytes


Page = Callable[[], Answer]


def json_answer(status: HTTPStatus, document: Any) -> Answer:
    return Answer(status, JSON, json.dumps(document, indent=2).encode() + b"\n")


def text_answer(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, TEXT, f"{text}\n".encode())


class Site:
    """The pages by their path, as a WSGI application. `names`: the hosts it answers for; None for any."""

    def __init__(self, pages: Mapping[str, Page], *, names: Collection[str] | None = None) -> None:
        self._pages = pages
        self._names = names

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(
            environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"), environ.get("HTTP_HOST", "")
        )
        headers = [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            *HEADERS,
        ]
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "GET, HEAD"))
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, method: str, path: str, host: str) -> Answer:
        if not self._serves(host):
            return text_answer(HTTPStatus.MISDIRECTED_REQUEST, "this host is not served here")
        page = self._pages.get(path)
        if page is None:
            return text_answer(HTTPStatus.NOT_FOUND, f"there are {', '.join(sorted(self._pages))}")
        if method not in {"GET", "HEAD"}:
            return text_answer(HTTPStatus.METHOD_NOT_ALLOWED, "nothing can be changed here")
        try:
            return page()
        except Exception:
            log.exception("page.failed", path=path)
            return text_answer(HTTPStatus.INTERNAL_SERVER_ERROR, "this page failed; the log says why")

    def _serves(self, host: str) -> bool:
        """Whether the name that the client used, if it told one, is one of this site's."""
        name = _PORT.sub("", host).lower()
        return self._names is None or not name or name in self._names
