"""Pages of details: each costs by its size, however many details there are, are pending, or lie in a batch (PLT-08).

Details, pending ones and stamps are kept by bucket and id. A page in the order of ids is merged from the buckets: the
first few ids of each, and again from there on, until the page is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, select, true, tuple_

from domain.gl_extraction.details.model import Detail, Origin
from domain.gl_extraction.details.rows import bucket_of_external_id
from domain.gl_extraction.details.store.read import by_ids, with_stamps
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.extraction.store.planner import fact_of_detail, probe_by_key
from domain.gl_extraction.stamps import is_last_stamped_by, is_stamped, is_stamped_by, is_unstamped
from domain.gl_extraction.tables import (
    BUCKETS,
    accounting_detail,
    accounting_detail_pending,
    extraction_batch,
    extraction_stamp,
)
from domain.kernel.documents import to_text
from domain.kernel.paging import Key

_d = accounting_detail.c
_v = accounting_detail.alias("void").c
_NEVER: ColumnElement[int] = literal_column("0")  # no parameter: SQLite could not tell that a partial index fits
_SHARE_MIN = 8  # ids asked of each bucket at once: most pages are full with that


@dataclass(frozen=True, slots=True)
class DetailFilter:
    """Which details: everything that is set must hold. The empty string, 0 and None set nothing.

    `ledgers` are all those whose details may be seen.
    """

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
    ledgers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """By the id, which grows with age, or by the accounting date and the id behind it; `descending` turns it round."""

    by_date: bool
    descending: bool


ORDERS = {
    "": Order(by_date=False, descending=False),
    "create_time": Order(by_date=False, descending=False),
    "create_time desc": Order(by_date=False, descending=True),
    "accounting_date": Order(by_date=True, descending=False),
    "accounting_date desc": Order(by_date=True, descending=True),
}
"""What `order_by` may say."""


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of `keys`, a table's columns with `bucket` and `detail_id`, that meet the conditions."""

    keys: Any
    conditions: Sequence[ColumnElement[bool]]


def key_of(detail: Detail, order: Order) -> Key:
    """Where the detail stands in an order."""
    return [detail.accounting_date, detail.detail_id] if order.by_date else [detail.detail_id]


def page(tx: Connection, wanted: DetailFilter, order: Order, *, after: Key | None, limit: int) -> list[Detail]:
    """At most `limit` details in an order, those behind the key `after`, with their stamps.

    Cost, in the order of ids: a few statements, that read a few keys of each bucket. Subject, registration, external
    id, batch, and whether pending or void, are found by key; other filters are looked at row by row. By accounting
    date the rows are read along its index, and those pending or of a batch are all sorted for each page.
    """
    if order.by_date:
        return _by_date(tx, wanted, order, after=after, limit=limit)
    last = None if after is None else int(after[0])
    if wanted.external_id:
        ids: Sequence[int] = _by_external_id(tx, wanted, last, descending=order.descending)[:limit]
    elif wanted.subject or (wanted.grouping and wanted.origin == Origin.REGISTRATION.value):
        ids = _along_index(tx, wanted, last, limit, descending=order.descending)
    else:
        probe_by_key(tx)
        ids = _merged(tx, list(_sources(tx, wanted)), last, limit, descending=order.descending)
    found = by_ids(tx, ids)
    return found[::-1] if order.descending else found


def _by_date(tx: Connection, wanted: DetailFilter, order: Order, *, after: Key | None, limit: int) -> list[Detail]:
    query = select(accounting_detail).where(*_facts(wanted), *_extraction(wanted))
    columns = (_d.accounting_date, _d.detail_id)
    if after is not None:
        place = tuple_(*after)
        query = query.where(tuple_(*columns) < place if order.descending else tuple_(*columns) > place)
    query = query.order_by(*((column.desc() for column in columns) if order.descending else columns))
    return with_stamps(tx, tx.execute(query.limit(limit)))


def _along_index(
    tx: Connection, wanted: DetailFilter, last: int | None, limit: int, *, descending: bool
) -> Sequence[int]:
    """Ids of details that an index finds in the order of their ids."""
    terms = (*_facts(wanted), *_stamps_of_each(wanted))
    return tx.execute(_following(_d, terms, last, limit, descending=descending)).scalars().all()


def _by_external_id(tx: Connection, wanted: DetailFilter, last: int | None, *, descending: bool) -> list[int]:
    """Ids of the details of one external id, few as they are: the one that holds it, and void ones that held it."""
    bucket = bucket_of_external_id(wanted.source, wanted.external_id)
    told = and_(*_facts(wanted), *_stamps_of_each(wanted))
    standing = select(_d.detail_id).where(_d.bucket == bucket, _d.voided_us == _NEVER, told)
    void = _void(told, _v.bucket == bucket, _v.source == wanted.source, _v.external_id == wanted.external_id)
    queries = (standing, select(_v.detail_id).where(*void.conditions))  # either has an index of its own
    ids = [found for query in queries for found in tx.execute(query).scalars()]
    ordered = sorted(ids, reverse=descending)
    return [found for found in ordered if last is None or (found < last if descending else found > last)]


