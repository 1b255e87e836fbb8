"""The same request id with the same content gives the first answer and changes nothing (PLT-06).

Only committed successes are remembered: the row is written in the use case's own transaction.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, tuple_

from domain.kernel.errors import AlreadyExists
from domain.kernel.script import Script
from domain.kernel.tables import idempotency

_RECALL = "SELECT digest, answer FROM idempotency WHERE caller = ? AND method = ? AND request_id = ?"
_COLUMNS = ("caller", "method", "request_id", "digest", "answer", "created_us")


class RequestIdReused(AlreadyExists):
    """The request id was used before for a request with other content."""

    reason = "REQUEST_ID_REUSED"


def recall(tx: Connection, caller: str, method: str, request_id: str, digest: bytes) -> bytes | None:
    """The answer given to this request before, if any; Raises: RequestIdReused when the content was another."""
    rows = Script(tx).ask(_RECALL, caller, method, request_id)
    if not rows:
        return None
    ((kept, answer),) = rows
    if bytes(kept) != digest:
        raise RequestIdReused(request_id=request_id)
    return bytes(answer)


def remember(
    tx: Connection, caller: str, method: str, request_id: str, *, digest: bytes, answer: bytes, now_us: int
) -> None:
    """Keep the answer. Two callers racing with one id collide on the primary key; the loser runs again and recalls."""
    script = Script(tx)
    script.insert("idempotency", _COLUMNS, [(caller, method, request_id, digest, answer, now_us)])
    script.run()


def forget_before(tx: Connection, before_us: int, limit: int) -> int:
    """Delete the oldest answers kept since before an instant, at most `limit`; gives how many. Cost: one statement."""
    key = (idempotency.c.caller, idempotency.c.method, idempotency.c.request_id)
    old = (
        select(*key).where(idempotency.c.created_us < before_us).order_by(idempotency.c.created_us).limit(limit)
    ).subquery()
    return tx.execute(delete(idempotency).where(tuple_(*key).in_(select(old)))).rowcount
