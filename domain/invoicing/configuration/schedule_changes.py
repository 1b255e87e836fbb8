"""What people change of schedules: they add one at either edge, move an edge, or take one away (INV-02)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from domain.invoicing.configuration import periods, schedules
from domain.invoicing.configuration import schedule_store as store
from domain.invoicing.configuration.errors import ScheduleBetweenOthers, ScheduleHasInvoices
from domain.invoicing.configuration.model import Cycle, Schedule
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.configuration.schedules import WORD, ScheduleKey
from domain.invoicing.names import SCHEDULE_TYPE
from domain.kernel.call import Call
from domain.kernel.errors import CodeTaken, EtagMissing, EtagStale, Invalid, NotFound, Violation
from domain.kernel.registers import service
from domain.kernel.time import iso_of

END_MAX_US = 7_258_118_400_000_000
"""Schedules end by the year 2200."""

Given = Mapping[str, int]
"""Of `start_us` and `end_us` those that are given; an end of 23:59:59 means that whole second."""


def create(tx: Connection, call: Call, key: ScheduleKey, given: Given) -> Schedule:
    """Add a schedule behind the last one, or before the first.

    Without a start it starts where the last one ends, or with the period around now; without an end it is as long as
    the cycle says.

    Raises: NotFound for a cycle that there is not, or outside the scope; Invalid with every violation; CodeTaken.
    """
    service.refuse_outside(CYCLES, key.cycle, call.scope)
    cycle = schedules.lock_cycle(tx, key.cycle)
    edges = store.edges(tx, key.cycle)
    start_us = given.get("start_us") or (
        edges[1].end_us if edges else periods.start_around(cycle.settings, call.now_us)
    )
    anchor_us = edges[0].start_us if edges else start_us
    end_us = _end(cycle, given) or periods.end_after(cycle.settings, anchor_us, start_us)
    _require(*_span_faults(start_us, end_us), *_place_faults(edges, start_us, end_us))
    if store.find(tx, key.cycle, key.code):
        raise CodeTaken(SCHEDULE_TYPE, key.name)
    new = schedules.new_schedule(call, key, start_us, end_us, made=False)
    schedules.add(tx, call, new)
    return new


def update(tx: Connection, call: Call, key: ScheduleKey, etag: str, changes: Given) -> Schedule:
    """Change the open schedule that still has the etag: the start of the first one, or the end of the last.

    Any is left as it is that is to be as it is.

    Raises: EtagMissing; NotFound; EtagStale; ScheduleClosed; ScheduleInBatch; Invalid with every violation.
    """
    cycle, old = _locked(tx, call, key, etag, field=f"{WORD}.etag")
    new = replace(old, start_us=changes.get("start_us") or old.start_us, end_us=_end(cycle, changes) or old.end_us)
    if new == old:
        return old
    schedules.refuse_fixed(old)
    edges = store.edges(tx, key.cycle)
    assert edges, "there is this one"
    _require(*_span_faults(new.start_us, new.end_us), *_move_faults(edges, old, new))
    return schedules.change(tx, call, old, new, "changed")


def delete(tx: Connection, call: Call, key: ScheduleKey, etag: str) -> None:
    """Delete the open schedule that still has the etag, the first or the last of its cycle, which has no invoices.

    Raises: EtagMissing; NotFound; EtagStale; ScheduleClosed; ScheduleInBatch; ScheduleBetweenOthers;
    ScheduleHasInvoices.
    """
    _, old = _locked(tx, call, key, etag, field="etag")
    schedules.refuse_fixed(old)
    if old.code not in {edge.code for edge in store.edges(tx, key.cycle) or ()}:
        raise ScheduleBetweenOthers(key.name)
    if store.has_invoices(tx, old):
        raise ScheduleHasInvoices(key.name)
    store.forget(tx, old)
    schedules.record(tx, call, old, "deleted", old=old)


def _end(cycle: Cycle, given: Given) -> int:
    """The end that is given, as it is meant; 0: none is."""
    end_us = given.get("end_us", 0)
    return periods.whole_second(end_us, cycle.zone) if end_us else 0


def _span_faults(start_us: int, end_us: int) -> Iterator[Violation]:
    if end_us <= start_us:
        yield Violation(
            f"{WORD}.end_time", "SCHEDULE_ENDS_BEFORE_START", f"must be after the start, {iso_of(start_us)}"
        )
    elif end_us > END_MAX_US:
        yield Violation(f"{WORD}.end_time", "SCHEDULE_ENDS_TOO_LATE", f"must not be after {iso_of(END_MAX_US)}")


def _place_faults(edges: tuple[Schedule, Schedule] | None, start_us: int, end_us: int) -> Iterator[Violation]:
    """What is wrong with where a new schedule lies: behind the last one or before the first, and touching it."""
    if edges is None or start_us == edges[1].end_us or end_us == edges[0].start_us:
        return
    first, last = edges
    if start_us > last.end_us:
        yield _gap("start_time", last.end_us)
    elif end_us < first.start_us:
        yield _gap("end_time", first.start_us)
    else:
        text = f"the schedules of the cycle hold {iso_of(first.start_us)} to {iso_of(last.end_us)} already"
        yield Violation(f"{WORD}.start_time", "SCHEDULE_OVERLAP", text)


def _move_faults(edges: tuple[Schedule, Schedule], old: Schedule, new: Schedule) -> Iterator[Violation]:
    """What is wrong with new edges of a schedule: the neighbour's lie where the old ones do."""
    first, last = edges
    if new.start_us != old.start_us and old.code != first.code:
        yield _gap("start_time", old.start_us) if new.start_us > old.start_us else _overlap("start_time", old.start_us)
    if new.end_us != old.end_us and old.code != last.code:
        yield _gap("end_time", old.end_us) if new.end_us < old.end_us else _overlap("end_time", old.end_us)


def _gap(field: str, at_us: int) -> Violation:
    return Violation(f"{WORD}.{field}", "SCHEDULE_GAP", f"must be {iso_of(at_us)}, or there would be a gap")


def _overlap(field: str, at_us: int) -> Violation:
    return Violation(f"{WORD}.{field}", "SCHEDULE_OVERLAP", f"must be {iso_of(at_us)}, or schedules would overlap")


def _require(*faults: Violation) -> None:
    if faults:
        raise Invalid(*faults)


def _locked(tx: Connection, call: Call, key: ScheduleKey, etag: str, *, field: str) -> tuple[Cycle, Schedule]:
    if not etag:
        raise EtagMissing(field)
    inside = call.scope.has(CYCLES.shelf.scope_kind, key.cycle)
    cycle = schedules.lock_cycle(tx, key.cycle) if inside else None
    found = store.find(tx, key.cycle, key.code, lock=True) if cycle else None
    if cycle is None or found is None:
        raise NotFound(SCHEDULE_TYPE, key.name)
    if found.etag != etag:
        raise EtagStale(SCHEDULE_TYPE, key.name, etag=etag)
    return cycle, found
