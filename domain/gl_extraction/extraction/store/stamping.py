"""SQL that takes details for a run and gives them back: provisional stamps, a range at a time (GLX-13, GLX-14, GLX-20).

Each step is set-based; the two databases have statements of their own, as SQLite knows no INSERT inside WITH. A detail
is pending or it has a stamp: who deletes the pending row has the detail, so that two runs never take the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.selectable import ScalarSelect, Subquery

from domain.data_files.model import Total, Totals
from domain.gl_extraction.balances.model import Place, Sums
from domain.gl_extraction.extraction.model import Selection
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.extraction.store.planner import (
    asked_of_pair,
    fact_of_detail,
    of_key,
    probe_by_key,
    with_details,
)
from domain.gl_extraction.extraction.store.ranges import Range
from domain.gl_extraction.tables import (
    BUCKETS,
    accounting_detail,
    accounting_detail_pending,
    extraction_batch,
    extraction_stamp,
)
from domain.kernel.columns import INT32, INT64, TEXT

NO_BATCH_YET = 2**62  # later than every batch there is
EVERYTHING = Range(0, BUCKETS - 1, 0, 2**63 - 1, 0)

_found = Table(  # what a range holds, on SQLite: read once, and then used three times
    "found_detail",
    MetaData(),
    Column("bucket", INT32),
    Column("detail_id", INT64),
    Column("currency", TEXT),
    Column("debit_minor", INT64),
    Column("credit_minor", INT64),
    Column("coded_mask", INT64),
    Column("ledger_code", TEXT),
    Column("accounting_period_code", TEXT),
    Column("distribution_account", TEXT),
    Column("fresh", INT32),
    prefixes=["TEMPORARY"],
)
_KEYS = ("bucket", "batch_no", "detail_id")
_d, _p, _s = accounting_detail.c, accounting_detail_pending.c, extraction_stamp.c
WANTED_COLUMNS = ("created_us", "origin", "grouping", "group_account_code", "ledger_code")
"""The columns that `wanted` may look at, beside `voided_us`."""

_FACTS = (
    _d.currency,
    _d.debit_minor,
    _d.credit_minor,
    _d.coded_mask,
    _d.ledger_code,
    _d.accounting_period_code,
    _d.distribution_account,
)
_FRESH, _STAMPED_BEFORE = literal(1, INT32).label("fresh"), literal(0, INT32).label("fresh")


@dataclass(frozen=True, slots=True)
class Taken:
    """Details taken: how many, what they come to, and the free fields that any of them uses (bits: CODED_COLUMNS).

    `fresh` is what those come to that no completed batch has sent, by place in the books.
    """

    detail_count: int
    totals: Totals
    coded_mask: int
    fresh: list[tuple[Place, Sums]]


def take(tx: Connection, batch_no: int, selection: Selection, span: Range) -> Taken:
    """Stamp, provisionally, what the selection takes within a range.

    Cost: one statement on PostgreSQL, up to eight on SQLite; each row by primary key.
    """
    probe_by_key(tx)
    if tx.dialect.name == "postgresql":
        return _take_postgresql(tx, batch_no, selection, span)
    return _take_sqlite(tx, batch_no, selection, span)


def candidates(selection: Selection) -> Subquery:
    """Keys (`bucket` and `detail_id`) of the details of which the selection would now take those that are `wanted`."""
    sources: list[Any] = []
    if not selection.resend_of:
        sources.append(select(_p.bucket, _p.detail_id))
    if selection.restamping:
        sources.append(_stamped(NO_BATCH_YET, selection, EVERYTHING))
    together: Any = sources[0] if len(sources) == 1 else union_all(*sources)
    return cast("Subquery", together.subquery("candidates"))


def wanted(selection: Selection, d: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401
    """What the selection asks of a detail, with the columns `d`; void ones are never wanted (GLX-16).

    `+ 0` and `|| ''` keep the planners from indexes on voiding and grouping: they would lead away from the range.
    """
    terms: list[ColumnElement[bool]] = [d.voided_us + 0 == 0]
    if selection.created_from_us:
        terms.append(d.created_us >= selection.created_from_us)
    if selection.created_until_us:
        terms.append(d.created_us <= selection.created_until_us)
    if selection.origin:
        terms.append(d.origin == selection.origin)
    if selection.grouping:
        terms.append(d.grouping.concat("") == selection.grouping)
    if selection.group_account_code:
        terms.append(d.group_account_code == selection.group_account_code)
    if selection.ledgers is not None:
        terms.append(d.ledger_code.in_(selection.ledgers))
    return terms


def give_back(tx: Connection, batch_no: int, limit: int) -> int:
    """Put back at most about `limit` details that a canceled run has taken; returns how many, 0 once none is left.

    The caller holds the batch's lock, so that no undo runs beside it. Cost: up to 64 index probes and three statements.
    """
    found = _first_stamps(tx, batch_no, limit)
    if found is None:
        return 0
    span, stamps = found
    mine = (*_within(_s, span), _s.batch_no == batch_no)
    probe_by_key(tx)
    alone = fact_of_detail(_s, and_(_d.voided_us == 0, _other_stamp(batch_no).is_(None)))
    pending = select(_s.bucket, _s.detail_id).where(*mine, alone).order_by(_s.bucket, _s.detail_id)
    tx.execute(insert(accounting_detail_pending).from_select(["bucket", "detail_id"], pending))
    tx.execute(delete(extraction_stamp).where(*mine))
    return stamps


def drop_void(tx: Connection, batch_no: int) -> int:
    """Delete the batch's stamps of details that are void; returns how many."""
    probe_by_key(tx)
    void = fact_of_detail(_s, _d.voided_us > 0)
    return tx.execute(delete(extraction_stamp).where(*_of_batch(batch_no), void)).rowcount


