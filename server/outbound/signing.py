"""Signatures of notifications, as Standard Webhooks describes them (v1: HMAC-SHA256).

Secrets are derived from one master key, which lives in a file and never in the database (HKDF, RFC 5869).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES_MIN = 32
KEY_BYTES_MAX = 4_096
SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of every secret

_SECRET_BYTES = 32


class MasterKey:
    """The key that all endpoints' secrets are derived from. `key_id` tells it from others, and nothing about it."""

    def __init__(self, key: bytes) -> None:
        assert len(key) >= KEY_BYTES_MIN
        self._key = key
        self.key_id = self._derived("key id").hex()[:16]

    @classmethod
    def read(cls, path: Path) -> MasterKey:
        """The key in a file. Raises: ValueError for one too short or too long; OSError."""
        key = path.read_bytes().strip()
        if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
            raise ValueError(f"must hold from {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes of key")
        return cls(key)

    def secret(self, endpoint_id: str, secret_no: int) -> bytes:
        """The endpoint's secret of that number: 32 bytes, the same on every server."""
        return self._derived(f"endpoint {endpoint_id} secret {secret_no}")

    def shown_secret(self, endpoint_id: str, secret_no: int) -> str:
        """The secret as its receiver keeps it: `whsec_` and base64."""
        return SECRET_PREFIX + base64.b64encode(self.secret(endpoint_id, secret_no)).decode()

    def _derived(self, info: str) -> bytes:
        derivation = HKDF(SHA256(), _SECRET_BYTES, salt=None, info=b"countinghouse notifications v1: " + info.encode())
        return derivation.derive(self._key)


def signed(secrets: Iterable[bytes], key: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers that sign a body: one signature for each secret. `at_s` is in seconds since 1970."""
    signatures = (hmac.new(secret, f"{key}.{at_s}.".encode() + body, sha256).digest() for secret in secrets)
    return {
        "webhook-id": key,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join("v1," + base64.b64encode(signature).decode() for signature in signatures),
    }
