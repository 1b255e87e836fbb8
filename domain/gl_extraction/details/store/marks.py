"""Marks beside details: void and reversed, never both (GLX-03)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    BIGINT,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    MetaData,
    Select,
    Table,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.schema import CreateTable

from domain.gl_extraction.balances import recording as balances
from domain.gl_extraction.details.model import Maker, Origin
from domain.gl_extraction.extraction.store.planner import probe_by_key
from domain.gl_extraction.extraction.store.sums import exact_sums
from domain.gl_extraction.keys import is_one_of
from domain.gl_extraction.periods.states import PeriodState
from domain.gl_extraction.stamps import SENT, hold_runs, selecting
from domain.gl_extraction.tables import (
    accounting_detail,
    accounting_detail_pending,
    accounting_period,
    extraction_batch,
    extraction_stamp,
)
from domain.kernel.columns import INT32, INT64

_d = accounting_detail.c
_p = accounting_period.c
_scope = Table(
    "undo_scope",
    MetaData(),
    Column("bucket", INT32),  # no key: with one, SQLite reads all details and looks each up in here
    Column("detail_id", INT64),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
)
_IN_SCOPE = and_(_scope.c.bucket == _d.bucket, _scope.c.detail_id == _d.detail_id)


@dataclass(frozen=True, slots=True)
class UndoScope:
    """Whose details: of a subject (`subject_type` None: of whatever type), or of a registration.

    `ledgers` None: in whatever ledger.
    """

    subject: str = ""
    subject_type: str | None = None
    registration: str = ""
    ledgers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Details in the scope of an undo that are alike in all that may stand in its way. Sums are minor units."""

    subject_type: str
    maker: Maker
    reversed: bool
    reversing: bool
    in_closed_period: bool
    currency: str
    count: int
    debit_minor: int
    credit_minor: int


def knows(tx: Connection, scope: UndoScope) -> bool:
    """Whether there are details in the scope, void or not."""
    return tx.execute(select(literal(1)).where(_in(scope)).limit(1)).one_or_none() is not None


def lock_scope(tx: Connection, scope: UndoScope) -> list[Group]:
    """Take down the details in scope that are not void, and keep them and their periods as they are until the end.

    Runs under way wait with adding up and with showing what they send until then, and no run starts, so that it is
    settled which details they send.

    Raises: TotalTooLarge. Cost: seven statements; the scope is found by the index of its subject or registration.
    """
    probe_by_key(tx)
    tx.exec_driver_sql(_create_scope(tx.dialect))
    tx.execute(delete(_scope))
    details = select(_d.bucket, _d.detail_id).where(_in(scope), _d.voided_us == 0).order_by(_d.bucket, _d.detail_id)
    tx.execute(insert(_scope).from_select(["bucket", "detail_id"], details.with_for_update()))
    in_scope = select(_d.ledger_code, _d.accounting_period_code).join_from(_scope, accounting_detail, _IN_SCOPE)
    periods = select(_p.ledger_code, _p.code).where(tuple_(_p.ledger_code, _p.code).in_(in_scope.distinct()))
    tx.execute(periods.order_by(_p.ledger_code, _p.code).with_for_update(read=True)).all()
    hold_runs(tx)
    with exact_sums():
        return _groups(tx)


def stamped_by_batch(tx: Connection) -> list[tuple[int, int]]:
    """The batches that sent details in the scope last, each with how many of them."""
    last = _last_batches().subquery()
    query = select(last.c.batch_no, func.count()).where(last.c.batch_no > 0).group_by(last.c.batch_no)
    return [(batch_no, count) for batch_no, count in tx.execute(query.order_by(last.c.batch_no))]


def stamped_samples(tx: Connection, batch_nos: Sequence[int], *, each_max: int) -> dict[int, list[int]]:
    """By batch, the first details of the scope that it sent last, at most `each_max` of each."""
    last = _last_batches().subquery()
    place = func.row_number().over(partition_by=last.c.batch_no, order_by=last.c.detail_id).label("place")
    placed = select(last.c.batch_no, last.c.detail_id, place).where(last.c.batch_no.in_(batch_nos)).subquery()
    query = select(placed.c.batch_no, placed.c.detail_id).where(placed.c.place <= each_max)
    samples: dict[int, list[int]] = {batch_no: [] for batch_no in batch_nos}
    for batch_no, detail_id in tx.execute(query.order_by(placed.c.batch_no, placed.c.detail_id)):
        samples[batch_no].append(detail_id)
    return samples


