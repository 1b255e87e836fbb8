"""What the use cases of entries with settings share: nothing is kept that their rules find fault with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from domain.billing.configuration.model import Configured
from domain.kernel.call import Call
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Invalid, Violation
from domain.kernel.registers import service
from domain.kernel.registers.model import Register
from domain.kernel.registers.service import Change

E = TypeVar("E", bound=Configured)


def create(tx: Connection, call: Call, register: Register[E], new: E, faults: Iterable[Violation]) -> E:
    """Add an entry; `faults` are those of its settings.

    Raises: NotFound or SharedBeyondScope for what the caller may not change; Invalid with every violation; CodeTaken.
    """
    service.refuse_outside(register, new.code, call.scope)
    return service.create(tx, call, register, _sound(register, new, faults))


def update(
    tx: Connection, call: Call, register: Register[E], change: Change, faults: Callable[[E, E], Iterable[Violation]]
) -> E:
    """Change the entry that still has the etag: its description and fields of its settings.

    `faults` are those of its settings, of the entry as it was and as it is to be.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid with every violation.
    """

    def changed(old: E) -> E:
        new = _with(old, change.changes)
        return _sound(register, new, faults(old, new))

    return service.update(tx, call, register, change, changed)


def _with(old: E, changes: Mapping[str, Any]) -> E:
    entry = cast("Any", old)
    settings = replace(entry.settings, **{name: value for name, value in changes.items() if name != "description"})
    return cast("E", replace(entry, description=changes.get("description", old.description), settings=settings))


def _sound(register: Register[E], entry: E, faults: Iterable[Violation]) -> E:
    found = list(faults)
    if fault := character_fault(entry.description):
        found.insert(0, Violation(f"{register.word}.description", REASON, fault))
    if found:
        raise Invalid(*found)
    return entry
