"""The SQL of billing runs; one statement a function."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from domain.billing.configuration.model import Window
from domain.billing.configuration.window_store import find
from domain.billing.segments.states import BillKind, BillState, ExceptionState
from domain.billing.tables import bill, bill_cycle_window, billing_account, billing_exception
from domain.kernel.keys import among

_a, _b, _e, _w = billing_account.c, bill.c, billing_exception.c, bill_cycle_window.c


@dataclass(frozen=True, slots=True)
class Span:
    """Accounts of a cycle from one id to another, both included, and how many they were."""

    first: str
    last: str
    items: int


@dataclass(frozen=True, slots=True)
class LastBill:
    """The newest complete bill of an account, in minor units of its currency."""

    bill_id: str
    currency: str
    minor: int


def open_window(tx: Connection, cycle: str, day: int) -> Window | None:
    """The window of a cycle that a day is of; along the index of starts, and by primary key."""
    query = select(_w.window_code).where(_w.cycle_code == cycle, _w.start_day <= day, _w.end_day >= day)
    code = tx.execute(query.order_by(_w.start_day.desc()).limit(1)).scalar_one_or_none()
    return find(tx, cycle, code) if code is not None else None


def cut_cycle(tx: Connection, cycle: str, size: int) -> list[Span]:
    """The accounts of a cycle in spans of `size`. Cost: reads ix_billing_account_cycle of the cycle once."""
    number = (func.row_number().over(order_by=_a.account_id) - 1).label("number")
    numbered = select(_a.account_id, number).where(_a.cycle_code == cycle).subquery()
    query = select(func.min(numbered.c.account_id), func.max(numbered.c.account_id), func.count())
    query = query.group_by(numbered.c.number // size)
    return sorted((Span(*row) for row in tx.execute(query)), key=lambda span: span.first)


def ids_of(tx: Connection, cycle: str, first: str, last: str) -> list[str]:
    """The accounts of a cycle from one id to another, both included; along ix_billing_account_cycle."""
    query = select(_a.account_id).where(_a.cycle_code == cycle, _a.account_id.between(first, last))
    return list(tx.execute(query.order_by(_a.account_id)).scalars())


def cycles_of(tx: Connection, account_ids: Collection[str]) -> dict[str, str]:
    """The cycle of each of the accounts that there are; by primary key."""
    query = select(_a.account_id, _a.cycle_code).where(_a.account_id.in_(sorted(account_ids)))
    return {row[0]: row[1] for row in tx.execute(query)}


def failed(tx: Connection, cycle: str, window: str) -> list[str]:
    """Accounts of a cycle with something to be worked off that a run of the window met, or of its bills.

    Cost: along ix_billing_exception_open.
    """
    query = select(_e.account_id).where(
        _e.state == ExceptionState.OPEN, _e.cycle_code == cycle, _e.window_code == window
    )
    return list(tx.execute(query.distinct().order_by(_e.account_id)).scalars())


def last_bills(tx: Connection, account_ids: Sequence[str]) -> dict[str, LastBill]:
    """The newest complete regular bill of each of the accounts that has one. Cost: reads all bills of these."""
    newest = (
        select(_b.account_id, func.max(_b.bill_id))
        .where(_b.account_id.in_(account_ids), _b.state == BillState.COMPLETE, _b.kind == BillKind.REGULAR)
        .group_by(_b.account_id)
    )
    keys = [(row[0], row[1]) for row in tx.execute(newest)]
    if not keys:
        return {}
    query = select(_b.account_id, _b.bill_id, _b.currency, _b.amount_minor)
    rows = tx.execute(query.where(among((_b.account_id, _b.bill_id), keys)))
    return {row[0]: LastBill(*row[1:]) for row in rows}
