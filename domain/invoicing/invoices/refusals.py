"""Why a line is not taken, in the words of the contract: reasons that what is there gives, whatever the line's form."""

from __future__ import annotations

from domain.invoicing.invoices.model import INVOICE_NET_MAX, LINES_MAX, NewLine, ReckonedTax
from domain.kernel.errors import Violation
from domain.kernel.money import decimal_text

DIFFERS = Violation(
    "external_id",
    "LINE_DIFFERS",
    "is that of a line of the account with other content; a line is taken off and sent under a new id to change it",
)
TAX_DIFFERS = Violation("external_id", "TAX_DIFFERS", "is that of a reckoned tax of the account with other content")
LINES_TOO_MANY = Violation(
    "account", "INVOICE_LINES_TOO_MANY", f"the running invoice would have had more than {LINES_MAX:,} lines"
)


def other_currency(row: NewLine | ReckonedTax, expected: str) -> Violation:
    """An account has one currency over its running invoices (PLT-03)."""
    text = f"is in {row.currency}, and the account's running invoice in {expected}"
    return Violation("net_amount", "LINE_CURRENCY_DIFFERS", text)


def too_large(currency: str) -> Violation:
    """The lines of an account would bring its invoice beyond what can be posted."""
    most = decimal_text(INVOICE_NET_MAX, currency)
    return Violation("net_amount", "INVOICE_TOO_LARGE", f"the running invoice would be beyond {most} {currency}")


def tax_code_missing(category: str, cycle: str) -> Violation:
    """The cycle does not say what tax of a category is posted by."""
    text = f"the billing cycle {cycle} has no distribution code for tax of category {category}"
    return Violation("tax_category", "TAX_CODE_MISSING", text)
