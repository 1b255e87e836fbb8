"""What the use cases of all registers share: create, get, list, change, each with its audit entry (PLT-11).

Each change makes the version of their shelf grow: the last row that it locks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import Connection

from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import CodeTaken, EtagMissing, EtagStale, NotFound
from domain.kernel.paging import Page
from domain.kernel.registers import store
from domain.kernel.registers.model import Register, T
from domain.kernel.scopes import EVERYTHING, Scope


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be of the entry that was seen with this etag; `changes` are fields of it, as its room names them."""

    code: str
    etag: str
    changes: Mapping[str, Any]


def get(tx: Connection, register: Register[T], code: str, scope: Scope = EVERYTHING) -> T:
    """The entry. Raises: NotFound, also for what lies outside the scope."""
    found = store.find(tx, register, code) if _is_inside(register, code, scope) else None
    if found is None:
        raise NotFound(register.resource_type, register.name_of(code))
    return found


def list_page(tx: Connection, register: Register[T], page: Page, scope: Scope = EVERYTHING) -> list[T]:
    """One entry of the scope more than the page holds, if there is one, by code; the key is the code."""
    among = scope.names(register.shelf.scope_kind) if register.scoped else None
    return store.page(tx, register, after=after_of(page), limit=page.size + 1, among=among)


def after_of(page: Page) -> str:
    """The code behind which a page begins."""
    return str(page.after[0]) if page.after else ""


def refuse_outside(register: Register[T], code: str, scope: Scope) -> None:
    """Refuse to change what lies outside the scope, or is shared with what does.

    Raises: NotFound; SharedBeyondScope.
    """
    if not _is_inside(register, code, scope):
        raise NotFound(register.resource_type, register.name_of(code))
    if not register.scoped:
        scopes.refuse_shared(scope, register.shelf.scope_kind)


def create(tx: Connection, call: Call, register: Register[T], entry: T) -> T:
    """Add an entry that was checked. Raises: CodeTaken."""
    name = register.name_of(register.code_of(entry))
    if not store.create(tx, register, entry):
        raise CodeTaken(register.resource_type, name)
    _record(tx, call, register, entry, what="created", changes={"from": None, "to": _told(register, entry)})
    return entry


def update(tx: Connection, call: Call, register: Register[T], change: Change, changed: Callable[[T], T]) -> T:
    """Put what `changed` makes of the entry, and has checked, in its place.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale, also for the loser of a race; what `changed` raises.
    """
    code, etag = change.code, change.etag
    if not etag:
        raise EtagMissing(f"{register.word}.etag")
    refuse_outside(register, code, call.scope)
    old = store.lock(tx, register, code)
    if old is None:
        raise NotFound(register.resource_type, register.name_of(code))
    if old.etag != etag:
        raise EtagStale(register.resource_type, register.name_of(code), etag=etag)
    stamps: dict[str, Any] = {"version": old.version + 1, "updated_us": call.now_us}
    new: T = replace(cast("Any", changed(old)), **stamps)
    store.change(tx, register, new)
    before, after = _told(register, old), _told(register, new)
    fields = [field for field in after if before[field] != after[field]]
    told = {side: {field: of[field] for field in fields} for side, of in (("from", before), ("to", after))}
    _record(tx, call, register, new, what="changed", changes=told)
    return new


def _is_inside(register: Register[T], code: str, scope: Scope) -> bool:
    return not register.scoped or scope.has(register.shelf.scope_kind, code)


def _told(register: Register[T], entry: T) -> Document:
    return {"description": entry.description, **register.told(entry)}


def _record(tx: Connection, call: Call, register: Register[T], entry: T, *, what: str, changes: Document) -> None:
    """Note what happened to the entry, for those who may see it; the configuration is another one now."""
    code = register.code_of(entry)
    scope_id = scopes.intern(tx, scopes.of_one(register.shelf.scope_kind, code)) if register.scoped else 0
    events.append(tx, call, register.name_of(code), f"{register.word}.{what}", changes, scope_id=scope_id)
    store.grow_version(tx, register.shelf)
