"""API keys: what one may look like, where it is read from, and what stands in for one that is not there.

No function here shows any part of a key, not even in an error.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from etl.errors import SettingsError
from etl.model import Secret

KEY_FORM = re.compile(r"mgp_[0-9a-f]{40}")
_SESSION_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_LONGEST = 16 * 1024
_MOUNTED = Path("/run/secrets")
HINT = (
    "put it into the environment, into .env in this folder, or into a file that MAGPIPE_API_KEY_FILE names;"
    " then `magpipe-etl check` tries it"
)
HINT_OF_FILE = "mend what the message names; then `magpipe-etl check` tries every key"
EXPECTED = "an API key (mgp_ and 40 hex digits, or a session token)"


class MissingKey(Secret):
    """The key of an account that has none that works: using it says why, so that the other accounts go on."""

    __slots__ = ("fault",)

    def __init__(self, fault: str) -> None:
        super().__init__("")
        self.fault = fault

    def reveal(self) -> str:
        raise SettingsError([self.fault], hint=HINT_OF_FILE)


def parse_key(text: str) -> Secret:
    """The key without the space around it; ValueError says in words what would break its header."""
    key = text.strip()
    if not key:
        raise ValueError("nothing")
    if not key.isascii() or not key.isprintable():
        raise ValueError("a text with line breaks, control characters or letters beyond ASCII")
    if key.lower().startswith("bearer "):
        raise ValueError("a text that begins with the word Bearer")
    if len(key) > _LONGEST:
        raise ValueError(f"a text of more than {_LONGEST} characters")
    return Secret(key)


def read_key(path: Path) -> Secret:
    """The key in a file; ValueError tells what is wrong with the file or with what stands in it."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return parse_key(file.read(_LONGEST + 1))
    except UnicodeDecodeError:
        raise ValueError("a file that is not text") from None
    except OSError as error:
        raise ValueError(f"a file that cannot be read: {error.strerror or type(error).__name__}") from None


def access_warning(path: Path) -> str | None:
    """A word about a key's file that everybody can read, or others than its owner change.

    Who else can see a file that is mounted into a container, the host alone knows.
    """
    if os.name != "posix" or path.is_relative_to(_MOUNTED):
        return None
    mode = path.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be changed by others than its owner: chmod 600"
    return "can be read by everybody on this machine: chmod 600" if mode & stat.S_IROTH else None


def key_warning(key: Secret) -> str | None:
    """A word about a key of a form that Magpipe does not document; it is tried all the same."""
    text = key.reveal()
    if KEY_FORM.fullmatch(text) or _SESSION_TOKEN.fullmatch(text):
        return None
    return f"the key has {len(text)} characters and is not of the documented form, {EXPECTED}"
