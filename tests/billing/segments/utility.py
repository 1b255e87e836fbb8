"""Accounts of the utility, put straight into the tables: sites that used so much on each day of a time."""

from __future__ import annotations

from datetime import date, timedelta
from datetime import time as time_of_day
from typing import Any

from sqlalchemy import Connection

from domain.billing.accounts import store
from domain.billing.accounts.model import Account, Profile, ServiceAgreement
from domain.billing.configuration.model import Derivation
from domain.kernel.quantities import attos_of
from domain.kernel.time import BusinessZone, day_of
from tests.billing.shop import ZONE
from tests.billing.usage.samples import keep_intervals

BEGAN = 20260101


def open_account(tx: Connection, account_id: str = "A", *, cycle: str = "NORTH", currency: str = "EUR") -> None:
    """An account of a home."""
    account = Account(account_id, "", "HOME", cycle, "", currency, ZONE, {}, 1, 1, 1)
    assert store.create_account(tx, account)


def agree(tx: Connection, agreement_id: str, type_code: str, *, account_id: str = "A", **more: Any) -> None:
    """An agreement, since BEGAN unless `more` says otherwise."""
    fields: dict[str, Any] = {
        "description": "",
        "premise_id": "",
        "time_zone": ZONE,
        "master_id": "",
        "rate_code": "",
        "start_day": BEGAN,
        "end_day": 0,
        "attributes": {},
        "version": 1,
        "created_us": 1,
        "updated_us": 1,
        **more,
    }
    agreement = ServiceAgreement(account_id=account_id, agreement_id=agreement_id, type_code=type_code, **fields)
    assert store.create_agreement(tx, agreement)


def meter(tx: Connection, agreement_id: str, profile_type: str = "DAILY", *, account_id: str = "A") -> None:
    """A profile of the agreement, which is called as that is."""
    profile = Profile(
        account_id,
        agreement_id,
        "",
        profile_type,
        agreement_id,
        ZONE,
        Derivation(),
        version=1,
        created_us=1,
        updated_us=1,
    )
    assert store.create_profile(tx, profile)


def use(tx: Connection, agreement_id: str, kwh: str, *, first: date, last: date, account_id: str = "A") -> None:
    """So much on the first of the days, and nothing on the others, up to and without the last."""
    attos, zone = attos_of(kwh), BusinessZone(ZONE)
    assert attos is not None
    days = (first + timedelta(days=at) for at in range((last - first).days))
    data = {zone.first_instant(day, time_of_day(0)): attos if day == first else 0 for day in days}
    keep_intervals(tx, account_id, agreement_id, data)


def site(
    tx: Connection, agreement_id: str, kwh: str | None, *, account_id: str = "A", month: date = date(2026, 1, 1)
) -> None:
    """An agreement of type POWER that used so much in a month; None: nobody knows."""
    agree(tx, agreement_id, "POWER", account_id=account_id, start_day=day_of(month))
    meter(tx, agreement_id, account_id=account_id)
    if kwh is not None:
        following = (month + timedelta(days=31)).replace(day=1)
        use(tx, agreement_id, kwh, first=month, last=following, account_id=account_id)


def head_office(tx: Connection, *sites: str | None, account_id: str = "A") -> None:
    """An account with a head office that is charged on its sites S1, S2 …, which used so much in January."""
    open_account(tx, account_id)
    agree(tx, "HO", "HEAD_OFFICE", account_id=account_id)
    for number, kwh in reversed([*enumerate(sites, start=1)]):
        site(tx, f"S{number}", kwh, account_id=account_id)
