"""Text from elsewhere made harmless for the place where it is shown.

A campaign's name is whatever somebody typed, or sent: it may hold escapes that drive a terminal, or marks
that reorder what stands beside them.
"""

from __future__ import annotations

import re

_SPACE = re.compile(r"[\s\u2028\u2029]+")
# C0 and C1 controls (an escape is one), invisible marks of direction, and lone surrogates.
_HARMFUL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def harmless(text: str | None) -> str:
    """One line for a terminal; a character that could do more than be seen becomes `�`."""
    return _HARMFUL.sub("�", _SPACE.sub(" ", text or "").strip())
