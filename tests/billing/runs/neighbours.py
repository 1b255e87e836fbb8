"""Worlds of accounts of which many are alike, to hold what is billed together against what is billed side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import Connection, text

from domain.billing.accounts import store as accounts
from domain.billing.accounts.model import Premise
from domain.billing.configuration.model import (
    DAY_S,
    AgreementType,
    AgreementTypeSettings,
    ChargedOn,
    Measured,
    Missing,
    Plausible,
    ProfileKind,
    ProfileType,
    ProfileTypeSettings,
    UsageSource,
)
from domain.billing.configuration.registers import AGREEMENT_TYPES, PROFILE_TYPES, SHELF
from domain.billing.configuration.vocabulary import SEGMENTS
from domain.billing.rating.model import Component, Demand, Discount, Fixed, Minimum, Percentage, Step, Stepped, Tax
from domain.kernel.conditions.expressions import Expression, compile_condition
from domain.kernel.documents import to_text
from domain.kernel.quantities import ATTOS
from domain.kernel.registers import store as registers
from domain.kernel.taxes import TaxCategory
from domain.kernel.time import BusinessZone, day_of
from tests.billing.configured import put_rate
from tests.billing.runs.letterboxes import INVOICE_CYCLES, fill, join, open_cycles
from tests.billing.segments.utility import agree, meter, open_account
from tests.billing.shop import NOW_US, SINCE, ZONE
from tests.billing.usage.samples import keep_intervals, keep_reads

BEGAN, THROUGH = date(2026, 1, 1), date(2026, 3, 1)
_EACH = 5
"""So many accounts of a street are alike, or nearly."""

_DAILY = UsageSource("ENERGY", Measured("DAILY"))
_TYPES = {
    "STEPS": AgreementTypeSettings("STEPS", "RECEIVABLE", usage=(_DAILY,)),
    "PEAKS": AgreementTypeSettings(
        "PEAKS", "RECEIVABLE", usage=(_DAILY, UsageSource("PEAK", Measured("DAILY", maximum=True)))
    ),
    "GUESSED": AgreementTypeSettings(
        "POWER", "RECEIVABLE", usage=(UsageSource("ENERGY", Measured("DAILY", missing=Missing.ESTIMATE)),)
    ),
    "LIMITED": AgreementTypeSettings(
        "POWER", "RECEIVABLE", usage=(_DAILY,), plausible=Plausible(1, Decimal(90), Decimal(110))
    ),
    "CHOOSY": AgreementTypeSettings("CHOOSY", "RECEIVABLE", usage=(_DAILY,)),
    "PICKY": AgreementTypeSettings("PICKY", "RECEIVABLE", usage=(_DAILY,)),
    "SHARE": AgreementTypeSettings(
        "SHARE",
        "RECEIVABLE",
        sequence=15,
        usage=(UsageSource("SPENT", charged_on=ChargedOn(("POWER", "STEPS", "AT-1"), "EUR")),),
    ),
    "NOTHING": AgreementTypeSettings("NOTHING", "RECEIVABLE"),
    "TWICE": AgreementTypeSettings("TWICE", "RECEIVABLE"),
    "GAS": AgreementTypeSettings("GAS", "RECEIVABLE", usage=(UsageSource("GAS", Measured("GAS")),)),
}
KINDS = (
    *_TYPES,
    "PICKY",
    "POWER",
    "POWER",
    "POWER_BY_TIME",
    "POWER_REGISTER",
    "HEAD_OFFICE",
    "AT-1",
    "AT-NONE",
    "DOLLARS",
)
_PROFILES = {"POWER_BY_TIME": "HOURLY", "POWER_REGISTER": "REGISTER", "GAS": "GAS"}
PREMISES = {"P1": {"area": "A"}, "P2": {"area": "B"}, "P3": {}}
"""Premises by code, with their attributes."""

_WITHOUT = frozenset({"SHARE", "NOTHING", "TWICE", "HEAD_OFFICE", "AT-1", "AT-NONE"})


def add_types(tx: Connection) -> None:
    """SA types and rates with all that there is, beside those of the shop."""
    extra = _fee("EXTRA", "account.code != 'S0-1'")
    put_rate(tx, "STEPS", "EUR", (SINCE, _steps("0.3", "1.234567")), (20260116, _steps("0.2", "0.5")))
    put_rate(tx, "PEAKS", "EUR", (SINCE, (_steps("0.3", "0.4")[1], _peak())))
    put_rate(tx, "CHOOSY", "EUR", (SINCE, (extra, *_steps("0.3", "0.1"))))
    put_rate(
        tx,
        "PICKY",
        "EUR",
        (SINCE, _picky()),
        (20260210, (*_picky(), _fee("LATE", "!(agreement.type in account.attributes)"))),
    )
    share = Stepped(code="SHARE", distribution_code="REVENUE", usage="SPENT", unit="EUR", steps=(Step(Decimal("0.1")),))
    put_rate(tx, "SHARE", "EUR", (SINCE, (share,)))
    put_rate(tx, "NOTHING", "EUR", (SINCE, (Fixed(code="FREE", distribution_code="REVENUE", price=Decimal(0)),)))
    put_rate(tx, "TWICE", "EUR", (SINCE, (_fee("ONCE"), _levy("ONE", "7", "ONCE"), _levy("TWO", "3", "ONCE"))))
    put_rate(tx, "GAS", "EUR", (SINCE, _gas()))
    stamps: dict[str, Any] = {"description": "", "version": 1, "created_us": NOW_US, "updated_us": NOW_US}
    gas = ProfileTypeSettings(ProfileKind.INTERVALS, "ccf", interval_s=DAY_S)
    assert registers.create(tx, PROFILE_TYPES, ProfileType(code="GAS", settings=gas, **stamps))
    open_cycles(tx)
    premises = [Premise(name, "", ZONE, its, 1, 1, 1) for name, its in PREMISES.items()]
    accounts.create_many(tx, premises=premises, accounts=[], agreements=[], profiles=[])
    for code, its in _TYPES.items():
        assert registers.create(tx, AGREEMENT_TYPES, AgreementType(code=code, settings=its, **stamps))
    registers.grow_version(tx, SHELF)


def _steps(low: str, high: str) -> tuple[Component, ...]:
    steps = (Step(Decimal(low), Decimal(100)), Step(Decimal(high), Decimal("400.5")), Step(Decimal("0.01")))
    return (
        Fixed(code="STANDING", distribution_code="REVENUE", price=Decimal("11.11")),
        Stepped(code="ENERGY", distribution_code="REVENUE", usage="ENERGY", unit="kWh", steps=steps),
        Minimum(code="LEAST", distribution_code="REVENUE", amount=Decimal(60), of=("STANDING", "ENERGY")),
        Percentage(code="LEVY", distribution_code="TAXES", percent=Decimal("1.5"), of=("ENERGY",)),
        Discount(code="BONUS", distribution_code="REVENUE", percent=Decimal("2.5"), of=("ENERGY",)),
        Tax(code="VAT", distribution_code="TAXES", percent=Decimal(19), of=("STANDING", "ENERGY", "LEVY")),
    )


def _gas() -> tuple[Component, ...]:
    """Of a unit that invoices know no code of; a tax that is taxed is a charge, and another category stands beside."""
    steps = (Step(Decimal("0.0123"), Decimal(30)), Step(Decimal("1.005")))
    return (
        Stepped(code="GAS", distribution_code="REVENUE", usage="GAS", unit="ccf", steps=steps),
        _fee("METER"),
        _levy("LEVY", "5.5", "GAS"),
        _levy("VAT", "7.125", "GAS", "LEVY"),
        Tax(code="NONE", distribution_code="TAXES", percent=Decimal(0), of=("METER",), tax_category=TaxCategory.EXEMPT),
    )


def _picky() -> tuple[Component, ...]:
    """What is due hangs on attributes; some accounts lack the one that a condition needs."""
    steps = (Step(Decimal("0.31")),)
    return (
        Stepped(code="ENERGY", distribution_code="REVENUE", usage="ENERGY", unit="kWh", steps=steps),
        _fee("FEE", "'size' in agreement.attributes && agreement.attributes['size'] == 'L'"),
        _fee("PLACE", "premise.code == '' || premise.attributes['area'] == 'A' || segment.days < 20"),
        Tax(
            code="VAT",
            distribution_code="TAXES",
            percent=Decimal(19),
            of=("ENERGY", "FEE", "PLACE"),
            condition=_condition("!('free' in account.attributes) || account.attributes.free == 'no'"),
        ),
    )


def _condition(text: str) -> Expression[bool]:
    return compile_condition(text, SEGMENTS, path="condition")


def _fee(code: str, condition: str = "") -> Component:
    holds = _condition(condition) if condition else None
    return Fixed(code=code, distribution_code="REVENUE", price=Decimal("4.99"), condition=holds)


def _levy(code: str, percent: str, *of: str) -> Component:
    return Tax(code=code, distribution_code="TAXES", percent=Decimal(percent), of=of)


def _peak() -> Component:
    return Demand(code="PEAK", distribution_code="REVENUE", usage="PEAK", unit="kWh", price=Decimal("1.75"))


@dataclass(frozen=True, slots=True)
class _Agreed:
    kind: str
    start: date
    end: date | None
    rate: str
    master: int | None


def settle(tx: Connection, seed: int, streets: int = 3) -> list[str]:
    """Open accounts, some streets of them: in each the agreements are alike, what was used is not; gives their ids."""
    random = Random(seed)
    found = []
    for street in range(streets):
        agreed = [_agreed(random, at) for at in range(random.randint(1, 4))]
        invoice_cycle = random.choice(INVOICE_CYCLES)
        currency = "USD" if all(each.kind == "DOLLARS" for each in agreed) else "EUR"
        for number in range(_EACH + random.randint(0, 2)):
            account_id = f"S{street}-{number}"
            open_account(tx, account_id, currency=currency)
            _describe(tx, random.choice([{}, {}, {}, {"free": "yes"}, {"free": "no"}]), account_id)
            join(tx, account_id, invoice_cycle)
            fill(tx, random, account_id, currency, invoice_cycle)
            for at, each in enumerate(agreed):
                names = (account_id, f"{'MNOP'[at]}{number}", "" if each.master is None else f"M{number}")
                _move_in(tx, random, names, each)
            found.append(account_id)
    return found


def _agreed(random: Random, at: int) -> _Agreed:
    kind = random.choice(KINDS)
    start = random.choice([BEGAN, BEGAN, date(2026, 1, 20)])
    end = random.choice([None, None, date(2026, 2, 10), date(2026, 1, 25)])
    rate = "GREEN" if kind == "POWER" and random.random() < 0.3 else ""
    return _Agreed(kind, start, end, rate, 0 if at and random.random() < 0.3 else None)


def _move_in(tx: Connection, random: Random, names: tuple[str, str, str], of: _Agreed) -> None:
    """An agreement, by its account's name, its own and its master's, with what was used."""
    account_id, agreement_id, master = names
    agree(
        tx,
        agreement_id,
        of.kind,
        account_id=account_id,
        start_day=day_of(of.start),
        end_day=day_of(of.end) if of.end else 0,
        rate_code=of.rate,
        master_id=master,
        attributes=random.choice([{}, {"size": "L"}, {"size": "L", "colour": account_id}]),
        premise_id=random.choice(["", *PREMISES]) if of.kind == "PICKY" else "",
    )
    if of.kind in _WITHOUT:
        return
    meter(tx, agreement_id, _PROFILES.get(of.kind, "DAILY"), account_id=account_id)
    scale = random.choice([0, 1, 1, 1, 5 * 10**16])  # nothing at all, whole kWh, and what has many decimals
    days = _days(of.start, THROUGH, 1)
    if of.kind == "POWER_REGISTER":
        keep_reads(tx, account_id, agreement_id, {at: 1_000 + 7 * place for place, at in enumerate(days)})
        return
    times = _days(of.start, THROUGH, 24) if of.kind == "POWER_BY_TIME" else days
    values = {at: random.randint(-2, 30) * (ATTOS // 10 if scale == 1 else scale) for at in times}
    if random.random() < 0.1:
        values.popitem()
    marked = int(random.random() < 0.2)
    keep_intervals(tx, account_id, agreement_id, values, estimated=marked, revision=random.choice([1, 1, 2]))


def _describe(tx: Connection, attributes: dict[str, str], account_id: str) -> None:
    statement = text("UPDATE billing_account SET attributes = :told WHERE account_id = :id")
    tx.execute(statement, {"told": to_text(attributes), "id": account_id})


def _days(first: date, last: date, a_day: int) -> list[int]:
    zone = BusinessZone(ZONE)
    days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
    return [zone.first_instant(day, time_of_day(hour)) for day in days for hour in range(a_day)]
