"""Schedules of billing cycles: which one takes new invoices, and what batches do to them (INV-02, INV-11).

Those that are missing are made; `schedule_changes` has what people change of them. Who adds, changes or deletes
schedules of a cycle holds the cycle, so that they tile: where one ends the next starts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.invoicing.configuration import periods
from domain.invoicing.configuration import schedule_store as store
from domain.invoicing.configuration.errors import ScheduleClosed, ScheduleInBatch, SchedulesFarBehind
from domain.invoicing.configuration.model import Cycle, Schedule, ScheduleState
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.names import SCHEDULE_TYPE, cycle_name, schedule_name
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import NotFound, Unavailable
from domain.kernel.paging import Page
from domain.kernel.registers import service
from domain.kernel.registers import store as registers
from domain.kernel.scopes import EVERYTHING, Scope

WORD = "invoice_schedule"
MADE_MAX = 1_000
"""How many schedules are made at once, at most."""

_TRIES = 10
_TOLD = ("start_us", "end_us", "state", "batch_id")


@dataclass(frozen=True, slots=True)
class ScheduleKey:
    """A schedule's cycle and its code."""

    cycle: str
    code: str

    @property
    def name(self) -> str:
        """Its resource name."""
        return schedule_name(self.cycle, self.code)


# What is asked


def get(tx: Connection, key: ScheduleKey, scope: Scope = EVERYTHING) -> Schedule:
    """The schedule. Raises: NotFound, also where its cycle lies outside the scope."""
    inside = scope.has(CYCLES.shelf.scope_kind, key.cycle)
    found = store.find(tx, key.cycle, key.code) if inside else None
    if found is None:
        raise NotFound(SCHEDULE_TYPE, key.name)
    return found


def list_page(tx: Connection, cycle: str, page: Page, scope: Scope = EVERYTHING) -> list[Schedule]:
    """One schedule of the cycle more than the page holds, if there is one, by start; the key is the start.

    Raises: NotFound for a cycle that there is not, or outside the scope.
    """
    service.get(tx, CYCLES, cycle, scope)
    return store.page(tx, cycle, after_us=int(page.after[0]) if page.after else 0, limit=page.size + 1)


def covering(tx: Connection, call: Call, cycle: str, now_us: int) -> Schedule:
    """The open schedule of a cycle that holds an instant; those that are missing up to it are made.

    Where the one that holds it is closed already, it is the first open one behind; before the first, it is the first.
    It stays open until the transaction ends, so that nobody closes it under what is put in it.

    Cost: one statement, unless schedules are made. Raises: NotFound for an unknown cycle; SchedulesFarBehind.
    """
    return _first_open(tx, call, cycle, ends_after_us=now_us, starts_from_us=0)


def next_after(tx: Connection, call: Call, schedule: Schedule) -> Schedule:
    """The first open schedule behind this one, made if there is none; likewise, and at the same cost."""
    end_us = schedule.end_us
    return _first_open(tx, call, schedule.cycle_code, ends_after_us=end_us, starts_from_us=end_us)


# What batches do


def lock_named(tx: Connection, cycle: str, codes: Collection[str]) -> list[Schedule]:
    """Schedules of a cycle by their start, locked until the transaction ends. Raises: NotFound."""
    found = store.lock_some(tx, cycle, codes)
    for missing in sorted(set(codes) - {each.code for each in found}):
        raise NotFound(SCHEDULE_TYPE, schedule_name(cycle, missing))
    return found


def lock_ended(tx: Connection, cycle: str, *, now_us: int) -> list[Schedule]:
    """The open schedules of a cycle that ended strictly before an instant and are in no batch, locked likewise."""
    return store.lock_ended(tx, cycle, now_us=now_us)


def lock_of_batch(tx: Connection, batch: str) -> list[Schedule]:
    """The schedules of a batch by their start, locked likewise."""
    return store.lock_of_batch(tx, batch)


def hold(tx: Connection, call: Call, locked: Sequence[Schedule], batch: str) -> list[Schedule]:
    """Put schedules into a batch. Raises: ScheduleClosed; ScheduleInBatch, for one that is in any."""
    for each in locked:
        refuse_fixed(each)
    return [change(tx, call, each, replace(each, batch_id=batch), "held") for each in locked]


def close(tx: Connection, call: Call, locked: Sequence[Schedule]) -> list[Schedule]:
    """Close open schedules: they take no new invoices any more."""
    return [change(tx, call, each, replace(each, state=ScheduleState.CLOSED), "closed") for each in locked]


