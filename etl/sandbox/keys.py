"""API keys: which account each opens, and which are revoked. No representation shows one."""

from __future__ import annotations

import random

_SCHEME = "Bearer "


class Keys:
    """The keys that this source has given out."""

    def __init__(self) -> None:
        self._accounts: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Keys({len(self._accounts)} given out)"

    def issue(self, account: str, seed: str) -> str:
        """A new key of the account, in the vendor's form."""
        key = f"mgp_{random.Random(seed).getrandbits(160):040x}"
        self.grant(key, account)
        return key

    def grant(self, key: str, account: str) -> None:
        """Let this key, of whatever form, open the account."""
        self._accounts[key] = account

    def revoke(self, key: str) -> None:
        del self._accounts[key]

    def account_of(self, authorization: str | None) -> str | None:
        """The account that an Authorization header opens, if any; the scheme's case counts."""
        if authorization is None or not authorization.startswith(_SCHEME):
            return None
        return self._accounts.get(authorization.removeprefix(_SCHEME))
