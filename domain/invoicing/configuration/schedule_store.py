"""The SQL of schedules; one statement a function, by the primary key or along invoice_schedule_starts_once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, exists, select, update

from domain.invoicing.configuration.model import Schedule, ScheduleState
from domain.invoicing.tables import invoice, invoice_schedule
from domain.kernel.registers import store as registers

_s, _i = invoice_schedule.c, invoice.c
_OPEN = _s.state == ScheduleState.OPEN


def find(tx: Connection, cycle: str, code: str, *, lock: bool = False) -> Schedule | None:
    """The schedule, if there is one; with `lock` it stays as it is until the transaction ends."""
    return _one(tx, _of(cycle).where(_s.schedule_code == code), lock=lock)


def first_open(tx: Connection, cycle: str, *, ends_after_us: int, starts_from_us: int = 0) -> Schedule | None:
    """The first open schedule that ends after an instant, and starts from another on.

    It stays open until the transaction ends. None may be one that was closed while this waited for it.
    """
    query = _of(cycle).where(_OPEN, _s.end_us > ends_after_us, _s.start_us >= starts_from_us)
    return _one(tx, query.order_by(_s.start_us).limit(1).with_for_update(read=True))


def edges(tx: Connection, cycle: str) -> tuple[Schedule, Schedule] | None:
    """The first and the last schedule of a cycle, if it has any. Cost: two statements."""
    first = _one(tx, _of(cycle).order_by(_s.start_us).limit(1))
    last = _one(tx, _of(cycle).order_by(_s.start_us.desc()).limit(1))
    return (first, last) if first and last else None


def page(tx: Connection, cycle: str, *, after_us: int, limit: int) -> list[Schedule]:
    """At most `limit` schedules of a cycle by their start, those that start after an instant."""
    return _all(tx, _of(cycle).where(_s.start_us > after_us).order_by(_s.start_us).limit(limit))


def lock_some(tx: Connection, cycle: str, codes: Collection[str]) -> list[Schedule]:
    """Those of a cycle's schedules with these codes, by their start, locked until the transaction ends."""
    query = _of(cycle).where(_s.schedule_code.in_(sorted(codes)))
    return _all(tx, query.order_by(_s.start_us).with_for_update())


def lock_ended(tx: Connection, cycle: str, *, now_us: int) -> list[Schedule]:
    """The open schedules of a cycle that ended before an instant and are in no batch, locked likewise."""
    query = _of(cycle).where(_OPEN, _s.end_us < now_us, _s.batch_id == "")
    return _all(tx, query.order_by(_s.start_us).with_for_update())


def lock_of_batch(tx: Connection, batch: str) -> list[Schedule]:
    """The schedules of a batch, by their start, locked likewise; along ix_invoice_schedule_batch."""
    query = select(invoice_schedule).where(_s.batch_id == batch, _s.batch_id != "")
    return _all(tx, query.order_by(_s.start_us).with_for_update())


def has_invoices(tx: Connection, found: Schedule) -> bool:
    """Whether any invoice stands in the schedule; along invoice_once."""
    mine = (_i.cycle_code == found.cycle_code, _i.schedule_code == found.code)
    return bool(tx.execute(select(exists().where(*mine))).scalar_one())


def create(tx: Connection, new: Schedule) -> bool:
    """Insert the schedule; False when its code is taken, or its start."""
    return registers.insert(tx, invoice_schedule.name, _values(new))


def change(tx: Connection, new: Schedule) -> None:
    """Put the schedule in place of the one that the transaction has locked."""
    assert tx.execute(update(invoice_schedule).where(*_key(new)).values(_values(new))).rowcount == 1


def forget(tx: Connection, found: Schedule) -> None:
    """Delete the schedule."""
    tx.execute(delete(invoice_schedule).where(*_key(found)))


def _of(cycle: str) -> Select[Any]:
    return select(invoice_schedule).where(_s.cycle_code == cycle)


def _key(schedule: Schedule) -> tuple[Any, ...]:
    return (_s.cycle_code == schedule.cycle_code, _s.schedule_code == schedule.code)


def _one(tx: Connection, query: Select[Any], *, lock: bool = False) -> Schedule | None:
    found = _all(tx, query.with_for_update() if lock else query)
    return found[0] if found else None


def _all(tx: Connection, query: Select[Any]) -> list[Schedule]:
    return [_from_row(row) for row in tx.execute(query).mappings()]


def _values(schedule: Schedule) -> dict[str, str | int]:
    values = asdict(schedule)
    code = values.pop("code")
    return {**values, "schedule_code": code, "made": int(schedule.made)}


def _from_row(row: RowMapping) -> Schedule:
    values: dict[str, Any] = dict(row)
    code, state, made = values.pop("schedule_code"), ScheduleState(values["state"]), bool(values["made"])
    return Schedule(**{**values, "code": code, "state": state, "made": made})
