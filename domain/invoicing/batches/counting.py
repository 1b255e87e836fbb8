"""What is counted of a batch's invoices and schedules; one statement a function.

Invoices of a batch stand in its schedules: all of this goes along `invoice_once`, schedule by schedule.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.states import BatchKind
from domain.invoicing.configuration.model import ScheduleState
from domain.invoicing.export.model import ExportState
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.tables import export_record, invoice, invoice_schedule

_i, _s, _e = invoice.c, invoice_schedule.c, export_record.c
_RUNNING, _CLOSED, _LOCKED = InvoiceState.RUNNING, InvoiceState.CLOSED, InvoiceState.LOCKED


@dataclass(frozen=True, slots=True)
class Span:
    """Invoices of one schedule from one account to another, both included; `billable` of them have lines."""

    schedule: str
    first: str
    last: str
    items: int
    billable: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a batch's closed invoices come to; `totals` are net and tax in minor units, by currency."""

    invoices: int
    billable: int
    unaggregated: int
    numbered: int
    totals: dict[str, tuple[int, int]]


def within(batch: Batch, span: Span) -> ColumnElement[bool]:
    """The condition that an invoice is of a span."""
    return and_(
        _i.cycle_code == batch.cycle_code,
        _i.schedule_code == span.schedule,
        _i.account_id.between(span.first, span.last),
        _i.slot == "",
    )


def cut(tx: Connection, batch: Batch, states: Collection[InvoiceState], size: int) -> list[Span]:
    """The invoices in these states in spans of `size` accounts, ordered by schedule and account.

    Of an account all credit notes of a batch are in one span. Cost: reads them once.
    """
    return _cut(tx, batch, _i.state.in_(sorted(states)), size)


def cut_unaggregated(tx: Connection, batch: Batch, size: int) -> list[Span]:
    """The closed invoices that are not aggregated, likewise."""
    return _cut(tx, batch, and_(_i.state == _CLOSED, _i.aggregated == 0, _i.batch_id == batch.batch_id), size)


def _cut(tx: Connection, batch: Batch, condition: ColumnElement[bool], size: int) -> list[Span]:
    """One window over all of them.

    Where the end of each span was looked for by itself, PostgreSQL sorted all of a million invoices for each look.
    """
    number = (func.dense_rank().over(partition_by=_i.schedule_code, order_by=_i.account_id) - 1).label("number")
    billable = case((_i.line_count > 0, 1), else_=0).label("billable")
    numbered = select(_i.schedule_code, _i.account_id, billable, number).where(_of(batch), condition).subquery()
    n = numbered.c
    query = select(n.schedule_code, func.min(n.account_id), func.max(n.account_id), func.count(), func.sum(n.billable))
    rows = tx.execute(query.group_by(n.schedule_code, n.number // size))
    places = {code: at for at, code in enumerate(batch.schedules)}
    spans = [Span(row[0], row[1], row[2], row[3], int(row[4])) for row in rows]
    return sorted(spans, key=lambda span: (places[span.schedule], span.first))


def figures(tx: Connection, batch: Batch) -> Figures:
    """What is counted of its closed invoices. Cost: reads them once."""
    closed, locked = _i.state == _CLOSED, _i.state == _LOCKED
    query = select(
        _i.currency,
        func.count(),
        _sum(case((_i.line_count > 0, 1), else_=0)),
        _sum(case((and_(closed, _i.aggregated == 0), 1), else_=0)),
        _sum(case((and_(locked, _i.number_no > 0), 1), else_=0)),
        _sum(_i.net_minor),
        _sum(_i.tax_minor),
    ).where(_of(batch), _i.batch_id == batch.batch_id, _i.state.in_([_CLOSED, _LOCKED]))
    rows = tx.execute(query.group_by(_i.currency)).all()
    return Figures(
        invoices=sum(int(row[1]) for row in rows),
        billable=sum(int(row[2]) for row in rows),
        unaggregated=sum(int(row[3]) for row in rows),
        numbered=sum(int(row[4]) for row in rows),
        totals={str(row[0]): (int(row[5]), int(row[6])) for row in rows},
    )


def running(tx: Connection, batch: Batch) -> int:
    """How many invoices of its schedules still run. Cost: reads these schedules once."""
    query = select(func.count()).where(_of(batch), _i.state == _RUNNING)
    return tx.execute(query).scalar_one()


def is_unaggregated(tx: Connection, batch: Batch) -> bool:
    """Whether there is a closed invoice that is not aggregated. Cost: reads up to the first one."""
    return _is_there(tx, batch, and_(_i.state == _CLOSED, _i.aggregated == 0, _i.batch_id == batch.batch_id))


def is_running(tx: Connection, batch: Batch) -> bool:
    """Whether an invoice of its schedules still runs. Cost: reads up to the first one."""
    return _is_there(tx, batch, _i.state == _RUNNING)


def schedules(tx: Connection, batch: Batch, as_of_us: int) -> tuple[int, int]:
    """How many of its schedules have ended before an instant, closed ones included, and how many have not."""
    ended = and_(_s.end_us < as_of_us)
    query = select(func.coalesce(func.sum(case((ended, 1), else_=0)), 0), func.count())
    found, total = tx.execute(query.where(_s.cycle_code == batch.cycle_code, _s.batch_id == batch.batch_id)).one()
    return int(found), int(total - found)


def closed_schedules(tx: Connection, batch: Batch) -> int:
    """How many schedules it has closed."""
    query = select(func.count()).where(_s.cycle_code == batch.cycle_code, _s.batch_id == batch.batch_id)
    return tx.execute(query.where(_s.state == ScheduleState.CLOSED)).scalar_one()


def exports(tx: Connection, batch: Batch) -> tuple[int, int]:
    """How many export records it has, and how many of them are not done."""
    pending = case((_e.state == ExportState.PENDING, 1), else_=0)
    query = select(func.count(), func.coalesce(func.sum(pending), 0)).where(_e.batch_id == batch.batch_id)
    total, waiting = tx.execute(query).one()
    return int(total), int(waiting)


def _of(batch: Batch) -> ColumnElement[bool]:
    """The condition that an invoice stands in the batch's schedules."""
    in_schedules = and_(_i.cycle_code == batch.cycle_code, _i.schedule_code.in_(batch.schedules))
    return in_schedules if batch.kind is BatchKind.CREDIT_NOTES else and_(in_schedules, _i.slot == "")


def _sum(each: ColumnElement[int]) -> ColumnElement[int]:
    return func.coalesce(func.sum(each), 0)


def _is_there(tx: Connection, batch: Batch, condition: ColumnElement[bool]) -> bool:
    query = select(_i.account_id).where(_of(batch), condition).limit(1)
    return tx.execute(query).first() is not None
