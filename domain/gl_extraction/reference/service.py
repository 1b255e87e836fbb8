"""Use cases of the registers: create, get, list, change (GLX-04), each with its audit entry (PLT-11)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.gl_extraction.reference import store
from domain.gl_extraction.reference.errors import CodeTaken
from domain.gl_extraction.reference.model import Entry, Register
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import EtagMissing, EtagStale, NotFound
from domain.kernel.paging import Page


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be of the entry with this code, as it was seen with this etag; None leaves the description."""

    code: str
    etag: str
    description: str | None


def create(tx: Connection, call: Call, register: Register, *, code: str, description: str) -> Entry:
    """Add an entry. Raises: CodeTaken; Invalid for characters that cannot be kept."""
    require_storable(**{f"{register.word}.description": description})
    entry = Entry(code, description, version=1, created_us=call.now_us, updated_us=call.now_us)
    name = register.name_of(code)
    if not store.create(tx, register, entry):
        raise CodeTaken(register.resource_type, name)
    events.append(tx, call, name, f"{register.word}.created", {"from": None, "to": {"description": description}})
    return entry


def get(tx: Connection, register: Register, code: str) -> Entry:
    """The entry. Raises: NotFound."""
    entry = store.find(tx, register, code)
    if entry is None:
        raise NotFound(register.resource_type, register.name_of(code))
    return entry


def list_page(tx: Connection, register: Register, page: Page) -> list[Entry]:
    """One entry more than the page holds, if there is one, by code; the key is the code."""
    after = str(page.after[0]) if page.after else ""
    return store.page(tx, register, after=after, limit=page.size + 1)


def update(tx: Connection, call: Call, register: Register, change: Change) -> Entry:
    """Change the entry that still has the etag.

    Raises: EtagMissing; NotFound; EtagStale, also for the loser of a race; Invalid for characters that cannot be kept.
    """
    require_storable(**{f"{register.word}.description": change.description or ""})
    if not change.etag:
        raise EtagMissing(f"{register.word}.etag")
    old = get(tx, register, change.code)
    name = register.name_of(change.code)
    description = old.description if change.description is None else change.description
    new = replace(old, description=description, version=old.version + 1, updated_us=call.now_us)
    if old.etag != change.etag or not store.change(tx, register, new, from_version=old.version):
        raise EtagStale(register.resource_type, name, etag=change.etag)
    changes = {"from": {"description": old.description}, "to": {"description": description}}
    events.append(tx, call, name, f"{register.word}.changed", changes)
    return new
