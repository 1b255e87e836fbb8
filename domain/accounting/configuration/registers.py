"""Clients, claim types, collections and account determination tables, kept in registers of one shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.accounting import names, tables
from domain.accounting.configuration import documents
from domain.accounting.configuration.model import ClaimType, Client, Collection, Determination
from domain.kernel.documents import Document, from_text, to_text
from domain.kernel.registers.model import Register, Shelf

SHELF = Shelf(tables.accounting_configuration, "clients")
"""All that is configured of accounting; clients are seen and changed by scope."""


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
    shelf=SHELF,
    word="client",
    resource_type=names.CLIENT_TYPE,
    name_of=names.client_name,
    table=tables.accounting_client,
    kind=Client,
    columns_of=lambda client: {"document": to_text(documents.client_document(client.settings))},
    fields_of=lambda row: {"settings": documents.client_settings(from_text(row["document"]))},
    told=lambda client: documents.client_document(client.settings),
    scoped=True,
)
CLAIM_TYPES: Register[ClaimType] = Register(
    shelf=SHELF,
    word="claim_type",
    resource_type=names.CLAIM_TYPE_TYPE,
    name_of=names.claim_type_name,
    table=tables.claim_type,
    kind=ClaimType,
    columns_of=lambda _: {},
    fields_of=lambda _: {},
    told=lambda _: {},
)
COLLECTIONS: Register[Collection] = Register(
    shelf=SHELF,
    word="collection",
    resource_type=names.COLLECTION_TYPE,
    name_of=names.collection_name,
    table=tables.collection,
    kind=Collection,
    columns_of=_collection_columns,
    fields_of=_collection_fields,
    told=_collection_told,
)
DETERMINATIONS: Register[Determination] = Register(
    shelf=SHELF,
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
