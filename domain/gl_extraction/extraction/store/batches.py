"""SQL of batches and message blocks; by key or index, one statement a function."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from sqlalchemy import Connection, RowMapping, insert, select, update

from domain.data_files.model import totals_from_document, totals_to_document
from domain.gl_extraction.extraction.model import Batch, request_from_document, request_to_document
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.tables import extraction_batch, message_block
from domain.kernel import scopes
from domain.kernel.documents import from_text, to_text

_b = extraction_batch.c
_UNFINISHED = (BatchState.SELECTING.value, BatchState.PREPARED.value)


def create(tx: Connection, batch: Batch) -> None:
    """Insert the batch; a second run that stamps anew violates `only_one_restamping_run_at_a_time`."""
    tx.execute(
        insert(extraction_batch).values(
            batch_no=batch.batch_no,
            state=batch.state.value,
            restamping=int(batch.restamping),
            resend_of=batch.resend_of,
            operation_id=batch.operation_id,
            caller=batch.caller,
            description=batch.description,
            data_file_set_code=batch.data_file_set_code,
            created_us=batch.created_us,
            request=to_text(request_to_document(batch.request)),
            scope_id=batch.scope_id,
        )
    )


def find(tx: Connection, batch_no: int, *, lock: bool = False) -> Batch | None:
    """The batch, if there is one; with `lock` it stays as it is until the transaction ends."""
    query = select(extraction_batch).where(_b.batch_no == batch_no)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else batch_from_row(row)


def find_restamping(tx: Connection) -> Batch | None:
    """The run that stamps details anew and is not over, if there is one."""
    query = select(extraction_batch).where(_b.restamping == 1, _b.state.in_(_UNFINISHED))
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else batch_from_row(row)


def page(
    tx: Connection,
    *,
    state: BatchState | None,
    before_no: int | None,
    limit: int,
    seen: Collection[int] | None = None,
) -> list[Batch]:
    """At most `limit` batches, newest first, those behind `before_no`; `state` None: in any state.

    `seen` are the scopes (ids) whose batches are asked for; None: all.
    """
    query = select(extraction_batch).order_by(_b.batch_no.desc()).limit(limit)
    query = query.where(scopes.within(_b.scope_id, seen)) if seen is not None else query
    query = query.where(_b.state == state.value) if state is not None else query
    query = query.where(_b.batch_no < before_no) if before_no is not None else query
    return [batch_from_row(row) for row in tx.execute(query).mappings()]


def change(tx: Connection, batch: Batch) -> None:
    """Put `batch` in place of its row; the caller holds its lock."""
    tx.execute(
        update(extraction_batch)
        .where(_b.batch_no == batch.batch_no)
        .values(
            state=batch.state.value,
            data_file_set_code=batch.data_file_set_code,
            message_us=batch.message_us,
            completed_us=batch.completed_us,
            detail_count=batch.detail_count,
            element_count=batch.element_count,
            message_count=batch.message_count,
            first_message_id=batch.first_message_id,
            totals=to_text(totals_to_document(batch.totals)),
        )
    )


def record_block(tx: Connection, batch: Batch) -> None:
    """Record whose numbers the batch's messages are: every number is accounted for (GLX-17)."""
    tx.execute(
        insert(message_block).values(
            first_message_id=batch.first_message_id,
            message_count=batch.message_count,
            batch_no=batch.batch_no,
            state="USED",
            created_us=batch.message_us,
        )
    )


def batch_from_row(row: RowMapping) -> Batch:
    """A row of the table as a batch."""
    read = {
        "state": BatchState(row["state"]),
        "restamping": bool(row["restamping"]),
        "totals": totals_from_document(from_text(row["totals"])),
        "request": request_from_document(from_text(row["request"])),
    }
    return Batch(**{field.name: {**row, **read}[field.name] for field in fields(Batch)})
