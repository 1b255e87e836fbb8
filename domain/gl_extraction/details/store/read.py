"""Reading details with their stamps: one by id, many by id, a page by filter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, tuple_

from domain.gl_extraction.details.model import Detail, Maker, Origin, Stamp
from domain.gl_extraction.details.rows import bucket_of_external_id
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.keys import is_one_of
from domain.gl_extraction.stamps import is_last_stamped_by, is_stamped, is_unstamped
from domain.gl_extraction.tables import (
    CODED_COLUMNS,
    SEGMENTS,
    accounting_detail,
    extraction_batch,
    extraction_stamp,
)
from domain.kernel.paging import Key

_d = accounting_detail.c
_IDS_MAX = 1_000  # in one statement


@dataclass(frozen=True, slots=True)
class DetailFilter:
    """Which details: everything that is set must hold. The empty string, 0 and None set nothing."""

    source: str = ""
    external_id: str = ""
    subject_type: str = ""
    subject: str = ""
    origin: str = ""
    grouping: str = ""
    bulking_group: str | None = None
    ledger_code: str = ""
    accounting_period_code: str = ""
    distribution_account: str = ""
    group_account_code: str = ""
    currency: str = ""
    from_day: int = 0
    to_day: int = 0
    extracted: bool | None = None
    batch_no: int = 0
    void: bool | None = None
    reversal: bool | None = None
    invoiced: bool | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """By which column, each with the id behind it: ids grow with age. `descending` turns the whole order round."""

    column: str
    descending: bool


ORDERS = {
    "": Order("created_us", descending=False),
    "create_time": Order("created_us", descending=False),
    "create_time desc": Order("created_us", descending=True),
    "accounting_date": Order("accounting_date", descending=False),
    "accounting_date desc": Order("accounting_date", descending=True),
}
"""What `order_by` may say."""


def key_of(detail: Detail, order: Order) -> Key:
    """Where the detail stands in an order."""
    return [detail.created_us if order.column == "created_us" else detail.accounting_date, detail.detail_id]


def by_ids(tx: Connection, ids: Sequence[int], *, lock: bool = False) -> list[Detail]:
    """Those of the details that there are, by id, with their stamps.

    `lock` keeps their marks as they are until the transaction ends. Cost: two statements a thousand.
    """
    details: list[Detail] = []
    for start in range(0, len(ids), _IDS_MAX):
        some = sorted(ids)[start : start + _IDS_MAX]
        query = select(accounting_detail).where(is_one_of(_d, some)).order_by(_d.detail_id)
        details += _details(tx, tx.execute(query.with_for_update() if lock else query))
    return details


def page(tx: Connection, wanted: DetailFilter, order: Order, *, after: Key | None, limit: int) -> list[Detail]:
    """At most `limit` details in an order, those behind the key `after`, with their stamps.

    Cost: two statements. External id, subject and registration are found by index; other filters are looked at row by
    row along the order's index.
    """
    query = select(accounting_detail).where(*_conditions(wanted))
    columns = (_d[order.column], _d.detail_id)
    if after is not None:
        place = tuple_(*after)
        query = query.where(tuple_(*columns) < place if order.descending else tuple_(*columns) > place)
    query = query.order_by(*((column.desc() for column in columns) if order.descending else columns))
    return _details(tx, tx.execute(query.limit(limit)))


def _conditions(wanted: DetailFilter) -> Iterator[ColumnElement[bool]]:
    for column, told in (
        (_d.source, wanted.source or None),
        (_d.external_id, wanted.external_id or None),
        (_d.subject_type, wanted.subject_type or None),
        (_d.subject, wanted.subject or None),
        (_d.origin, wanted.origin or None),
        (_d.grouping, wanted.grouping or None),
        (_d.bulking_group, wanted.bulking_group),
        (_d.ledger_code, wanted.ledger_code or None),
        (_d.accounting_period_code, wanted.accounting_period_code or None),
        (_d.distribution_account, wanted.distribution_account or None),
        (_d.group_account_code, wanted.group_account_code or None),
        (_d.currency, wanted.currency or None),
        (_d.reversal, None if wanted.reversal is None else int(wanted.reversal)),
    ):
        if told is not None:
            yield column == told
    if wanted.external_id:
        # Both indexes by external id are partial; said like this, each may be used for its part.
        yield _d.bucket == bucket_of_external_id(wanted.source, wanted.external_id)
        yield or_(_d.voided_us == 0, _d.voided_us > 0)
    if wanted.from_day:
        yield _d.accounting_date >= wanted.from_day
    if wanted.to_day:
        yield _d.accounting_date <= wanted.to_day
    yield from _marks(wanted)


def _marks(wanted: DetailFilter) -> Iterator[ColumnElement[bool]]:
    for mark, told in ((_d.voided_us, wanted.void), (_d.invoiced_us, wanted.invoiced)):
        if told is not None:
            yield mark > 0 if told else mark == 0
    if wanted.extracted is not None:
        yield is_stamped() if wanted.extracted else is_unstamped()
    if wanted.batch_no:
        yield is_last_stamped_by(wanted.batch_no)


def _details(tx: Connection, rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Detail]:
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
