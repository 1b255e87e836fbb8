"""Accounts and what is configured, as values: a small utility without a database."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from domain.billing.accounts.model import Account, ServiceAgreement
from domain.billing.configuration import documents
from domain.billing.configuration.model import (
    AgreementType,
    AgreementTypeSettings,
    ChargedOn,
    ConfiguredRate,
    Measured,
    UsageSource,
)
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.configuration.store import Contents, Written
from domain.billing.rating.model import Component, Fixed, Step, Stepped
from domain.billing.rating.segments import Intervals
from domain.billing.segments import planning
from domain.billing.segments.drafting import draft
from domain.billing.segments.model import Draft, Drafted, Facts
from domain.billing.usage.errors import UsageMissing
from domain.billing.usage.model import Gathered
from domain.kernel.documents import to_text
from domain.kernel.quantities import attos_of
from tests.billing import shop

STAMPS: dict[str, Any] = {"description": "", "version": 1, "created_us": 1, "updated_us": 1}
BEGAN = 20260101
ON_SITES = ChargedOn(("SITE",), "kWh")


def priced(price: str, usage: str, unit: str = "kWh") -> tuple[Component, ...]:
    """So much a unit."""
    steps = (Step(Decimal(price)),)
    return (Stepped(code=usage, distribution_code="REVENUE", usage=usage, unit=unit, steps=steps),)


def charged_on(rate: str, wanted: ChargedOn, *, sequence: int | None, **settings: Any) -> AgreementTypeSettings:
    """A type whose usage `SUM` is what others came to."""
    usage = (UsageSource("SUM", charged_on=wanted),)
    return AgreementTypeSettings(rate, "RECEIVABLE", sequence=sequence, usage=usage, **settings)


RATES: dict[str, tuple[tuple[int, tuple[Component, ...]], ...]] = {
    "ENERGY": ((20250101, priced("0.30", "ENERGY")),),
    "ON_SUM": ((20250101, priced("0.02", "SUM")),),
    "ON_AMOUNT": ((20250101, priced("0.10", "SUM", "EUR")),),
    "STANDING": ((20250101, (Fixed(code="STANDING", distribution_code="REVENUE", price=Decimal(5)),)),),
    "NOT_YET": ((20990101, priced("1", "ENERGY")),),
}
TYPES: dict[str, AgreementTypeSettings] = {
    "SITE": AgreementTypeSettings("ENERGY", "RECEIVABLE", usage=(UsageSource("ENERGY", Measured("HOURLY")),)),
    "HEAD_OFFICE": charged_on("ON_SUM", ON_SITES, sequence=10),
    "QUARTERLY": charged_on("ON_SUM", ON_SITES, sequence=10, months=3),
    "EARLY": charged_on("ON_SUM", ON_SITES, sequence=0),
    "GROUP": charged_on("ON_SUM", ChargedOn(("HEAD_OFFICE",), "kWh"), sequence=20),
    "FEE": charged_on("ON_AMOUNT", ChargedOn(("SITE", "HEAD_OFFICE"), "EUR"), sequence=30),
    "NO_RATE": AgreementTypeSettings("NOT_YET", "RECEIVABLE"),
}


def configured(types: Mapping[str, AgreementTypeSettings] = TYPES) -> Snapshot:
    """All that is configured."""
    return Snapshot(
        Contents(
            version=1,
            customer_classes=(),
            schemes=(),
            profile_types=(),
            agreement_types=tuple(AgreementType(code=code, settings=its, **STAMPS) for code, its in types.items()),
            cycles=(),
            rates=tuple(ConfiguredRate(code=code, currency="EUR", newest_version=1, **STAMPS) for code in RATES),
            rate_versions=tuple(
                Written(code, number, day, to_text(documents.components_document(components)))
                for code, versions in RATES.items()
                for number, (day, components) in enumerate(versions, start=1)
            ),
        )
    )


ACCOUNT = Account("A", "", "HOME", "", "", "EUR", shop.ZONE, {}, 1, 1, 1)


def agreement(agreement_id: str, type_code: str, **more: Any) -> ServiceAgreement:
    """An agreement of the account, since BEGAN."""
    plain = ServiceAgreement("A", agreement_id, "", type_code, "", shop.ZONE, "", "", BEGAN, 0, {}, 1, 1, 1)
    return replace(plain, **more)


def facts(*agreements: ServiceAgreement, **more: Any) -> Facts:
    """What is known of the account."""
    return Facts(ACCOUNT, agreements, **more)


Used = Mapping[tuple[str, int], str | None]
"""By agreement and first day, how many kWh it used; None where that is not known."""


def drafted(known: Facts, through_day: int, used: Used, snapshot: Snapshot | None = None, *again: str) -> Draft:
    """The bill as it is to be. What is not among `used` was not used at all."""
    snapshot = snapshot or configured()
    agenda = planning.plan(known, snapshot, through_day, again)
    found: dict[Hashable, Gathered] = {}
    for due in agenda.due:
        for source in due.type.settings.usage:
            if source.measured is not None:
                key = ("A", *due.key, source.measured)
                found[key] = _usage(used.get(due.key, "0"), len(due.parts))
    return draft(agenda, snapshot, found)


def by_agreement(segments: Sequence[Drafted]) -> dict[str, Drafted]:
    """Segments by agreement, of which each has one."""
    found = {each.due.agreement.agreement_id: each for each in segments}
    assert len(found) == len(segments)
    return found


def _usage(kwh: str | None, parts: int) -> Gathered:
    if kwh is None:
        return UsageMissing(profile="P")
    attos = attos_of(kwh)
    assert attos is not None
    return Intervals("kWh", ({"": attos}, *({"": 0} for _ in range(parts - 1))), ("profile P",))
