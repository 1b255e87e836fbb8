"""The square that a banking app reads a SEPA payment from (EPC069-12, version 002)."""

from __future__ import annotations

from decimal import Decimal

from segno.helpers import make_epc_qr

from domain.invoicing.documents.model import InvoiceDocument
from domain.invoicing.invoices.states import InvoiceKind
from domain.kernel.money import decimal_text

_AMOUNT_MINOR_MAX = 99_999_999_999
_NAME_MAX, _TEXT_MAX = 70, 140
_BIC_LENGTHS = {0, 8, 11}
_IBAN_LENGTH_MIN, _IBAN_LENGTH_MAX = 15, 34


def payment_code(document: InvoiceDocument) -> tuple[bytearray, ...]:
    """Rows of modules, 1 is black, without the quiet zone; none where there is no payment in euro to an IBAN."""
    payment = document.payment
    name = (payment.account_name or document.seller.name).strip()[:_NAME_MAX]
    payable = (
        document.kind is InvoiceKind.INVOICE
        and document.currency == "EUR"
        and 0 < document.total_minor <= _AMOUNT_MINOR_MAX
        and _IBAN_LENGTH_MIN <= len(payment.account) <= _IBAN_LENGTH_MAX
        and len(payment.bic) in _BIC_LENGTHS
        and 0 < len(document.number) <= _TEXT_MAX
    )
    if not payable or not name:
        return ()
    amount = Decimal(decimal_text(document.total_minor, document.currency))
    code = make_epc_qr(name, payment.account, amount, text=document.number, bic=payment.bic or None, encoding="utf-8")
    return tuple(code.matrix)
