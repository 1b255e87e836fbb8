"""Issuers and cycles put straight into the tables, for tests of what is made by them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from domain.invoicing.configuration.model import Address, Cycle, CycleSettings, Issuer, IssuerSettings, Party
from domain.invoicing.configuration.registers import CYCLES, ISSUERS, SHELF
from domain.kernel.registers import store as registers

SELLER = Party(
    name="Stadtwerke Musterstadt GmbH",
    address=Address("DE", "Hauptstr. 1", city="Musterstadt", postal_code="12345"),
    vat_id="DE123456789",
)


def put_issuer(tx: Connection, code: str = "ISSUER", **settings: Any) -> None:
    """An issuer; nothing is checked, nor in the trail."""
    settings = {"party": SELLER, "credit_prefix": "C", **settings}
    assert registers.create(tx, ISSUERS, Issuer(code, "", 1, 1, 1, IssuerSettings(**settings)))
    registers.grow_version(tx, SHELF)


def put_cycle(tx: Connection, code: str = "CYCLE", **settings: Any) -> None:
    """A billing cycle likewise: of months in Berlin, in EUR."""
    settings = {
        "issuer": "ISSUER",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "receivable": "AR",
        "taxes": {"S": "VAT"},
        **settings,
    }
    assert registers.create(tx, CYCLES, Cycle(code, "", 1, 1, 1, CycleSettings(**settings)))
    registers.grow_version(tx, SHELF)
