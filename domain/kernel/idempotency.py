"""The same request id with the same content gives the first answer and changes nothing (PLT-06).

Only committed successes are remembered: the row is written in the use case's own transaction.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, tuple_

from domain.kernel.errors import AlreadyExists
from domain.kernel.tables import idempotency


class RequestIdReused(AlreadyExists):
    """The request id was used before for a request with other content."""

    reason = "REQUEST_ID_REUSED"


def recall(tx: Connection, caller: str, method: str, request_id: str, digest: bytes) -> bytes | None:
    """The answer given to this request before, if any; Raises: RequestIdReused when the content was another."""
    row = tx.execute(
        select(idempotency.c.digest, idempotency.c.answer).where(
            idempotency.c.caller == caller, idempotency.c.method == method, idempotency.c.request_id == request_id
        )
    ).one_or_none()
    if row is None:
        return None
    if bytes(row.digest) != digest:
        raise RequestIdReused(request_id=request_id)
    return bytes(row.answer)


def remember(
    tx: Connection, caller: str, method: str, request_id: str, *, digest: bytes, answer: bytes, now_us: int
) -> None:
    """Keep the answer. Two callers racing with one id collide on the primary key; the loser runs again and recalls."""
    tx.execute(
        insert(idempotency).values(
            caller=caller, method=method, request_id=request_id, digest=digest, answer=answer, created_us=now_us
        )
    )


def forget_before(tx: Connection, before_us: int, limit: int) -> int:
    """Delete the oldest answers kept since before an instant, at most `limit`; gives how many. Cost: one statement."""
    key = (idempotency.c.caller, idempotency.c.method, idempotency.c.request_id)
    old = (
        select(*key).where(idempotency.c.created_us < before_us).order_by(idempotency.c.created_us).limit(limit)
    ).subquery()
    return tx.execute(delete(idempotency).where(tuple_(*key).in_(select(old)))).rowcount