def _sources(tx: Connection, wanted: DetailFilter) -> Iterator[Source]:
    """Where the details wanted are found by key. Cost: one statement where it hangs on the states of batches."""
    facts = and_(true(), *_facts(wanted))
    pending, stamp, batch = accounting_detail_pending.c, extraction_stamp.c, extraction_batch.c
    if wanted.batch_no:
        if wanted.extracted is not False:
            of_batch = (stamp.batch_no == wanted.batch_no, is_stamped_by(wanted.batch_no, stamp))
            yield Source(stamp, (*of_batch, fact_of_detail(stamp, facts)))
    elif wanted.extracted is False:
        yield Source(pending, (fact_of_detail(pending, facts),))
        # A canceled batch has given back all that it took.
        under_way = batch.state.in_((BatchState.SELECTING.value, BatchState.PREPARED.value))
        for batch_no in tx.execute(select(batch.batch_no).where(under_way)).scalars().all():
            yield Source(stamp, (stamp.batch_no == batch_no, ~is_stamped(stamp), fact_of_detail(stamp, facts)))
        if wanted.void is not False:
            yield _void(facts, ~is_stamped(_v))
    elif wanted.void:
        yield _void(facts, *((is_stamped(_v),) if wanted.extracted else ()))
    else:
        stamped = (is_stamped(),) if wanted.extracted else ()
        yield Source(_d, (*_facts(wanted), *stamped))


def _void(facts: ColumnElement[bool], *more: ColumnElement[bool]) -> Source:
    """Void details, found by the index of them; facts are looked up, or SQLite would read all details instead."""
    return Source(_v, (_v.voided_us > _NEVER, fact_of_detail(_v, facts), *more))


def _merged(tx: Connection, sources: Sequence[Source], last: int | None, limit: int, *, descending: bool) -> list[int]:
    """The first ids behind `last` in any of the sources, at most `limit`."""
    merged: list[int] = []
    while len(merged) < limit:
        share = max(_SHARE_MIN, 2 * (limit - len(merged)) // BUCKETS)
        heads = [head for source in sources for head in _heads(tx, source, last, share, descending=descending)]
        ids = sorted({detail_id for head in heads for detail_id in head}, reverse=descending)
        # Behind the last id of a head that was cut off there may be others; the nearest such end bounds what is sure.
        ends = [head[-1] for head in heads if len(head) == share]
        if not ends:
            return (merged + ids)[:limit]
        last = max(ends) if descending else min(ends)
        merged += [detail_id for detail_id in ids if (detail_id >= last if descending else detail_id <= last)]
    return merged[:limit]


def _heads(tx: Connection, source: Source, last: int | None, share: int, *, descending: bool) -> list[list[int]]:
    """From each bucket of the source, the first `share` ids behind `last`. Cost: one statement, by key."""
    in_bucket = (source.keys.bucket == literal_column("slot.value"), *source.conditions)
    first = _following(source.keys, in_bucket, last, share, descending=descending)
    query: Select[int, int]
    if tx.dialect.name == "postgresql":
        slots: Any = func.generate_series(0, BUCKETS - 1).table_valued("value").render_derived(name="slot")
        ids = first.lateral("head")
        query = select(slots.c.value, ids.c.detail_id).join_from(slots, ids, true())
    else:  # knows no LATERAL, but looks anew at what it unpacks
        slots = func.json_each(to_text(list(range(BUCKETS)))).table_valued("value", name="slot")
        packed = select(func.json_group_array(first.subquery().c.detail_id)).scalar_subquery()
        unpacked: Any = func.json_each(packed).table_valued("value", name="head")
        query = select(slots.c.value, unpacked.c.value).join_from(slots, unpacked, true())
    rows = tx.execute(query).all()
    by_bucket = groupby(sorted(rows, reverse=descending), key=itemgetter(0))
    return [[detail_id for _, detail_id in of_bucket] for _, of_bucket in by_bucket]


def _following(
    keys: Any,  # noqa: ANN401 - a table's columns
    conditions: Iterable[ColumnElement[bool]],
    last: int | None,
    limit: int,
    *,
    descending: bool,
) -> Select[int]:
    query = select(keys.detail_id).where(*conditions)
    if last is not None:
        query = query.where(keys.detail_id < last if descending else keys.detail_id > last)
    return query.order_by(keys.detail_id.desc() if descending else keys.detail_id).limit(limit)


def _facts(wanted: DetailFilter) -> Iterator[ColumnElement[bool]]:
    """What the filter asks of the details themselves."""
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
    if wanted.ledgers is not None:
        yield _d.ledger_code.in_(sorted(wanted.ledgers))
    if wanted.from_day:
        yield _d.accounting_date >= wanted.from_day
    if wanted.to_day:
        yield _d.accounting_date <= wanted.to_day
    for mark, told_mark in ((_d.voided_us, wanted.void), (_d.invoiced_us, wanted.invoiced)):
        if told_mark is not None:
            yield mark > _NEVER if told_mark else mark == _NEVER


def _stamps_of_each(wanted: DetailFilter) -> Iterator[ColumnElement[bool]]:
    """What the filter asks of the details' stamps, looked up for each detail."""
    if wanted.extracted is not None:
        yield is_stamped() if wanted.extracted else ~is_stamped()
    if wanted.batch_no:
        yield is_stamped_by(wanted.batch_no)


def _extraction(wanted: DetailFilter) -> Iterator[ColumnElement[bool]]:
    """What the filter asks of the details' stamps, said of all details at once."""
    if wanted.extracted is not None:
        yield is_stamped() if wanted.extracted else is_unstamped()
    if wanted.batch_no:
        yield is_last_stamped_by(wanted.batch_no)
