"""Accounts with profiles that data come in for, made behind the calls' backs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from domain.billing import tables
from domain.billing.configuration.model import ProfileKind, ProfileType, ProfileTypeSettings
from domain.billing.configuration.registers import PROFILE_TYPES, SHELF
from domain.billing.configuration.snapshot import Configurations
from domain.billing.segments.states import SegmentState
from domain.billing.usage.ingest import Ingested, ingest_chunk
from domain.billing.usage.rows import Given, Group, prepare
from domain.kernel.call import Call
from domain.kernel.registers import store as registers
from domain.kernel.scopes import EVERYTHING, Scope
from server.database.transaction import Database
from tests.billing.usage.samples import COUNTER, DAILY, HALF_HOURLY, HOURLY, LONDON

CREATED = ProfileTypeSettings(ProfileKind.INTERVALS, "kWh", interval_s=3_600, creation="sum")
TYPES = {"HOURLY": HOURLY, "HALF_HOURLY": HALF_HOURLY, "DAILY": DAILY, "COUNTER": COUNTER, "CREATED": CREATED}
NOW_US = 1_780_000_000_000_000


def open_shop(database: Database, accounts: Sequence[str] = ("A",), *, cycle: str = "", zone: str = LONDON) -> None:
    """Accounts, each with an agreement SA and a profile of each of TYPES, by the name of the type."""
    database.write(lambda tx: _open(tx, accounts, cycle, zone))


def _open(tx: Connection, accounts: Sequence[str], cycle: str, zone: str) -> None:
    if not tx.execute(select(tables.profile_type.c.code)).first():
        for code, settings in TYPES.items():
            registers.create(tx, PROFILE_TYPES, ProfileType(code, "", 1, 1, 1, settings=settings))
        registers.grow_version(tx, SHELF)
    stamps = {"created_us": 1, "updated_us": 1}
    for account in accounts:
        of_account = {"account_id": account, "time_zone": zone, **stamps}
        owned = {**of_account, "customer_class_code": "C", "cycle_code": cycle, "currency": "GBP"}
        tx.execute(insert(tables.billing_account).values(owned))
        for code in TYPES:
            row = {**of_account, "profile_id": code, "type_code": code, "agreement_id": "SA"}
            tx.execute(insert(tables.profile).values(row))


def add_segment(tx: Connection, segment_id: str, start: int, end: int, state: SegmentState) -> None:
    """A segment of account A's agreement SA."""
    row = {
        "account_id": "A",
        "segment_id": segment_id,
        "bill_id": "B",
        "agreement_id": "SA",
        "type_code": "T",
        "position": 1,
        "state": state,
        "start_day": start,
        "end_day": end,
        "full_days": 30,
        "accounting_day": end,
        "rate_code": "R",
        "currency": "GBP",
        "created_us": 1,
    }
    tx.execute(insert(tables.bill_segment).values(row))


def group(profile: str, rows: Mapping[int | str, str] | Sequence[tuple[int | str, str]], **others: Any) -> Group:
    """Rows of a profile of account A, as text or instants and quantities; `kind` is that of intervals if not given."""
    account, own = others.get("account", "A"), profile
    pairs = list(rows.items()) if isinstance(rows, Mapping) else rows
    given: list[Given] = [(at, quantity, others.get("estimated", False)) for at, quantity in pairs]
    kind = others.get("kind", ProfileKind.INTERVALS)
    return Group(f"accounts/{account}/profiles/{own}", (account, own), kind, given)


def take_in(
    database: Database,
    *groups: Group,
    zone: str = LONDON,
    correction: bool = False,
    scope: Scope = EVERYTHING,
    now_us: int = NOW_US,
) -> Ingested:
    """Take in a chunk."""
    call = Call("importer", "test/Ingest", "", now_us, scope=scope)
    prepared = prepare(groups, zone)
    return database.write(lambda tx: ingest_chunk(tx, call, Configurations(), prepared, correction=correction))


def taken(tx: Connection, *groups: Group) -> Ingested:
    """Take in a chunk within a transaction."""
    call = Call("importer", "test/Ingest", "", NOW_US, scope=EVERYTHING)
    return ingest_chunk(tx, call, Configurations(), prepare(groups, LONDON), correction=False)


def reasons(done: Ingested) -> list[tuple[int, str, str]]:
    """Position, field and reason of all that is wrong."""
    return [(each.position, found.field, found.reason) for each in done.refusals for found in each.violations]


def kept(database: Database, table: Any) -> list[tuple[Any, ...]]:
    """All rows of a table, without when they were received, by key."""

    def read(tx: Connection) -> list[tuple[Any, ...]]:
        columns = [column for column in table.columns if column.name != "received_us"]
        return [tuple(row) for row in tx.execute(select(*columns).order_by(*table.primary_key.columns))]

    return database.read(read)
