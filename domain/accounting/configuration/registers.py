"""Clients, claim types, collections and account determination tables, kept in registers of one shape.

Each entry has a code (`key`), a description, an etag, and what its register alone has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Table

from domain.accounting import names, tables
from domain.accounting.configuration import documents
from domain.accounting.configuration.model import ClaimType, Client, Collection, Determination
from domain.kernel.documents import Document, from_text, to_text

T = TypeVar("T", Client, ClaimType, Collection, Determination)


@dataclass(frozen=True, slots=True)
class Register(Generic[T]):
    """What sets one register apart from another.

    `word` is its word in events and field paths, `key` the column of its codes. `columns_of` and `fields_of` turn what
    it alone has into columns and back; `told` is that for the audit trail. `scoped`: its entries are seen and changed
    by those whose scope has them; else all see them, and those change them whose scope has all clients (PLT-14).
    """

    word: str
    resource_type: str
    name_of: Callable[[str], str]
    table: Table[Any]
    kind: type[T]
    key: str
    columns_of: Callable[[T], Mapping[str, str | int]]
    fields_of: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    told: Callable[[T], Document]
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


def _collection_columns(collection: Collection) -> dict[str, str | int]:
    return {
        "suspense": int(collection.suspense),
        "write_off": int(collection.write_off),
        "zero_for": to_text(documents.resolutions_document(collection.zero_for)),
    }


def _collection_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    zero_for = documents.resolutions(from_text(row["zero_for"]))
    return {"suspense": bool(row["suspense"]), "write_off": bool(row["write_off"]), "zero_for": zero_for}


def _collection_told(collection: Collection) -> Document:
    zero_for = sorted(collection.zero_for)
    return {"suspense": collection.suspense, "write_off": collection.write_off, "zero_for": zero_for}


CLIENTS: Register[Client] = Register(
    word="client",
    resource_type=names.CLIENT_TYPE,
    name_of=names.client_name,
    table=tables.accounting_client,
    kind=Client,
    key="code",
    columns_of=lambda client: {"document": to_text(documents.client_document(client.settings))},
    fields_of=lambda row: {"settings": documents.client_settings(from_text(row["document"]))},
    told=lambda client: documents.client_document(client.settings),
    scoped=True,
)
CLAIM_TYPES: Register[ClaimType] = Register(
    word="claim_type",
    resource_type=names.CLAIM_TYPE_TYPE,
    name_of=names.claim_type_name,
    table=tables.claim_type,
    kind=ClaimType,
    key="code",
    columns_of=lambda _: {},
    fields_of=lambda _: {},
    told=lambda _: {},
)
COLLECTIONS: Register[Collection] = Register(
    word="collection",
    resource_type=names.COLLECTION_TYPE,
    name_of=names.collection_name,
    table=tables.collection,
    kind=Collection,
    key="code",
    columns_of=_collection_columns,
    fields_of=_collection_fields,
    told=_collection_told,
)
DETERMINATIONS: Register[Determination] = Register(
    word="account_determination_table",
    resource_type=names.DETERMINATION_TYPE,
    name_of=names.determination_name,
    table=tables.account_determination,
    kind=Determination,
    key="collection_code",
    columns_of=lambda table: {"document": to_text(documents.rows_document(table.rows))},
    fields_of=lambda row: {"rows": documents.determination_rows(from_text(row["document"]))},
    told=lambda table: documents.rows_document(table.rows),
)
