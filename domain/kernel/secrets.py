"""Keys that the product has made for itself."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import Connection, select

from domain.kernel.tables import secret

PAGE_TOKENS = "page_tokens"
"""The key by which page tokens are signed; every server on the database reads every server's tokens."""


def read(tx: Connection, name: str) -> bytes:
    """The key of that name; a migration has made it. Cost: one statement by primary key."""
    return bytes(tx.execute(select(secret.c.value).where(secret.c.name == name)).scalar_one())


def fingerprint(tx: Connection, name: str) -> str:
    """The SHA-256 of a key, in hexadecimal: tells whether two databases have the same one. Cost: as `read`."""
    return sha256(read(tx, name)).hexdigest()
