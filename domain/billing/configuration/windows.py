"""Use cases of the windows of bill cycles, and what they must be (BIL-30).

Who changes a cycle's windows holds the cycle, so that they never come to have a day in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection

from domain.billing.configuration import window_store as store
from domain.billing.configuration.errors import WindowHasBills
from domain.billing.configuration.model import Window
from domain.billing.configuration.registers import CYCLES
from domain.billing.days import LAST_DAY, day_violations, furthest_from
from domain.billing.names import RESERVED_ID, WINDOW_TYPE, cycle_name, window_name
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import CodeTaken, EtagMissing, EtagStale, Invalid, NotFound, Violation
from domain.kernel.paging import Page
from domain.kernel.registers import service
from domain.kernel.registers import store as registers
from domain.kernel.scopes import EVERYTHING, Scope
from domain.kernel.time import iso_day, real_day

WORD = "bill_cycle_window"
_DAYS = {
    "start_day": "start_date",
    "end_day": "end_date",
    "through_day": "through_date",
    "bill_day": "bill_date",
    "accounting_day": "accounting_date",
}
"""Days of windows, with their names in the contract."""

_NEEDED = frozenset({"start_day", "end_day", "through_day"})
"""Without the others, which follow from the start."""

_SERVERS = frozenset({"version", "created_us", "updated_us"})


@dataclass(frozen=True, slots=True)
class WindowKey:
    """A window's cycle and its code."""

    cycle: str
    code: str

    @property
    def name(self) -> str:
        """Its resource name."""
        return window_name(self.cycle, self.code)


def get(tx: Connection, key: WindowKey, scope: Scope = EVERYTHING) -> Window:
    """The window. Raises: NotFound, also where its cycle lies outside the scope."""
    inside = scope.has(CYCLES.shelf.scope_kind, key.cycle)
    found = store.find(tx, key.cycle, key.code) if inside else None
    if found is None:
        raise NotFound(WINDOW_TYPE, key.name)
    return found


def list_page(tx: Connection, cycle: str, page: Page, scope: Scope = EVERYTHING) -> list[Window]:
    """One window of the cycle more than the page holds, if there is one, by start; the key is the start day.

    Raises: NotFound for a cycle that there is not, or outside the scope.
    """
    service.get(tx, CYCLES, cycle, scope)
    return store.page(tx, cycle, after_day=int(page.after[0]) if page.after else 0, limit=page.size + 1)


def create(tx: Connection, call: Call, key: WindowKey, given: Mapping[str, Any]) -> Window:
    """Add a window; `given` are its days (0 for what was not given, -1 for what is none), `freeze` and `complete`.

    Raises: NotFound for a cycle that there is not, or outside the scope; Invalid with every violation; CodeTaken.
    """
    service.refuse_outside(CYCLES, key.cycle, call.scope)
    if registers.lock(tx, CYCLES, key.cycle) is None:
        raise NotFound(CYCLES.resource_type, cycle_name(key.cycle))
    stamps = {"created_us": call.now_us, "updated_us": call.now_us}
    empty = Window(key.cycle, key.code, 0, 0, 0, 0, 0, freeze=False, complete=False, version=1, **stamps)
    new = _sound(tx, replace(empty, **given))
    if store.find(tx, key.cycle, key.code):
        raise CodeTaken(WINDOW_TYPE, key.name)
    store.create(tx, new)
    _record(tx, call, key, "created", to=new)
    return new


def update(tx: Connection, call: Call, key: WindowKey, etag: str, changes: Mapping[str, Any]) -> Window:
    """Change the window that still has the etag; `changes` are as `given` of `create`.

    Once a bill names it, nothing of it changes but that it may end later.

    Raises: EtagMissing; NotFound; EtagStale; Invalid with every violation; WindowHasBills.
    """
    old = _locked(tx, call, key, etag, field=f"{WORD}.etag")
    new = _sound(tx, replace(old, **changes, version=old.version + 1, updated_us=call.now_us))
    later_alone = _told({**asdict(new), "end_day": old.end_day}) == _told(asdict(old)) and new.end_day >= old.end_day
    if not later_alone and store.has_bills(tx, old):
        raise WindowHasBills(key.name)
    store.change(tx, new)
    _record(tx, call, key, "changed", old, to=new)
    return new


