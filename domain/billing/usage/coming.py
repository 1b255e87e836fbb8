"""Data that come in, and bills that are made of estimates for want of them, wait for one another (BIL-21, BIL-24).

Else data could commit beside a bill that neither sees the other: the estimate would stay, and nobody would know. On
PostgreSQL whoever takes data in shares locks that stand for their accounts, and whoever is about to keep an estimate
has them alone; both until their transactions end. SQLite has one writer.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from sqlalchemy import Connection, text

_LOCKS = 64
"""Accounts share so many locks: few enough for a chunk to take them all."""

_SPACE = 0x4249_4C4C
"""Of the space of PostgreSQL's advisory locks, the part that is ours."""

_IN_ORDER = "FROM (SELECT unnest(CAST(:locks AS int[])) AS lock ORDER BY 1) wanted"
_SHARE = text(f"SELECT pg_advisory_xact_lock_shared({_SPACE}, lock) {_IN_ORDER}")
_HOLD = text(
    f"SELECT pg_advisory_xact_lock({_SPACE}, lock) {_IN_ORDER}"
    " WHERE current_setting('transaction_isolation') = 'read committed'"
)


def share(tx: Connection, account_ids: Iterable[str]) -> None:
    """Take data of these accounts in: nobody keeps an estimate of theirs before the transaction ends.

    Waits for those who do. Cost: one statement on PostgreSQL.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(_SHARE, {"locks": _locks(account_ids)})


def hold(tx: Connection, account_ids: Iterable[str]) -> bool:
    """Keep estimates of these accounts: no data of theirs come in before the transaction ends.

    Waits for those that are coming in; True if data may be there by now that were not before. Nothing is held by a
    transaction that sees one instant alone, as it keeps nothing. Cost: one statement on PostgreSQL.
    """
    return tx.dialect.name == "postgresql" and bool(tx.execute(_HOLD, {"locks": _locks(account_ids)}).all())


def _locks(account_ids: Iterable[str]) -> list[int]:
    return sorted({crc32(each.encode()) % _LOCKS for each in account_ids})
