"""SQL that compares what a batch sent with what those details are now (GLX-23)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, false, func, literal, select
from sqlalchemy.sql.selectable import ScalarSelect, Subquery

from domain.data_files.model import Total, Totals, sum_of
from domain.gl_extraction.extraction.model import Summary
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.extraction.store.planner import probe_by_key, with_details
from domain.gl_extraction.extraction.store.survey import elements_of
from domain.gl_extraction.tables import BUCKETS, accounting_detail, extraction_batch, extraction_stamp

_d, _s = accounting_detail.c, extraction_stamp.c


@dataclass(frozen=True, slots=True)
class Found:
    """What the details of a batch are now; `invoiced` are all that are, also those that were when they were sent."""

    all: Summary
    current: Summary
    voided: Summary
    restamped: Summary
    invoiced: Summary


def found(tx: Connection, batch_no: int) -> Found:
    """What the details that a batch stamped are now.

    Cost: two statements; each detail by key, and its stamps too if a later run has stamped anew.
    """
    probe_by_key(tx)
    stamps = select(_s.bucket, _s.detail_id).where(_s.bucket.in_(range(BUCKETS)), _s.batch_no == batch_no).subquery()
    facts = [_d.currency, _d.debit_minor, _d.credit_minor, _d.voided_us, _d.invoiced_us]
    joined, d = with_details(tx, stamps, facts)
    later = _stamped_later(stamps, batch_no).is_not(None) if _is_any_stamped_anew(tx, batch_no) else false()
    marks = (d.voided_us > 0, d.invoiced_us > 0, later)
    flags = [case((mark, 1), else_=0).label(f"mark_{number}") for number, mark in enumerate(marks)]
    query = (
        select(d.currency, *flags, func.count(), func.sum(d.debit_minor), func.sum(d.credit_minor))
        .select_from(joined)
        .group_by(d.currency, *flags)
    )
    rows = tx.execute(query).all()
    return Found(
        all=_summary(rows),
        current=_summary(row for row in rows if not row[1] and not row[3]),
        voided=_summary(row for row in rows if row[1]),
        restamped=_summary(row for row in rows if row[3]),
        invoiced=_summary(row for row in rows if row[2]),
    )


def sent_as_invoiced(tx: Connection, batch_no: int) -> Summary:
    """The details that were invoiced already when the batch sent them."""
    c = elements_of(batch_no).subquery().c
    figures = (func.sum(c.detail_count), func.sum(c.debit_minor), func.sum(c.credit_minor))
    return _summary(tx.execute(select(c.currency, *figures).where(c.invoiced == 1).group_by(c.currency)))


def _is_any_stamped_anew(tx: Connection, batch_no: int) -> bool:
    """Whether a run after the batch may have stamped details of it: runs that do not stamp anew take other ones."""
    b = extraction_batch.c
    anew = (b.batch_no > batch_no, b.restamping == 1, b.state == BatchState.COMPLETED.value)
    return tx.execute(select(literal(1)).where(*anew).limit(1)).first() is not None


def _stamped_later(keys: Subquery, batch_no: int) -> ScalarSelect[Any]:
    """A completed batch after `batch_no` that stamped the same detail; NULL for none."""
    stamp, batch = extraction_stamp.alias("stamp"), extraction_batch.alias("batch")
    return (
        select(func.max(stamp.c.batch_no + 0))
        .join_from(stamp, batch, batch.c.batch_no == stamp.c.batch_no)
        .where(stamp.c.bucket == keys.c.bucket, stamp.c.detail_id == keys.c.detail_id)
        .where(stamp.c.batch_no + 0 > batch_no, batch.c.state == BatchState.COMPLETED.value)
        .correlate(keys)
        .scalar_subquery()
    )


def _summary(rows: Iterable[Any]) -> Summary:
    """Rows that begin with the currency and end with count, debits and credits, added up."""
    count = 0
    totals: list[Totals] = []
    for currency, *_, details, debit, credit in rows:
        count += int(details)
        totals.append({currency: Total(int(debit), int(credit))})
    return Summary(count, dict(sorted(sum_of(totals).items())))
