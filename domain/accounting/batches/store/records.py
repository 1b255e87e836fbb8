"""The SQL of a batch's records: what never changes once they are in it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, and_, select, tuple_

from domain.accounting.batches.layouts.model import Record, Side
from domain.accounting.batches.model import Batch
from domain.accounting.batches.store.taking import Key, taken_by
from domain.accounting.performing.model import Operation
from domain.accounting.performing.store.operations import from_row
from domain.accounting.tables import accounting_operation, assignment

_ROWS_MAX = 2_000  # read at once
_a, _o = assignment.c, accounting_operation.c


def operations(tx: Connection, batch: Batch, *, after: Key | None = None, limit: int) -> list[Operation]:
    """At most `limit` operations of a batch in the order of its file, those behind the key `after`.

    Cost: one statement along ix_assignment_taken, and the operations by their keys.
    """
    mine = select(_a.claim_id, _a.operation_id).where(taken_by(batch.run_id), _a.accounting_day == batch.accounting_day)
    mine = mine.where(tuple_(_a.claim_id, _a.operation_id) > tuple_(*after)) if after is not None else mine
    page = mine.order_by(_a.claim_id, _a.operation_id).limit(limit).subquery()  # cut first: then few are looked up
    query = (
        select(accounting_operation)
        .join(page, and_(_o.claim_id == page.c.claim_id, _o.operation_id == page.c.operation_id))
        .order_by(_o.claim_id, _o.operation_id)
    )
    return [from_row(row) for row in tx.execute(query).mappings()]


def records(tx: Connection, batch: Batch) -> Iterator[Record]:
    """The records of a batch in the order of its file: of each operation the debit, then the credit.

    Cost: a statement for 2,000 operations.
    """
    after: Key | None = None
    while page := operations(tx, batch, after=after, limit=_ROWS_MAX):
        for operation in page:
            yield from steps(operation)
        after = (page[-1].claim_id, page[-1].operation_id)


def steps(operation: Operation) -> tuple[Record, Record]:
    """The two records of an operation."""
    return _step(operation, Side.DEBIT), _step(operation, Side.CREDIT)


def _step(operation: Operation, side: Side) -> Record:
    debit, credit = operation.debit, operation.credit
    mine, other = (debit, credit) if side is Side.DEBIT else (credit, debit)
    return Record(
        operation_id=operation.operation_id,
        idempotency_key=operation.operation_id,
        side=side,
        account=mine.account,
        counter_account=other.account,
        amount_minor=operation.amount.minor,
        currency=operation.amount.currency,
        reason=operation.entry_reason,
        claim=operation.claim_id,
        dispute=operation.dispute_id,
        rule=operation.rule_code,
        rule_version=operation.rule_version,
        performed_us=operation.performed_us,
        accounting_day=operation.accounting_day,
        collection=mine.collection,
        reverses=operation.reverses_id,
        description=operation.note,
    )