def delete(tx: Connection, call: Call, key: WindowKey, etag: str) -> None:
    """Delete the window that still has the etag. Raises: EtagMissing; NotFound; EtagStale; WindowHasBills."""
    old = _locked(tx, call, key, etag, field="etag")
    if store.has_bills(tx, old):
        raise WindowHasBills(key.name)
    store.forget(tx, old)
    _record(tx, call, key, "deleted", old)


def violations(window: Window) -> Iterator[Violation]:
    """All that is wrong with a window by itself, as it is given; what follows from its other days may be left out."""
    if window.code == RESERVED_ID:
        yield Violation(f"{WORD}.code", "ID_RESERVED", "stands for the window that is open, where one could be named")
    for name, field in _DAYS.items():
        day: int = getattr(window, name)
        if day == 0 and name in _NEEDED:
            yield Violation(f"{WORD}.{field}", "FIELD_REQUIRED", "must be given")
        elif day != 0 and not _is_real(day):
            yield Violation(f"{WORD}.{field}", "DATE_INVALID", "the calendar has no such day")
        elif day != 0:
            yield from day_violations(f"{WORD}.{field}", day)
    if window.end_day < window.start_day and _is_real(window.end_day):
        yield Violation(f"{WORD}.end_date", "WINDOW_ENDS_BEFORE_START", "must not be before the start date")
    elif _is_real(window.end_day) and _is_real(window.through_day):
        furthest = furthest_from(min(window.end_day, LAST_DAY))
        if window.through_day > furthest:
            text = f"must not be after {iso_day(furthest)}: nothing is billed more than a year ahead"
            yield Violation(f"{WORD}.through_date", "THROUGH_DATE_TOO_LATE", text)
    if window.complete and not window.freeze:
        text = "a bill is complete once its segments are frozen: set freeze too"
        yield Violation(f"{WORD}.complete", "WINDOW_COMPLETES_UNFROZEN", text)


def _sound(tx: Connection, given: Window) -> Window:
    """The window with the days that follow from others."""
    found = [*violations(given)]
    bill_day = given.bill_day or given.start_day
    window = replace(given, bill_day=bill_day, accounting_day=given.accounting_day or bill_day)
    other = store.overlapping(tx, window) if _is_real(window.start_day) and _is_real(window.end_day) else None
    if other:
        days = f"{iso_day(other.start_day)} to {iso_day(other.end_day)}"
        text = f"window {other.code} of the cycle has days of these: {days}"
        found.append(Violation(f"{WORD}.start_date", "WINDOWS_OVERLAP", text))
    if found:
        raise Invalid(*found)
    return window


def _is_real(day: int) -> bool:
    return real_day(day // 10_000, day // 100 % 100, day % 100) is not None


def _locked(tx: Connection, call: Call, key: WindowKey, etag: str, *, field: str) -> Window:
    if not etag:
        raise EtagMissing(field)
    inside = call.scope.has(CYCLES.shelf.scope_kind, key.cycle) and registers.lock(tx, CYCLES, key.cycle)
    found = store.find(tx, key.cycle, key.code, lock=True) if inside else None
    if found is None:
        raise NotFound(WINDOW_TYPE, key.name)
    if found.etag != etag:
        raise EtagStale(WINDOW_TYPE, key.name, etag=etag)
    return found


def _record(
    tx: Connection, call: Call, key: WindowKey, what: str, old: Window | None = None, *, to: Window | None = None
) -> None:
    """Note what happened to the window, for those who may see its cycle."""
    sides = {"from": _told(asdict(old)) if old else None, "to": _told(asdict(to)) if to else None}
    scope_id = scopes.intern(tx, scopes.of_one(CYCLES.shelf.scope_kind, key.cycle))
    events.append(tx, call, key.name, f"{WORD}.{what}", sides, scope_id=scope_id)


def _told(window: Document) -> Document:
    return {name: value for name, value in window.items() if name not in _SERVERS}