def count(tx: Connection, batch_no: int) -> int:
    """How many stamps the batch has. Cost: reads their keys."""
    return int(tx.execute(select(func.count()).where(*_of_batch(batch_no))).scalar_one())


def _take_postgresql(tx: Connection, batch_no: int, selection: Selection, span: Range) -> Taken:
    sources: list[Any] = []
    if not selection.resend_of:
        asked = asked_of_pair(_p, wanted(selection, _d))
        moved = delete(accounting_detail_pending).where(*_within(_p, span), of_key(_p), asked)
        sources.append(select(moved.returning(_p.bucket, _p.detail_id, *_FACTS).cte("moved"), _FRESH))
    if selection.restamping:
        keys = _stamped(batch_no, selection, span).subquery("stamped_before")
        joined, d = with_details(tx, keys, _FACTS)
        facts = (d[fact.name] for fact in _FACTS)
        sources.append(select(keys.c.bucket, keys.c.detail_id, *facts, _STAMPED_BEFORE).select_from(joined))
    together: Any = sources[0] if len(sources) == 1 else union_all(*sources)
    taken = together.cte("taken")
    rows = select(taken.c.bucket, literal(batch_no, INT64), taken.c.detail_id)
    stamped = insert(extraction_stamp).from_select(list(_KEYS), rows).cte("stamped")
    sums = select(*_sums(taken.c), func.bit_or(taken.c.coded_mask)).group_by(*_key(taken.c))
    return _taken(tx.execute(sums.add_cte(stamped)).all())


def _take_sqlite(tx: Connection, batch_no: int, selection: Selection, span: Range) -> Taken:
    tx.execute(CreateTable(_found, if_not_exists=True))
    tx.execute(delete(_found))
    names = list(_found.c.keys())
    if not selection.resend_of:
        joined = accounting_detail_pending.join(accounting_detail, of_key(_p))
        taken = select(_p.bucket, _p.detail_id, *_FACTS, _FRESH).select_from(joined)
        taken = taken.where(*_within(_p, span), *wanted(selection, _d))
        _leave_pending(tx, span, tx.execute(insert(_found).from_select(names, taken)).rowcount)
    if selection.restamping:
        keys = _stamped(batch_no, selection, span).subquery()
        joined, d = with_details(tx, keys, ())
        stamped = select(keys.c.bucket, keys.c.detail_id, *(d[fact.name] for fact in _FACTS), _STAMPED_BEFORE)
        tx.execute(insert(_found).from_select(names, stamped.select_from(joined)))
    rows = select(_found.c.bucket, literal(batch_no), _found.c.detail_id)
    tx.execute(insert(extraction_stamp).from_select(list(_KEYS), rows))
    mask = _found.c.coded_mask
    return _taken(tx.execute(select(*_sums(_found.c), mask).group_by(*_key(_found.c), mask)).all())


