"""Customer classes, time-of-use schemes, profile types, SA types, bill cycles and rates: registers of one shape."""

from __future__ import annotations

from domain.billing import names, tables
from domain.billing.configuration.model import (
    AgreementType,
    AgreementTypeSettings,
    ClassSettings,
    ConfiguredRate,
    CustomerClass,
    Cycle,
    CycleSettings,
    ProfileType,
    ProfileTypeSettings,
    Scheme,
    SchemeSettings,
)
from domain.kernel.registers.entries import Names, register
from domain.kernel.registers.model import Register, Shelf

SHELF = Shelf(tables.billing_configuration, "cycles")
"""All that is configured of billing; cycles are seen and changed by scope."""

CUSTOMER_CLASSES: Register[CustomerClass] = register(
    SHELF,
    CustomerClass,
    ClassSettings,
    word="customer_class",
    names=Names(names.CUSTOMER_CLASS_TYPE, names.customer_class_name),
    table=tables.customer_class,
)
SCHEMES: Register[Scheme] = register(
    SHELF,
    Scheme,
    SchemeSettings,
    word="time_of_use_scheme",
    names=Names(names.SCHEME_TYPE, names.scheme_name),
    table=tables.time_of_use_scheme,
)
PROFILE_TYPES: Register[ProfileType] = register(
    SHELF,
    ProfileType,
    ProfileTypeSettings,
    word="profile_type",
    names=Names(names.PROFILE_TYPE_TYPE, names.profile_type_name),
    table=tables.profile_type,
)
AGREEMENT_TYPES: Register[AgreementType] = register(
    SHELF,
    AgreementType,
    AgreementTypeSettings,
    word="service_agreement_type",
    names=Names(names.AGREEMENT_TYPE_TYPE, names.agreement_type_name),
    table=tables.service_agreement_type,
)
CYCLES: Register[Cycle] = register(
    SHELF,
    Cycle,
    CycleSettings,
    word="bill_cycle",
    names=Names(names.CYCLE_TYPE, names.cycle_name),
    table=tables.bill_cycle,
    scoped=True,
)
RATES: Register[ConfiguredRate] = Register(
    shelf=SHELF,
    word="rate",
    resource_type=names.RATE_TYPE,
    name_of=names.rate_name,
    table=tables.rate,
    kind=ConfiguredRate,
    columns_of=lambda rate: {"currency": rate.currency, "newest_version": rate.newest_version},
    fields_of=lambda row: {"currency": row["currency"], "newest_version": row["newest_version"]},
    told=lambda rate: {"currency": rate.currency, "newest_version": rate.newest_version},
)
"""Rates without what their versions say: `store` has that."""
