"""Entries with settings: registers that keep them as a document, and what all of their use cases share.

Nothing is kept that its rules find fault with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Connection, Table

from domain.kernel.call import Call
from domain.kernel.characters import REASON, character_fault
from domain.kernel.documents import Document, from_text, to_text
from domain.kernel.errors import Invalid, Violation
from domain.kernel.registers import service
from domain.kernel.registers.model import Register, Shelf
from domain.kernel.registers.service import Change
from domain.kernel.structures import document_of, value_from


@dataclass(frozen=True, slots=True)
class Configured:
    """What all entries have; what a kind of them has besides is `settings`, a frozen dataclass."""

    code: str
    description: str
    version: int
    created_us: int
    updated_us: int

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


E = TypeVar("E", bound=Configured)


class Names(NamedTuple):
    """What entries are called: their resource type, and the name of one by its code."""

    resource_type: str
    name_of: Callable[[str], str]


def register(
    shelf: Shelf,
    kind: type[E],
    settings: type[Any],
    *,
    word: str,
    names: Names,
    table: Table[Any],
    scoped: bool = False,
    told: Callable[[Document], Document] = lambda document: document,
) -> Register[E]:
    """A register whose entries have settings; `told` makes of their document what the audit trail tells."""

    def fields_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"settings": value_from(settings, from_text(row["document"]))}

    return Register(
        shelf=shelf,
        word=word,
        resource_type=names.resource_type,
        name_of=names.name_of,
        table=table,
        kind=kind,
        columns_of=lambda entry: {"document": to_text(_document(entry))},
        fields_of=fields_of,
        told=lambda entry: told(_document(entry)),
        scoped=scoped,
    )


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


def _document(entry: E) -> Document:
    return document_of(cast("Any", entry).settings)


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