def _leave_pending(tx: Connection, span: Range, found: int) -> None:
    """Take what was found from those pending: all of the range at once where all were found, at a sixth of the cost."""
    in_range = _within(_p, span)
    there = tx.execute(select(func.count()).where(*in_range)).scalar_one()
    if found < there:
        keys = select(_found.c.bucket, _found.c.detail_id)
        in_range = (*in_range, tuple_(_p.bucket, _p.detail_id).in_(keys))
    tx.execute(delete(accounting_detail_pending).where(*in_range))


def _stamped(batch_no: int, selection: Selection, span: Range) -> Select[Any]:
    """Keys of details that carry the stamp of an earlier batch, or, for a resend, of that one batch."""
    if selection.resend_of:
        still = and_(_d.voided_us == 0, _last_stamp() == selection.resend_of)
        keys = select(_s.bucket, _s.detail_id).where(*_within(_s, span), _s.batch_no == selection.resend_of)
        return keys.where(fact_of_detail(_s, still))
    return select(_d.bucket, _d.detail_id).where(*_within(_d, span), *wanted(selection, _d), _last_stamp() < batch_no)


def _last_stamp() -> ScalarSelect[Any]:
    """The highest completed batch that stamped the detail of the outer query; NULL for none.

    `+ 0` keeps the planners from walking the batches of a whole bucket downwards in search of the highest.
    """
    stamp, batch = extraction_stamp.alias("stamp"), extraction_batch.alias("batch")
    return (
        select(func.max(stamp.c.batch_no + 0))
        .join_from(stamp, batch, batch.c.batch_no == stamp.c.batch_no)
        .where(stamp.c.bucket == _d.bucket, stamp.c.detail_id == _d.detail_id)
        .where(batch.c.state == BatchState.COMPLETED.value)
        .correlate(accounting_detail)
        .scalar_subquery()
    )


def _other_stamp(batch_no: int) -> ScalarSelect[Any]:
    """A batch other than `batch_no` that stamped the detail of the outer query; NULL for none."""
    stamp = extraction_stamp.alias("stamp")
    other = (stamp.c.bucket == _d.bucket, stamp.c.detail_id == _d.detail_id, stamp.c.batch_no + 0 != batch_no)
    return select(func.max(stamp.c.batch_no + 0)).where(*other).correlate(accounting_detail).scalar_subquery()


def _within(columns: Any, span: Range) -> tuple[ColumnElement[bool], ...]:  # noqa: ANN401
    return (columns.bucket.in_(span.buckets), columns.detail_id.between(span.id_from, span.id_to))


def _of_batch(batch_no: int) -> tuple[ColumnElement[bool], ...]:
    return (_s.bucket.in_(range(BUCKETS)), _s.batch_no == batch_no)


def _sums(d: Any) -> list[ColumnElement[Any]]:  # noqa: ANN401
    return [*_key(d), func.sum(d.debit_minor), func.sum(d.credit_minor), func.count()]


def _key(d: Any) -> list[ColumnElement[Any]]:  # noqa: ANN401
    return [*(d[name] for name in Place._fields), d.fresh]


def _taken(rows: Sequence[Any]) -> Taken:
    totals: dict[str, Total] = {}
    detail_count = coded_mask = 0
    fresh = []
    for *names, is_fresh, debit, credit, details, mask in rows:
        place, sums = Place(*names), Sums(int(debit), int(credit), details)
        before = totals.get(place.currency, Total(0, 0))
        totals[place.currency] = Total(before.debit_minor + sums.debit_minor, before.credit_minor + sums.credit_minor)
        detail_count += details
        coded_mask |= mask
        if is_fresh:
            fresh.append((place, sums))
    return Taken(detail_count, totals, coded_mask, fresh)


def _first_stamps(tx: Connection, batch_no: int, limit: int) -> tuple[Range, int] | None:
    """The first bucket's first stamps of the batch, at most `limit`, and how many they are."""
    for bucket in range(BUCKETS):
        first = select(_s.detail_id).where(_s.bucket == bucket, _s.batch_no == batch_no).order_by(_s.detail_id)
        ids = first.limit(limit).subquery()
        stamps, highest = tx.execute(select(func.count(), func.max(ids.c.detail_id))).one()
        if stamps:
            return Range(bucket, bucket, 0, highest, stamps), int(stamps)
    return None
