"""Customer classes, time-of-use schemes, profile types, SA types, bill cycles and rates: registers of one shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Table

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
from domain.kernel.documents import from_text, to_text
from domain.kernel.registers.model import Register, Shelf
from domain.kernel.structures import document_of, value_from

E = TypeVar("E", CustomerClass, Scheme, ProfileType, AgreementType, Cycle)

SHELF = Shelf(tables.billing_configuration, "cycles")
"""All that is configured of billing; cycles are seen and changed by scope."""


def _register(
    kind: type[E],
    settings: type[Any],
    word: str,
    names: tuple[str, Callable[[str], str]],
    table: Table[Any],
    *,
    scoped: bool = False,
) -> Register[E]:
    """A register whose entries have settings, kept as a document."""

    def fields_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"settings": value_from(settings, from_text(row["document"]))}

    return Register(
        shelf=SHELF,
        word=word,
        resource_type=names[0],
        name_of=names[1],
        table=table,
        kind=kind,
        columns_of=lambda entry: {"document": to_text(document_of(entry.settings))},
        fields_of=fields_of,
        told=lambda entry: document_of(entry.settings),
        scoped=scoped,
    )


CUSTOMER_CLASSES: Register[CustomerClass] = _register(
    CustomerClass,
    ClassSettings,
    "customer_class",
    (names.CUSTOMER_CLASS_TYPE, names.customer_class_name),
    tables.customer_class,
)
SCHEMES: Register[Scheme] = _register(
    Scheme,
    SchemeSettings,
    "time_of_use_scheme",
    (names.SCHEME_TYPE, names.scheme_name),
    tables.time_of_use_scheme,
)
PROFILE_TYPES: Register[ProfileType] = _register(
    ProfileType,
    ProfileTypeSettings,
    "profile_type",
    (names.PROFILE_TYPE_TYPE, names.profile_type_name),
    tables.profile_type,
)
AGREEMENT_TYPES: Register[AgreementType] = _register(
    AgreementType,
    AgreementTypeSettings,
    "service_agreement_type",
    (names.AGREEMENT_TYPE_TYPE, names.agreement_type_name),
    tables.service_agreement_type,
)
CYCLES: Register[Cycle] = _register(
    Cycle,
    CycleSettings,
    "bill_cycle",
    (names.CYCLE_TYPE, names.cycle_name),
    tables.bill_cycle,
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
