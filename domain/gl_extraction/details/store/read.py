"""Reading details by id, with their stamps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from domain.gl_extraction.details.model import Detail, Maker, Origin, Stamp
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.keys import is_one_of
from domain.gl_extraction.tables import (
    CODED_COLUMNS,
    SEGMENTS,
    accounting_detail,
    extraction_batch,
    extraction_stamp,
)

_d = accounting_detail.c
_IDS_MAX = 1_000  # in one statement


def by_ids(tx: Connection, ids: Sequence[int], *, lock: bool = False) -> list[Detail]:
    """Those of the details that there are, by id, with their stamps.

    `lock` keeps their marks as they are until the transaction ends. Cost: two statements a thousand.
    """
    details: list[Detail] = []
    for start in range(0, len(ids), _IDS_MAX):
        some = sorted(ids)[start : start + _IDS_MAX]
        query = select(accounting_detail).where(is_one_of(_d, some)).order_by(_d.detail_id)
        details += with_stamps(tx, tx.execute(query.with_for_update() if lock else query))
    return details


def with_stamps(tx: Connection, rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Detail]:
    """Rows of details as details, with their stamps. Cost: one statement."""
    found = list(rows)
    stamps = _stamps(tx, [row.detail_id for row in found])
    return [_detail_from_row(row, stamps.get(row.detail_id)) for row in found]


def _stamps(tx: Connection, ids: Sequence[int]) -> dict[int, Stamp]:
    """The stamps that count of some details: each the one of its highest completed batch (design decision 2)."""
    if not ids:
        return {}
    stamp, batch = extraction_stamp, extraction_batch
    query = (
        select(stamp.c.detail_id, func.max(stamp.c.batch_no).label("batch_no"))
        .select_from(stamp.join(batch, batch.c.batch_no == stamp.c.batch_no))
        .where(is_one_of(stamp.c, ids), batch.c.state == BatchState.COMPLETED.value)
        .group_by(stamp.c.detail_id)
    ).subquery()
    dated = select(query.c.detail_id, query.c.batch_no, batch.c.message_us).join(
        batch, batch.c.batch_no == query.c.batch_no
    )
    return {row.detail_id: Stamp(row.batch_no, row.message_us) for row in tx.execute(dated)}


def _detail_from_row(row: Row[*tuple[Any, ...]], stamp: Stamp | None) -> Detail:
    fields = row._mapping  # noqa: SLF001 - its public name
    return Detail(
        detail_id=row.detail_id,
        source=row.source,
        external_id=row.external_id,
        description=row.description,
        subject_type=row.subject_type,
        subject=row.subject,
        origin=Origin(row.origin),
        grouping=row.grouping,
        bulking_group=row.bulking_group,
        reversal=bool(row.reversal),
        distribution_account=row.distribution_account,
        ledger_code=row.ledger_code,
        accounting_date=row.accounting_date,
        transaction_date=row.transaction_date,
        accounting_period_code=row.accounting_period_code,
        category=row.category,
        currency=row.currency,
        debit_minor=row.debit_minor,
        credit_minor=row.credit_minor,
        group_account_code=row.group_account_code,
        gl_segments=_filled([fields[name] for name in CODED_COLUMNS[:SEGMENTS]]),
        attributes=_filled([fields[name] for name in CODED_COLUMNS[SEGMENTS:]]),
        maker=Maker(row.maker),
        operation_id=row.operation_id,
        created_us=row.created_us,
        reverses=row.reverses,
        reversed_by=row.reversed_by,
        voided_us=row.voided_us,
        invoiced_us=row.invoiced_us,
        stamp=stamp,
    )


def _filled(texts: list[str]) -> tuple[str, ...]:
    """The texts up to the last one that is not empty."""
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)
