"""Which stamp counts: that of the highest completed batch; those of other batches are provisional."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, literal, select, tuple_, union_all

from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.tables import (
    BUCKETS,
    accounting_detail,
    accounting_detail_pending,
    extraction_batch,
    extraction_stamp,
)

_KEY = tuple_(accounting_detail.c.bucket, accounting_detail.c.detail_id)
SENT = (BatchState.PREPARED.value, BatchState.COMPLETED.value)
"""States from which on a batch's stamps are sure to count: what is prepared can only go forward (GLX-20)."""


def is_stamped(*, after_batch_no: int = 0) -> ColumnElement[bool]:
    """Whether the detail of the outer query carries a stamp that counts, of a batch after `after_batch_no`."""
    stamp, batch = extraction_stamp.alias("stamp"), extraction_batch.alias("batch")
    return (
        select(literal(1))
        .join_from(stamp, batch, batch.c.batch_no == stamp.c.batch_no)
        .where(
            stamp.c.bucket == accounting_detail.c.bucket,
            stamp.c.detail_id == accounting_detail.c.detail_id,
            stamp.c.batch_no > after_batch_no,
            batch.c.state == BatchState.COMPLETED.value,
        )
        .correlate(accounting_detail)
        .exists()
    )


def is_last_stamped_by(batch_no: int) -> ColumnElement[bool]:
    """Whether the stamp of the outer query's detail is the one of this batch."""
    stamp, batch = extraction_stamp.c, extraction_batch.c
    of_batch = select(stamp.bucket, stamp.detail_id).where(stamp.bucket.in_(range(BUCKETS)), stamp.batch_no == batch_no)
    completed = select(literal(1)).where(batch.batch_no == batch_no, batch.state == BatchState.COMPLETED.value).exists()
    return and_(_KEY.in_(of_batch), completed, ~is_stamped(after_batch_no=batch_no))


def is_unstamped() -> ColumnElement[bool]:
    """Whether the detail of the outer query carries no stamp that counts.

    It is pending, or some run has taken it that did not complete, or it was voided before it was sent: said like this,
    so that what is few need not be looked for among all that there is.
    """
    stamp, batch, pending = extraction_stamp.c, extraction_batch.c, accounting_detail_pending.c
    taken = (
        select(stamp.bucket, stamp.detail_id)
        .join_from(extraction_stamp, extraction_batch, batch.batch_no == stamp.batch_no)
        .where(stamp.bucket.in_(range(BUCKETS)), batch.state != BatchState.COMPLETED.value)
    )
    other = accounting_detail.alias("other").c
    void = select(other.bucket, other.detail_id).where(other.voided_us > 0)
    few = union_all(select(pending.bucket, pending.detail_id), taken, void)
    return and_(_KEY.in_(few), ~is_stamped())
