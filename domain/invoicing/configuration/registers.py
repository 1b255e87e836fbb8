"""Issuers and billing cycles: registers of one shape."""

from __future__ import annotations

from hashlib import sha256

from domain.invoicing import names, tables
from domain.invoicing.configuration.model import Cycle, CycleSettings, Issuer, IssuerSettings
from domain.kernel.documents import Document
from domain.kernel.registers.entries import Names, register
from domain.kernel.registers.model import Register, Shelf

SHELF = Shelf(tables.invoicing_configuration, "cycles")
"""All that is configured of invoicing; cycles are seen and changed by scope, issuers by all."""


def _without_logo(document: Document) -> Document:
    """What the audit trail tells of an issuer: of its logo a digest."""
    logo = str(document["logo"])
    return {**document, "logo": sha256(logo.encode()).hexdigest() if logo else ""}


ISSUERS: Register[Issuer] = register(
    SHELF,
    Issuer,
    IssuerSettings,
    word="issuer",
    names=Names(names.ISSUER_TYPE, names.issuer_name),
    table=tables.issuer,
    told=_without_logo,
)
CYCLES: Register[Cycle] = register(
    SHELF,
    Cycle,
    CycleSettings,
    word="billing_cycle",
    names=Names(names.CYCLE_TYPE, names.cycle_name),
    table=tables.billing_cycle,
    scoped=True,
)
