"""What is not subject to VAT stands alone on an invoice: beside any other category it is no e-invoice (BR-O-11).

Found as lines arrive, as far as it shows then. Lines that come at the same time, those of bills and those of a carried
invoice are found when it is aggregated, before it has a number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, select

from domain.invoicing.invoices.model import Invoice, NewLine
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.tables import invoice, invoice_line
from domain.kernel.errors import Violation
from domain.kernel.taxes import TaxCategory

_FEW = 100  # lines, above which it is not looked what stands beside lines that are subject to VAT
_i, _l = invoice.c, invoice_line.c

MIXED = Violation(
    "tax_category",
    "TAX_CATEGORIES_MIXED",
    "what is not subject to VAT (category O) stands on an invoice of its own (EN 16931, BR-O-11)",
)


def unfit(tx: Connection, cycle_code: str, lines: Sequence[NewLine]) -> set[int]:
    """The positions of lines by arrival that would stand beside what they cannot.

    Of many lines none is looked up, unless one of them is not subject to VAT. Cost: one statement at most.
    """
    outside = any(map(_is_outside, lines))
    if not lines or (len(lines) > _FEW and not outside):
        return set()
    standing = dict(_standing(tx, cycle_code, {line.account_id for line in lines}))
    found = set()
    for position, line in enumerate(lines):
        if standing.setdefault(line.account_id, _is_outside(line)) != _is_outside(line):
            found.add(position)
    return found


def fits(tx: Connection, of: Invoice, line: NewLine) -> bool:
    """Whether an invoice, which is locked, can have the line beside its others. Cost: one look along its lines."""
    mine = select(_l.tax_category).where(_l.account_id == of.account_id, _l.invoice_id == of.invoice_id).distinct()
    return all((each == TaxCategory.OUTSIDE_SCOPE) == _is_outside(line) for each in tx.execute(mine).scalars())


def _standing(tx: Connection, cycle_code: str, accounts: Collection[str]) -> Mapping[str, bool]:
    """Of accounts whose running invoices have lines, whether these are not subject to VAT."""
    query = (
        select(_l.account_id, _l.tax_category)
        .join(invoice, (_i.account_id == _l.account_id) & (_i.invoice_id == _l.invoice_id))
        .where(_i.account_id.in_(sorted(accounts)), _i.cycle_code == cycle_code, _i.state == InvoiceState.RUNNING)
        .distinct()
    )
    return {row[0]: row[1] == TaxCategory.OUTSIDE_SCOPE for row in tx.execute(query)}


def _is_outside(line: NewLine) -> bool:
    return line.tax_category == TaxCategory.OUTSIDE_SCOPE
