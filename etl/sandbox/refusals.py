"""The bodies of errors, in both of the shapes in which the source sends them."""

from __future__ import annotations

import json


def text_body(message: str) -> bytes:
    """As the server's code answers: `{"error":"text"}`."""
    return json.dumps({"error": message}, ensure_ascii=False, separators=(",", ":")).encode()


def documented_body(message: str, code: str) -> bytes:
    """As the vendor documents: `{"data":null,"error":{"message":…,"code":…}}`."""
    document = {"data": None, "error": {"message": message, "code": code}}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
