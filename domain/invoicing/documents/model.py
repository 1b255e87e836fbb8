"""An invoice or credit note as it is shown: all that PDF, UBL and JSON are made of.

Amounts are minor units of the document's currency, days yyyymmdd, tax rates millionths. Those of a credit note are what
is given back, and positive where an invoice's would be.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.invoicing.configuration.model import Party
from domain.invoicing.invoices.states import InvoiceKind, TaxCategory


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A line. Quantity and price of one unit are decimal text, both empty where they are not told."""

    number: int
    description: str
    net_minor: int
    tax_category: TaxCategory
    tax_ppm: int
    quantity: str = ""
    unit_code: str = ""
    price: str = ""
    start_day: int = 0
    end_day: int = 0  # not included


@dataclass(frozen=True, slots=True)
class DocumentTax:
    """What the lines of a tax category and rate come to, and why none is due, where that is so."""

    tax_category: TaxCategory
    tax_ppm: int
    net_minor: int
    tax_minor: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preceding:
    """The invoice that a credit note credits."""

    number: str
    issue_day: int


@dataclass(frozen=True, slots=True)
class PaymentDetails:
    """Where the seller is paid."""

    iban: str = ""
    bic: str = ""
    account_name: str = ""

    @property
    def account(self) -> str:
        """The IBAN without the spaces that people write."""
        return self.iban.replace(" ", "")


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An invoice or credit note. `end_day` is the last day of its period, which is included."""

    kind: InvoiceKind
    number: str
    account_id: str
    issue_day: int
    due_day: int
    currency: str
    seller: Party
    buyer: Party
    payment: PaymentDetails
    lines: tuple[DocumentLine, ...]
    taxes: tuple[DocumentTax, ...]
    net_minor: int
    tax_minor: int
    start_day: int = 0
    end_day: int = 0
    buyer_reference: str = ""
    note: str = ""
    preceding: Preceding | None = None
    logo: bytes = b""

    @property
    def total_minor(self) -> int:
        """What is due, or given back."""
        return self.net_minor + self.tax_minor
