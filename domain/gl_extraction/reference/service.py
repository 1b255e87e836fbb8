"""Use cases of the registers: create, get, list, change (GLX-04), each with its audit entry (PLT-11)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.gl_extraction.reference import store
from domain.gl_extraction.reference.model import Entry, Register
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import CodeTaken, EtagMissing, EtagStale, NotFound, SharedBeyondScope
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be of the entry with this code, as it was seen with this etag; None leaves the description."""

    code: str
    etag: str
    description: str | None


def create(tx: Connection, call: Call, register: Register, *, code: str, description: str) -> Entry:
    """Add an entry.

    Raises: NotFound for a ledger outside the caller's scope, whether there is one or not; SharedBeyondScope; CodeTaken;
    Invalid for characters that cannot be kept.
    """
    require_storable(**{f"{register.word}.description": description})
    _refuse_outside(register, code, call.scope)
    entry = Entry(code, description, version=1, created_us=call.now_us, updated_us=call.now_us)
    name = register.name_of(code)
    if not store.create(tx, register, entry):
        raise CodeTaken(register.resource_type, name)
    payload = {"from": None, "to": {"description": description}}
    events.append(tx, call, name, f"{register.word}.created", payload, scope_id=_scope_id(tx, register, code))
    return entry


def get(tx: Connection, register: Register, code: str, scope: Scope = EVERYTHING) -> Entry:
    """The entry. Raises: NotFound, also for what lies outside the scope."""
    entry = store.find(tx, register, code) if _is_inside(register, code, scope) else None
    if entry is None:
        raise NotFound(register.resource_type, register.name_of(code))
    return entry


def list_page(tx: Connection, register: Register, page: Page, scope: Scope = EVERYTHING) -> list[Entry]:
    """One entry of the scope more than the page holds, if there is one, by code; the key is the code."""
    after = str(page.after[0]) if page.after else ""
    among = scope.ledgers if register.scoped else None
    return store.page(tx, register, after=after, limit=page.size + 1, among=among)


def update(tx: Connection, call: Call, register: Register, change: Change) -> Entry:
    """Change the entry that still has the etag.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale, also for the loser of a race; Invalid for characters
    that cannot be kept.
    """
    require_storable(**{f"{register.word}.description": change.description or ""})
    if not change.etag:
        raise EtagMissing(f"{register.word}.etag")
    _refuse_outside(register, change.code, call.scope)
    old = get(tx, register, change.code)
    name = register.name_of(change.code)
    description = old.description if change.description is None else change.description
    new = replace(old, description=description, version=old.version + 1, updated_us=call.now_us)
    if old.etag != change.etag or not store.change(tx, register, new, from_version=old.version):
        raise EtagStale(register.resource_type, name, etag=change.etag)
    changes = {"from": {"description": old.description}, "to": {"description": description}}
    scope_id = _scope_id(tx, register, change.code)
    events.append(tx, call, name, f"{register.word}.changed", changes, scope_id=scope_id)
    return new


def _is_inside(register: Register, code: str, scope: Scope) -> bool:
    return scope.has_ledger(code) or not register.scoped


def _refuse_outside(register: Register, code: str, scope: Scope) -> None:
    """Refuse to change what lies outside the scope, or is shared with what does."""
    if not _is_inside(register, code, scope):
        raise NotFound(register.resource_type, register.name_of(code))
    if not register.scoped and scope.ledgers is not None:
        raise SharedBeyondScope


def _scope_id(tx: Connection, register: Register, code: str) -> int:
    """Who sees what happens to the entry: of a ledger those who have it, of a shared entry those who have all."""
    return scopes.intern(tx, scopes.of_ledgers((code,))) if register.scoped else 0