def void_scope(tx: Connection, *, now_us: int) -> int:
    """Mark the details in the scope void, and take them from those pending and from runs that are still selecting.

    Gives how many were marked. Cost: six statements or so.
    """
    keys = select(_scope.c.bucket, _scope.c.detail_id)
    pending = accounting_detail_pending
    tx.execute(delete(pending).where(tuple_(pending.c.bucket, pending.c.detail_id).in_(keys)))
    # Now that whoever was taking them has been waited for, it is settled who has taken what.
    balances.voiding_of(tx, _scope, now_us=now_us)
    # No more is asked of the details, which are locked: each further condition has PostgreSQL, where it has no
    # statistics, take them for so few that it reads them all, once for each key (seen).
    in_scope = tuple_(_d.bucket, _d.detail_id).in_(keys)
    marked = tx.execute(update(accounting_detail).where(in_scope).values(voided_us=now_us)).rowcount
    stamp = extraction_stamp.c
    provisional = (tuple_(stamp.bucket, stamp.detail_id).in_(keys), stamp.batch_no.in_(selecting()))
    tx.execute(delete(extraction_stamp).where(*provisional))
    return marked


def mark_reversed(tx: Connection, reversals: Mapping[int, int]) -> int:
    """Mark each detail (by id) as reversed by another; gives how many were marked. One statement."""
    reversed_by = case(dict(reversals), value=_d.detail_id)
    statement = (
        update(accounting_detail)
        .where(is_one_of(_d, reversals), _d.voided_us == 0, _d.reversed_by == 0)
        .values(reversed_by=cast(reversed_by, BIGINT))
    )
    return tx.execute(statement).rowcount


def _in(scope: UndoScope) -> ColumnElement[bool]:
    if scope.registration:
        terms = [_d.grouping == scope.registration, _d.origin == Origin.REGISTRATION.value]
    else:
        terms = [_d.subject == scope.subject]
    if scope.subject_type is not None:
        terms.append(_d.subject_type == scope.subject_type)
    if scope.ledgers is not None:
        terms.append(_d.ledger_code.in_(sorted(scope.ledgers)))
    return and_(*terms)


def _groups(tx: Connection) -> list[Group]:
    alike = (
        _d.subject_type,
        _d.maker,
        case((_d.reversed_by > 0, 1), else_=0).label("reversed"),
        case((_d.reverses > 0, 1), else_=0).label("reversing"),
        case((_p.state == PeriodState.CLOSED.value, 1), else_=0).label("in_closed_period"),
        _d.currency,
    )
    sums = [cast(func.sum(column), BIGINT) for column in (_d.debit_minor, _d.credit_minor)]
    of_period = and_(_p.ledger_code == _d.ledger_code, _p.code == _d.accounting_period_code)
    query = (
        select(*alike, func.count(), *sums)
        .join_from(_scope, accounting_detail, _IN_SCOPE)
        .join(accounting_period, of_period)
        .group_by(*alike)
        .order_by(_d.subject_type, _d.currency)
    )
    return [
        Group(kind, Maker(maker), bool(is_reversed), bool(reversing), bool(closed), currency, *figures)
        for kind, maker, is_reversed, reversing, closed, currency, *figures in tx.execute(query)
    ]


def _last_batches() -> Select[int, int]:
    """For each detail in the scope, the last batch that sent it; NULL for none."""
    stamp, batch = extraction_stamp.c, extraction_batch.c
    last = (
        select(func.max(stamp.batch_no + 0))
        .join_from(extraction_stamp, extraction_batch, batch.batch_no == stamp.batch_no)
        .where(stamp.bucket == _scope.c.bucket, stamp.detail_id == _scope.c.detail_id, batch.state.in_(SENT))
        .correlate(_scope)
        .scalar_subquery()
    )
    return select(_scope.c.detail_id, last.label("batch_no"))


@lru_cache
def _create_scope(dialect: Dialect) -> str:
    return str(CreateTable(_scope, if_not_exists=True).compile(dialect=dialect))
