"""Which stamp counts: that of the highest completed batch; those of other batches are provisional."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, literal, select, tuple_, union_all

from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.tables import (
    BUCKETS,
    accounting_detail,
    accounting_detail_pending,
    extraction_batch,
    extraction_stamp,
)
from domain.kernel import sequences

_KEY = tuple_(accounting_detail.c.bucket, accounting_detail.c.detail_id)
SENT = (BatchState.PREPARED.value, BatchState.COMPLETED.value)
"""States from which on a batch's stamps are sure to count: what is prepared can only go forward (GLX-20)."""


def selecting() -> Select[int]:
    """The runs that have not settled yet what they send."""
    return select(extraction_batch.c.batch_no).where(extraction_batch.c.state == BatchState.SELECTING.value)


def unfinished() -> Select[int]:
    """The runs that have not shown yet what they send."""
    under_way = (BatchState.SELECTING.value, BatchState.PREPARED.value)
    return select(extraction_batch.c.batch_no).where(extraction_batch.c.state.in_(under_way))


def hold_runs(tx: Connection) -> None:
    """Until the transaction ends, no run starts, settles or shows what it sends, or gives back what it took.

    Two statements.
    """
    sequences.hold(tx, "extraction_batch_no")
    tx.execute(unfinished().order_by(extraction_batch.c.batch_no).with_for_update(read=True)).all()


def is_stamped(keys: Any = accounting_detail.c, *, after_batch_no: int = 0) -> ColumnElement[bool]:  # noqa: ANN401
    """Whether a detail carries a stamp that counts, of a batch after `after_batch_no`.

    Which detail is told by the `bucket` and `detail_id` of `keys`, columns of the outer query.
    """
    stamp, batch = extraction_stamp.alias("counting"), extraction_batch.alias("counted")
    return (
        select(literal(1))
        .join_from(stamp, batch, batch.c.batch_no == stamp.c.batch_no)
        .where(
            stamp.c.bucket == keys.bucket,
            stamp.c.detail_id == keys.detail_id,
            stamp.c.batch_no > after_batch_no,
            batch.c.state == BatchState.COMPLETED.value,
        )
        .correlate_except(stamp, batch)
        .exists()
    )


def is_stamped_by(batch_no: int, keys: Any = accounting_detail.c) -> ColumnElement[bool]:  # noqa: ANN401
    """Whether the stamp of a detail is the one of this batch; which detail, as `is_stamped` says. By key, for each."""
    stamp, batch = extraction_stamp.alias("own"), extraction_batch.alias("sent")
    own = (
        select(literal(1))
        .join_from(stamp, batch, batch.c.batch_no == stamp.c.batch_no)
        .where(stamp.c.bucket == keys.bucket, stamp.c.batch_no == batch_no, stamp.c.detail_id == keys.detail_id)
        .where(batch.c.state == BatchState.COMPLETED.value)
        .correlate_except(stamp, batch)
        .exists()
    )
    return and_(own, ~is_stamped(keys, after_batch_no=batch_no))


def is_last_stamped_by(batch_no: int) -> ColumnElement[bool]:
    """As `is_stamped_by`, said so that the details of the batch are looked for, and not all there are."""
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
