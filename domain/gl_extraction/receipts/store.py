"""SQL of receipts: ranges of messages, never messages one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, select, update

from domain.gl_extraction.extraction.model import Batch
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.extraction.store import batches
from domain.gl_extraction.receipts.model import Awaited, Receipt, Span
from domain.gl_extraction.receipts.states import ReceiptState
from domain.gl_extraction.tables import extraction_batch, message_receipt
from domain.kernel import scopes

_r, _b = message_receipt.c, extraction_batch.c
_ROWS_MAX = 1_000  # read at once
COUNTS = {
    ReceiptState.ACKNOWLEDGED: _b.acknowledged_count,
    ReceiptState.REJECTED: _b.rejected_count,
}


def near(tx: Connection, batch_no: int, hull: Span) -> list[Receipt]:
    """What was said of messages of a span and of those right beside it, in order. One statement, by primary key."""
    touches = (_r.first_message_id <= hull.last + 1, _r.last_message_id >= hull.first - 1)
    query = select(message_receipt).where(_r.batch_no == batch_no, *touches).order_by(_r.first_message_id)
    return list(map(_receipt_from_row, tx.execute(query)))


def replace(tx: Connection, batch_no: int, *, gone: Iterable[Receipt], put: Sequence[Receipt]) -> None:
    """Put receipts in the place of others; the caller holds the batch's lock. Up to two statements."""
    firsts = [receipt.span.first for receipt in gone]
    for start in range(0, len(firsts), _ROWS_MAX):
        some = firsts[start : start + _ROWS_MAX]
        tx.execute(delete(message_receipt).where(_r.batch_no == batch_no, _r.first_message_id.in_(some)))
    if put:
        tx.execute(insert(message_receipt), [_row(batch_no, receipt) for receipt in put])


def count(tx: Connection, batch_no: int, state: ReceiptState, more: int) -> None:
    """Count so many messages more of a batch as being in a state."""
    column = COUNTS[state]
    tx.execute(update(extraction_batch).where(_b.batch_no == batch_no).values({column.name: column + more}))


def following(tx: Connection, batch_no: int, after_id: int, state: ReceiptState | None) -> Iterator[Receipt]:
    """The receipts of messages behind one, in order; `state` None: in any. Cost: a statement for a thousand."""
    while True:
        query = select(message_receipt).where(_r.batch_no == batch_no, _r.first_message_id > after_id)
        query = query if state is None else query.where(_r.state == state.value)
        rows = tx.execute(query.order_by(_r.first_message_id).limit(_ROWS_MAX)).all()
        yield from map(_receipt_from_row, rows)
        if len(rows) < _ROWS_MAX:
            return
        after_id = rows[-1].last_message_id


def is_resent(tx: Connection, batch_no: int) -> bool:
    """Whether a completed batch is the resend of this one."""
    return bool(tx.execute(select(_resent(batch_no))).scalar_one())


def page(
    tx: Connection,
    *,
    rejected: bool,
    before_us: int,
    after_no: int,
    limit: int,
    seen: Collection[int] | None,
) -> list[Batch]:
    """At most `limit` batches by number whose messages are awaited, or (`rejected`) of which some are rejected.

    `before_us` 0: whenever they were completed. Cost: one statement over the index of such batches.
    """
    wanted = _b.rejected_count > 0 if rejected else _awaited()
    query = select(extraction_batch).where(wanted, ~_resent(_b.batch_no), _b.batch_no > after_no)
    query = query.where(scopes.within(_b.scope_id, seen)) if seen is not None else query
    query = query.where(_b.completed_us < before_us) if before_us else query
    rows = tx.execute(query.order_by(_b.batch_no).limit(limit)).mappings()
    return [batches.batch_from_row(row) for row in rows]


def awaited(tx: Connection) -> Awaited:
    """How much is awaited, over all batches. Cost: one statement over the index of such batches."""
    open_messages = _b.message_count - _b.acknowledged_count - _b.rejected_count
    figures = (func.count(), func.coalesce(func.sum(open_messages), 0), func.coalesce(func.min(_b.completed_us), 0))
    return Awaited(*map(int, tx.execute(select(*figures).where(_awaited(), ~_resent(_b.batch_no))).one()))


def _awaited() -> ColumnElement[bool]:
    open_messages = _b.message_count > _b.acknowledged_count + _b.rejected_count
    return and_(_b.state == BatchState.COMPLETED.value, open_messages)


def _resent(batch_no: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a number or a column
    resend = extraction_batch.alias("resend").c
    return exists().where(resend.resend_of == batch_no, resend.state == BatchState.COMPLETED.value)


def _row(batch_no: int, receipt: Receipt) -> dict[str, int | str]:
    return {
        "batch_no": batch_no,
        "first_message_id": receipt.span.first,
        "last_message_id": receipt.span.last,
        "state": receipt.state.value,
        "reason": receipt.reason,
        "reference": receipt.reference,
        "caller": receipt.caller,
        "created_us": receipt.created_us,
        "updated_us": receipt.updated_us,
    }


def _receipt_from_row(row: Row[*tuple[Any, ...]]) -> Receipt:
    return Receipt(
        span=Span(row.first_message_id, row.last_message_id),
        state=ReceiptState(row.state),
        reason=row.reason,
        reference=row.reference,
        caller=row.caller,
        created_us=row.created_us,
        updated_us=row.updated_us,
    )
