"""Accounts and what belongs to them are kept as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection

from domain.billing.accounts import store
from domain.billing.accounts.model import Account, Premise, Profile, ServiceAgreement
from domain.billing.accounts.store import AccountFilter
from domain.billing.configuration.model import Derivation
from server.database.transaction import Database

T = TypeVar("T")

AT = {"version": 1, "created_us": 7, "updated_us": 8}
ACCOUNT = Account("A-1", "Ünï", "HOME", "NORTH", "MONTHLY", "EUR", "Europe/Berlin", {"dunning": "no"}, **AT)
PREMISE = Premise("P-1", "Flat", "Europe/Lisbon", {"region": "4"}, **AT)
AGREEMENT = ServiceAgreement(
    "A-1", "S-1", "Power", "POWER", "P-1", "Europe/Lisbon", "", "GREEN", 20260101, 0, {"tier": "2"}, **AT
)
PROFILE = Profile("A-1", "F-1", "Meter", "HOURLY", "S-1", "Europe/Lisbon", Derivation(), **AT)
DERIVED = replace(PROFILE, profile_id="F-2", derivation=Derivation((("A-1", "F-1"),), {"factor": "1.5"}))


def test_what_is_kept_is_read_as_it_was(database: Database) -> None:
    """Every field of every kind; a taken id is told; a change takes the place of what was."""

    def create(tx: Connection) -> list[bool]:
        return [
            store.create_premise(tx, PREMISE),
            store.create_account(tx, ACCOUNT),
            store.create_agreement(tx, AGREEMENT),
            store.create_profile(tx, PROFILE),
            store.create_profile(tx, DERIVED),
        ]

    assert database.write(create) == [True] * 5
    assert database.write(create) == [False] * 5

    def read(tx: Connection) -> list[object]:
        return [
            store.premises(tx, ["P-1", "none"]),
            store.lock_accounts(tx, ["A-1", "none"]),
            store.agreements_of(tx, ["A-1", "A-2"]),
            store.profiles_of(tx, ["A-1", "A-2"]),
            store.find_account(tx, "A-1"),
            store.find_agreement(tx, "A-1", "S-1"),
            store.find_profile(tx, "A-1", "F-2"),
        ]

    assert database.write(read) == [
        {"P-1": PREMISE},
        {"A-1": ACCOUNT},
        {"A-1": (AGREEMENT,), "A-2": ()},
        {"A-1": (PROFILE, DERIVED), "A-2": ()},
        ACCOUNT,
        AGREEMENT,
        DERIVED,
    ]
    changed: list[tuple[Callable[..., None], object]] = [
        (store.change_premise, replace(PREMISE, description="House", version=2)),
        (store.change_account, replace(ACCOUNT, cycle_code="", version=2)),
        (store.change_agreement, replace(AGREEMENT, end_day=20260301, version=2)),
        (store.change_profile, replace(DERIVED, derivation=Derivation(), version=2)),
    ]
    for change, value in changed:
        database.write(lambda tx, change=change, value=value: change(tx, value))  # type: ignore[misc]
    found = database.read(
        lambda tx: [
            store.premises(tx, ["P-1"])["P-1"],
            store.find_account(tx, "A-1"),
            store.find_agreement(tx, "A-1", "S-1"),
            store.find_profile(tx, "A-1", "F-2"),
        ]
    )
    assert found == [value for _, value in changed]


def test_pages_go_by_id_and_filter(database: Database) -> None:
    """None twice, none left out; by cycle, by class, and within the cycles of a scope."""
    for at in range(5):
        cycle, kind = ("NORTH", "HOME") if at % 2 else ("", "SHOP")
        account = replace(ACCOUNT, account_id=f"A-{at}", cycle_code=cycle, customer_class_code=kind)
        database.write(lambda tx, account=account: store.create_account(tx, account))  # type: ignore[misc]

    def ids(wanted: AccountFilter, after: str = "", limit: int = 9) -> list[str]:
        found = database.read(lambda tx: store.page_of_accounts(tx, wanted, after=after, limit=limit))
        return [each.account_id for each in found]

    assert ids(AccountFilter(), "A-1", 2) == ["A-2", "A-3"]
    assert ids(AccountFilter(cycle_code="NORTH")) == ids(AccountFilter(customer_class_code="HOME")) == ["A-1", "A-3"]
    assert ids(AccountFilter(cycles=frozenset({"NORTH"}))) == ["A-1", "A-3"]
    assert ids(AccountFilter(cycles=frozenset())) == []
