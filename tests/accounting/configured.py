"""Clients and claim types as tests need them, put in by the store."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from domain.accounting.configuration.model import ClaimType, Client, ClientSettings
from domain.accounting.configuration.registers import CLAIM_TYPES, CLIENTS, SHELF
from domain.kernel.calendars import Calendar
from domain.kernel.registers import store
from domain.kernel.time import BusinessZone
from server.database.transaction import Database

AT_US = 1_790_000_000_000_000


def configure(
    database: Database, *, clients: Collection[str] = ("ACME",), claim_types: Collection[str] = ("CARD",)
) -> None:
    """Clients that work from Monday to Friday, by hand, and claim types."""
    settings = ClientSettings(Calendar(BusinessZone("UTC"), (6, 7)))

    def write(tx: Connection) -> None:
        for code in clients:
            client = Client(code, "", settings, version=1, created_us=AT_US, updated_us=AT_US)
            assert store.create(tx, CLIENTS, client)
        for code in claim_types:
            kind = ClaimType(code, "", version=1, created_us=AT_US, updated_us=AT_US)
            assert store.create(tx, CLAIM_TYPES, kind)
        store.grow_version(tx, SHELF)

    database.write(write)
