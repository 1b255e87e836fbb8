"""Accounts of a bill cycle with what they used on each day of a month, put in by SQL for the benchmark of runs.

Each account has two sites, read daily, and a head office that is charged on them; of a tenth the second site is the sub
of the first.
"""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from datetime import time as time_of_day
from typing import Any

from bench.databases import connect_postgresql, connect_sqlite
from domain.billing.accounts import store
from domain.billing.accounts.model import Account, Profile, ServiceAgreement
from domain.billing.configuration import windows
from domain.billing.configuration.model import Derivation
from domain.billing.configuration.windows import WindowKey
from domain.kernel.call import Call
from domain.kernel.time import BusinessZone, day_of
from server.database.transaction import Database
from tests.billing.shop import NOW_US, ZONE, fill

FIRST, THROUGH = date(2026, 1, 1), date(2026, 2, 1)
WINDOW = "billCycles/NORTH/windows/JAN"
AGREEMENTS = 3
_DAYS = (THROUGH - FIRST).days
_AT_ONCE = 5_000


def open_world(url: str, accounts: int, *, invoiced: bool = False) -> None:
    """The utility with its accounts and their intervals; `invoiced`: all are on a billing cycle of invoicing."""
    database = Database(url)
    call = Call("bench", "bench/Fill", "", NOW_US)
    days = {"start_day": 20200101, "end_day": 20991231, "through_day": day_of(THROUGH), "bill_day": 20260203}
    database.write(lambda tx: fill(tx, call))
    database.write(
        lambda tx: windows.create(
            tx, call, WindowKey("NORTH", "JAN"), {**days, "accounting_day": 20260203, "freeze": True, "complete": True}
        )
    )
    for first in range(0, accounts, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, accounts))
        database.write(lambda tx, numbers=numbers: _accounts(tx, numbers, "MONTHLY" if invoiced else ""))  # type: ignore[misc]
    database.dispose()
    _intervals(url)


def _accounts(tx: Any, numbers: range, invoice_cycle: str) -> None:  # noqa: ANN401 - a connection
    stamps: dict[str, Any] = {"version": 1, "created_us": 1, "updated_us": 1}
    accounts, agreements, profiles = [], [], []
    for number in numbers:
        own = f"A{number:07}"
        accounts.append(Account(own, "", "HOME", "NORTH", invoice_cycle, "EUR", ZONE, {}, 1, 1, 1))
        for agreement_id, type_code in (("HO", "HEAD_OFFICE"), ("S1", "POWER"), ("S2", "POWER")):
            master = "S1" if agreement_id == "S2" and number % 10 == 0 else ""
            agreement = ServiceAgreement(
                account_id=own,
                agreement_id=agreement_id,
                type_code=type_code,
                description="",
                premise_id="",
                time_zone=ZONE,
                master_id=master,
                rate_code="",
                start_day=day_of(FIRST),
                end_day=0,
                attributes={},
                **stamps,
            )
            agreements.append(agreement)
            if agreement_id != "HO":
                profiles.append(Profile(own, agreement_id, "", "DAILY", agreement_id, ZONE, Derivation(), **stamps))
    store.create_many(tx, premises=[], accounts=accounts, agreements=agreements, profiles=profiles)


def _intervals(url: str) -> None:
    """A row for each profile and day: from one to twenty kWh."""
    zone = BusinessZone(ZONE)
    instants = [zone.first_instant(FIRST + timedelta(days=at), time_of_day(0)) for at in range(_DAYS)]
    values = ", ".join(f"({at}, {instant})" for at, instant in enumerate(instants))
    statement = (
        f"WITH day (at, start_us) AS (VALUES {values})"
        " INSERT INTO interval_data (account_id, profile_id, start_us, units, nanos, attos, revision, estimated,"
        " received_us) SELECT account_id, profile_id, start_us,"
        " 1 + (at * 7 + CAST(substr(account_id, 2) AS INTEGER)) % 20, 200000000, 0, 1, 0, 1"
        " FROM profile CROSS JOIN day"
    )
    connection: Any = connect_sqlite(url) if url.startswith("sqlite") else connect_postgresql(url)
    with closing(connection):
        connection.cursor().execute(statement)
        connection.commit()