def release(tx: Connection, call: Call, locked: Sequence[Schedule]) -> list[Schedule]:
    """Take schedules out of their batch; they are open, also those that it has closed."""
    opened = {"state": ScheduleState.OPEN, "batch_id": ""}
    return [change(tx, call, each, replace(each, **opened), "released") for each in locked]  # type: ignore[arg-type]


# What all changes share


def lock_cycle(tx: Connection, cycle: str) -> Cycle:
    """The cycle, locked until the transaction ends. Raises: NotFound."""
    found = registers.lock(tx, CYCLES, cycle)
    if found is None:
        raise NotFound(CYCLES.resource_type, cycle_name(cycle))
    return found


def refuse_fixed(found: Schedule) -> None:
    """Refuse what may not change any more. Raises: ScheduleClosed; ScheduleInBatch."""
    if found.state is ScheduleState.CLOSED:
        raise ScheduleClosed(found.name)
    if found.batch_id:
        raise ScheduleInBatch(found.name, found.batch_id)


def change(tx: Connection, call: Call, old: Schedule, new: Schedule, what: str) -> Schedule:
    """Put a schedule in the place of the one that is locked."""
    changed = replace(new, version=old.version + 1, updated_us=call.now_us)
    store.change(tx, changed)
    record(tx, call, changed, what, old=old, new=changed)
    return changed


def record(
    tx: Connection, call: Call, of: Schedule, what: str, *, old: Schedule | None = None, new: Schedule | None = None
) -> None:
    """Note what happened to a schedule, for those who may see its cycle."""
    scope_id = scopes.intern(tx, scopes.of_one(CYCLES.shelf.scope_kind, of.cycle_code))
    events.append(tx, call, of.name, f"{WORD}.{what}", {"from": _told(old), "to": _told(new)}, scope_id=scope_id)


def add(tx: Connection, call: Call, new: Schedule) -> None:
    """Insert a schedule of a cycle that is locked, whose code is free."""
    assert store.create(tx, new), "whoever holds the cycle alone adds schedules"
    record(tx, call, new, "made" if new.made else "created", new=new)


def new_schedule(call: Call, key: ScheduleKey, start_us: int, end_us: int, *, made: bool) -> Schedule:
    """An open schedule."""
    now = call.now_us
    return Schedule(key.cycle, key.code, start_us, end_us, ScheduleState.OPEN, "", made, 1, now, now)


def _first_open(tx: Connection, call: Call, cycle: str, *, ends_after_us: int, starts_from_us: int) -> Schedule:
    for _ in range(_TRIES):
        found = store.first_open(tx, cycle, ends_after_us=ends_after_us, starts_from_us=starts_from_us)
        if found:
            return found
        _make(tx, call, cycle, ends_after_us=ends_after_us, starts_from_us=starts_from_us)
    raise Unavailable("schedules of the cycle are being closed all the time; try again")


def _make(tx: Connection, call: Call, cycle_code: str, *, ends_after_us: int, starts_from_us: int) -> None:
    """Add schedules behind the last one until there is one that is wanted, unless somebody else has done so."""
    cycle = lock_cycle(tx, cycle_code)
    edges = store.edges(tx, cycle_code)
    start_us = edges[1].end_us if edges else periods.start_around(cycle.settings, ends_after_us)
    anchor_us, last = (edges[0].start_us, edges[1]) if edges else (start_us, None)
    for _ in range(MADE_MAX):
        if (
            last
            and last.state is ScheduleState.OPEN
            and last.end_us > ends_after_us
            and last.start_us >= starts_from_us
        ):
            return
        end_us = periods.end_after(cycle.settings, anchor_us, start_us)
        last = new_schedule(call, _free_key(tx, cycle, start_us), start_us, end_us, made=True)
        add(tx, call, last)
        start_us = end_us
    raise SchedulesFarBehind(cycle_code, most=MADE_MAX)


def _is_open(schedule: Schedule) -> bool:
    return schedule.state is ScheduleState.OPEN


def _free_key(tx: Connection, cycle: Cycle, start_us: int) -> ScheduleKey:
    """The first day of a schedule as its code; with a number behind it, if somebody has used that for another."""
    first = code = periods.code_of(start_us, cycle.zone)
    number = 1
    while store.find(tx, cycle.code, code):
        number += 1
        code = f"{first}-{number}"
    return ScheduleKey(cycle.code, code)


def _told(schedule: Schedule | None) -> Document | None:
    return {name: getattr(schedule, name) for name in _TOLD} if schedule else None
