"""Registers: small tables of what is configured, all of one shape, read whole and kept by a version that they share.

Each entry has a code (`key`), a description, an etag, and what its register alone has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Table

from domain.kernel.documents import Document


class Entry(Protocol):
    """What all entries have; a frozen dataclass. Instants are microseconds UTC."""

    @property
    def description(self) -> str:
        """For people."""
        ...

    @property
    def version(self) -> int:
        """From 1; grows with every change."""
        ...

    @property
    def created_us(self) -> int:
        """When it was created."""
        ...

    @property
    def updated_us(self) -> int:
        """When it was changed last."""
        ...

    @property
    def etag(self) -> str:
        """Changes with every change."""
        ...


T = TypeVar("T", bound=Entry)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Registers that are read together: a change of any grows the one version in `versions`.

    `scope_kind` is the kind of scope (`scopes.KINDS`) by which their entries are seen and changed (PLT-14).
    """

    versions: Table[Any]
    scope_kind: str


@dataclass(frozen=True, slots=True)
class Register(Generic[T]):
    """What sets one register apart from another.

    `word` is its word in events and field paths, `key` the column of its codes. `columns_of` and `fields_of` turn what
    it alone has into columns and back; `told` is that for the audit trail. `scoped`: its entries are seen and changed
    by those whose scope has them; else all see them, and those change them whose scope has all of the shelf's kind.
    """

    shelf: Shelf
    word: str
    resource_type: str
    name_of: Callable[[str], str]
    table: Table[Any]
    kind: type[T]
    columns_of: Callable[[T], Mapping[str, str | int]]
    fields_of: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    told: Callable[[T], Document]
    key: str = "code"
    scoped: bool = False

    def code_of(self, entry: T) -> str:
        """The entry's code."""
        return str(getattr(entry, self.key))

    def row_of(self, entry: T) -> dict[str, str | int]:
        """The entry as a row of the table."""
        return {
            self.key: self.code_of(entry),
            "description": entry.description,
            **self.columns_of(entry),
            "version": entry.version,
            "created_us": entry.created_us,
            "updated_us": entry.updated_us,
        }

    def entry_from(self, row: Mapping[str, Any]) -> T:
        """The entry in a row."""
        shared = {name: row[name] for name in (self.key, "description", "version", "created_us", "updated_us")}
        return self.kind(**shared, **self.fields_of(row))
