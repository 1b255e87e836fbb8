"""The SQL of the windows of bill cycles; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, insert, select, update

from domain.billing.configuration.model import Window
from domain.billing.tables import bill, bill_cycle_window

_w, _b = bill_cycle_window.c, bill.c


def find(tx: Connection, cycle: str, code: str, *, lock: bool = False) -> Window | None:
    """The window, if there is one; with `lock` it stays as it is until the transaction ends."""
    query = select(bill_cycle_window).where(_w.cycle_code == cycle, _w.window_code == code)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _from_row(row)


def page(tx: Connection, cycle: str, *, after_day: int, limit: int) -> list[Window]:
    """At most `limit` windows of a cycle by their start, those that start after a day; along their index."""
    query = select(bill_cycle_window).where(_w.cycle_code == cycle, _w.start_day > after_day)
    return [_from_row(row) for row in tx.execute(query.order_by(_w.start_day).limit(limit)).mappings()]


def overlapping(tx: Connection, window: Window) -> Window | None:
    """The first other window of the cycle that has a day in common with this one; along the index of starts."""
    others = (_w.cycle_code == window.cycle_code, _w.window_code != window.code)
    common = (_w.start_day <= window.end_day, _w.end_day >= window.start_day)
    query = select(bill_cycle_window).where(*others, *common).order_by(_w.start_day).limit(1)
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else _from_row(row)


def has_bills(tx: Connection, window: Window) -> bool:
    """Whether any bill names the window; along ix_bill_cycle."""
    named = (_b.cycle_code == window.cycle_code, _b.window_code == window.code)
    return bool(tx.execute(select(exists().where(*named))).scalar_one())


def create(tx: Connection, window: Window) -> None:
    """Insert the window, whose cycle the transaction holds."""
    tx.execute(insert(bill_cycle_window).values(_values(window)))


def change(tx: Connection, window: Window) -> None:
    """Put the window in place of the one that the transaction has locked."""
    this = (_w.cycle_code == window.cycle_code, _w.window_code == window.code)
    tx.execute(update(bill_cycle_window).where(*this).values(_values(window)))


def forget(tx: Connection, window: Window) -> None:
    """Delete the window."""
    this = (_w.cycle_code == window.cycle_code, _w.window_code == window.code)
    tx.execute(delete(bill_cycle_window).where(*this))


def _values(window: Window) -> dict[str, str | int]:
    values = asdict(window)
    code, freeze, complete = values.pop("code"), window.freeze, window.complete
    return {**values, "window_code": code, "freeze": int(freeze), "complete": int(complete)}


def _from_row(row: RowMapping) -> Window:
    values: dict[str, Any] = dict(row)
    code, freeze, complete = values.pop("window_code"), bool(values["freeze"]), bool(values["complete"])
    return Window(**{**values, "code": code, "freeze": freeze, "complete": complete})
