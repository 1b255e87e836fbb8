"""Which stamp counts: that of the highest completed batch; those of other batches are provisional."""

from __future__ import annotations

from sqlalchemy import ColumnElement, literal, select

from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.tables import accounting_detail, extraction_batch, extraction_stamp

SENT = (BatchState.PREPARED.value, BatchState.COMPLETED.value)
"""States from which on a batch's stamps are sure to count: what is prepared can only go forward (GLX-20)."""


def is_stamped(*, batch_no: int | None = None, after_batch_no: int | None = None) -> ColumnElement[bool]:
    """Whether the detail of the outer query carries a stamp that counts: any, of one batch, or of a later one."""
    stamp, batch = extraction_stamp.alias("stamp"), extraction_batch.alias("batch")
    query = (
        select(literal(1))
        .join_from(stamp, batch, batch.c.batch_no == stamp.c.batch_no)
        .where(
            stamp.c.bucket == accounting_detail.c.bucket,
            stamp.c.detail_id == accounting_detail.c.detail_id,
            batch.c.state == BatchState.COMPLETED.value,
        )
        .correlate(accounting_detail)
    )
    if batch_no is not None:
        query = query.where(stamp.c.batch_no == batch_no)
    if after_batch_no is not None:
        query = query.where(stamp.c.batch_no > after_batch_no)
    return query.exists()
