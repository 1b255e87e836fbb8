"""A small utility for tests: books, customer classes, cycles, a time-of-use scheme, profile types, rates and SA types.

Its power costs 12.00 EUR a month and 0.30 EUR a kWh, with a tax of 19 %. SA types `AT-2`, `AT-10` … have that sequence,
`AT-NONE` none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Connection

from domain.billing.configuration.model import (
    DAY_S,
    AgreementType,
    AgreementTypeSettings,
    ChargedOn,
    ClassSettings,
    CustomerClass,
    Cycle,
    CycleSettings,
    Measured,
    ProfileKind,
    ProfileType,
    ProfileTypeSettings,
    Scheme,
    SchemeRow,
    SchemeSettings,
    UsageSource,
)
from domain.billing.configuration.registers import (
    AGREEMENT_TYPES,
    CUSTOMER_CLASSES,
    CYCLES,
    PROFILE_TYPES,
    SCHEMES,
    SHELF,
)
from domain.billing.configuration.snapshot import Configurations
from domain.billing.rating.model import Component, Fixed, Step, Stepped, Tax, TimeOfUse
from domain.gl_extraction.distribution import service as distribution
from domain.gl_extraction.distribution.model import Distribution
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.model import NewPeriod
from domain.gl_extraction.reference import service as reference
from domain.gl_extraction.reference.model import LEDGERS
from domain.invoicing.configuration.model import Address, Issuer, IssuerSettings, Party
from domain.invoicing.configuration.model import Cycle as BillingCycle
from domain.invoicing.configuration.model import CycleSettings as BillingCycleSettings
from domain.invoicing.configuration.registers import CYCLES as BILLING_CYCLES
from domain.invoicing.configuration.registers import ISSUERS
from domain.kernel.calendars import Calendar
from domain.kernel.call import Call
from domain.kernel.registers import store as registers
from domain.kernel.scopes import EVERYTHING, Scope
from domain.kernel.time import BusinessZone
from server.database.transaction import Database
from tests.billing.configured import put_rate

T = TypeVar("T")

NOW_US = 1_795_000_000_000_000  # 2026-11-18 12:26:40 UTC, a Wednesday
ZONE = "Europe/Berlin"
SINCE = 20250101
"""From this day the rates hold."""

SEQUENCES = (0, 1, 2, 10, 15, 20)
PEAK, OFF_PEAK = "PEAK", "OFF_PEAK"
MEASURED = {
    "POWER": Measured("DAILY"),
    "POWER_HOURLY": Measured("HOURLY"),
    "POWER_REGISTER": Measured("REGISTER"),
    "POWER_BY_TIME": Measured("HOURLY", scheme="DAY_NIGHT"),
}
"""By SA type, where its usage comes from."""


def stepped(price: str, usage: str = "ENERGY") -> Stepped:
    """So much a kWh."""
    steps = (Step(Decimal(price)),)
    return Stepped(code=usage, distribution_code="REVENUE", usage=usage, unit="kWh", steps=steps)


def with_fees(usage: Component) -> tuple[Component, ...]:
    """A charge on usage between a standing charge and a tax on both."""
    standing = Fixed(code="STANDING", distribution_code="REVENUE", price=Decimal(12))
    return standing, usage, Tax(code="VAT", distribution_code="TAXES", percent=Decimal(19), of=("STANDING", usage.code))


BY_TIME = TimeOfUse(
    code="ENERGY",
    distribution_code="REVENUE",
    usage="ENERGY",
    unit="kWh",
    prices=((PEAK, Decimal("0.40")), (OFF_PEAK, Decimal("0.20"))),
)
RATES: dict[str, tuple[str, tuple[Component, ...]]] = {
    "POWER": ("EUR", with_fees(stepped("0.30"))),
    "POWER_BY_TIME": ("EUR", with_fees(BY_TIME)),
    "GREEN": ("EUR", with_fees(stepped("0.25"))),
    "DOLLARS": ("USD", with_fees(stepped("0.35"))),
    "STANDING": ("EUR", (Fixed(code="STANDING", distribution_code="REVENUE", price=Decimal(5)),)),
    "HEAD_OFFICE": ("EUR", (stepped("0.02", "SITES"),)),
}
"""By code, its currency and what its one version says."""


@dataclass
class Shop:
    """The use cases on one database, each in a transaction of its own, at a clock that stands still."""

    database: Database
    configurations: Configurations = field(default_factory=Configurations)
    now_us: int = NOW_US

    def call(self, scope: Scope = EVERYTHING) -> Call:
        """A call of somebody."""
        return Call("ada", "test/Test", "", self.now_us, scope=scope)

    def write(self, use_case: Callable[..., T], *args: object, **more: object) -> T:
        """Run a use case for somebody who may see all."""
        return self.database.write(lambda tx: use_case(tx, self.call(), *args, **more))


def open_shop(database: Database) -> Shop:
    """The utility, without an account."""
    shop = Shop(database)
    database.write(lambda tx: fill(tx, shop.call()))
    return shop


def fill(tx: Connection, call: Call) -> None:
    """Configure the utility, as far as it goes by the tables."""
    open_books(tx, call)
    stamps: dict[str, Any] = {"description": "", "version": 1, "created_us": NOW_US, "updated_us": NOW_US}
    party = Party("City Works", Address("DE"), vat_id="DE123456789")
    registers.create(tx, ISSUERS, Issuer(code="CITY", settings=IssuerSettings(party), **stamps))
    monthly = BillingCycleSettings("CITY", "EUR", ZONE, "RECEIVABLE", {"S": "TAXES"})
    registers.create(tx, BILLING_CYCLES, BillingCycle(code="MONTHLY", settings=monthly, **stamps))
    calendar = Calendar(BusinessZone(ZONE), (6, 7))
    peak = SchemeRow(PEAK, weekdays=(1, 2, 3, 4, 5), start=time_of_day(8), end=time_of_day(20))
    for code, due_days in (("HOME", 14), ("FIRM", 30)):
        registers.create(
            tx, CUSTOMER_CLASSES, CustomerClass(code=code, settings=ClassSettings(calendar, due_days), **stamps)
        )
    for code in ("NORTH", "SOUTH"):
        registers.create(tx, CYCLES, Cycle(code=code, settings=CycleSettings(), **stamps))
    registers.create(tx, SCHEMES, Scheme(code="DAY_NIGHT", settings=SchemeSettings((peak,), OFF_PEAK), **stamps))
    for code, kind in PROFILE_KINDS.items():
        registers.create(tx, PROFILE_TYPES, ProfileType(code=code, settings=kind, **stamps))
    for code, (currency, components) in RATES.items():
        put_rate(tx, code, currency, (SINCE, components))
    for code, its in agreement_types().items():
        registers.create(tx, AGREEMENT_TYPES, AgreementType(code=code, settings=its, **stamps))
    registers.grow_version(tx, SHELF)


PROFILE_KINDS = {
    "HOURLY": ProfileTypeSettings(ProfileKind.INTERVALS, "kWh", interval_s=3600),
    "DAILY": ProfileTypeSettings(ProfileKind.INTERVALS, "kWh", interval_s=DAY_S),
    "REGISTER": ProfileTypeSettings(ProfileKind.REGISTER, "kWh", digits=6),
    **{
        f"CREATED-{priority}": ProfileTypeSettings(
            ProfileKind.INTERVALS, "kWh", interval_s=3600, creation="factor", creation_priority=priority
        )
        for priority in (10, 50, 90)
    },
}
"""Profile types by code; data of those named CREATED are created, in the order of that priority."""


def agreement_types() -> dict[str, AgreementTypeSettings]:
    """SA types by code."""
    found = {
        code: AgreementTypeSettings(
            rate="POWER_BY_TIME" if measured.scheme else "POWER",
            receivable="RECEIVABLE",
            usage=(UsageSource("ENERGY", measured),),
        )
        for code, measured in MEASURED.items()
    }
    sites = UsageSource("SITES", charged_on=ChargedOn(tuple(MEASURED), "kWh"))
    head_office = AgreementTypeSettings("HEAD_OFFICE", "RECEIVABLE", sequence=10, usage=(sites,))
    placed = {f"AT-{each}": AgreementTypeSettings("STANDING", "RECEIVABLE", sequence=each) for each in SEQUENCES}
    dollars = AgreementTypeSettings("DOLLARS", "RECEIVABLE", usage=(UsageSource("ENERGY", Measured("DAILY")),))
    none = AgreementTypeSettings("STANDING", "RECEIVABLE")
    return {**found, **placed, "HEAD_OFFICE": head_office, "AT-NONE": none, "DOLLARS": dollars}


def open_books(tx: Connection, call: Call) -> None:
    """A ledger that is open for years, with the distribution codes that the rates feed."""
    reference.create(tx, call, LEDGERS, code="GL", description="")
    periods.create(tx, call, NewPeriod("GL", "ALL", 20250101, 20271231))
    for code in ("REVENUE", "TAXES", "RECEIVABLE"):
        distribution.create(tx, call, code, Distribution("GL", distribution_account=code))
