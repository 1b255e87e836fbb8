"""Page tokens: opaque, signed, and good for the query they were made for only (PLT-08).

A page begins after the key of the last row of the page before (keyset), so rows added meanwhile neither shift nor
repeat anything.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from hashlib import sha256

from domain.kernel.errors import Invalid, Violation

SIZE_DEFAULT = 50
SIZE_MAX = 1_000
KEY_BYTES_MIN = 16
_MAC_BYTES = 16

Key = list[int | str]


@dataclass(frozen=True, slots=True)
class Page:
    """Which page: at most `size` rows after `after`, the key of the last row before them (None: from the start)."""

    size: int
    after: Key | None


class PageTokens:
    """Makes and reads page tokens with a secret key."""

    def __init__(self, key: bytes) -> None:
        assert len(key) >= KEY_BYTES_MIN
        self._key = key

    def page(self, *, size: int, token: str, query: bytes) -> Page:
        """The page asked for; `query` is whatever must not change between pages (method, filter, order).

        Raises: Invalid (PAGE_TOKEN_INVALID) for a token that was tampered with or belongs to another query,
        (PAGE_SIZE_INVALID) for a size below 0 or above SIZE_MAX.
        """
        if not 0 <= size <= SIZE_MAX:
            raise Invalid(Violation("page_size", "PAGE_SIZE_INVALID", f"must be from 0 to {SIZE_MAX}"))
        return Page(size or SIZE_DEFAULT, self._after(token, query) if token else None)

    def token(self, key: Key, query: bytes) -> str:
        """The token of the page after the row with this key."""
        body = json.dumps(key, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(body, query) + body).decode().rstrip("=")

    def _after(self, token: str, query: bytes) -> Key:
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body, query)):
            raise Invalid(
                Violation("page_token", "PAGE_TOKEN_INVALID", "is not a token that this list gave for this query")
            )
        key = json.loads(body)
        assert isinstance(key, list)
        return key

    def _mac(self, body: bytes, query: bytes) -> bytes:
        message = sha256(query).digest() + body
        return hmac.new(self._key, message, sha256).digest()[:_MAC_BYTES]
