"""Totals by currency, never over two (PLT-03), as the audit trail keeps them."""

from __future__ import annotations

from collections.abc import Iterable

from domain.kernel.documents import Document
from domain.kernel.money import decimal_text


def totals(amounts: Iterable[tuple[str, int, int]]) -> Document:
    """Currencies with debits and credits in minor units, summed to `{"USD": {"debit": "1.00", "credit": "0.00"}}`."""
    sums: dict[str, list[int]] = {}
    for currency, debit_minor, credit_minor in amounts:
        of_currency = sums.setdefault(currency, [0, 0])
        of_currency[0] += debit_minor
        of_currency[1] += credit_minor
    return {
        currency: {"debit": decimal_text(debit, currency), "credit": decimal_text(credit, currency)}
        for currency, (debit, credit) in sorted(sums.items())
    }
