"""Which lines of an invoice a credit note gives back: values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from domain.invoicing.crediting.errors import LineCredited, NothingLeftToCredit
from domain.invoicing.invoices.errors import LineNotFound
from domain.invoicing.invoices.model import Invoice, InvoiceLine


def chosen(
    of: Invoice,
    lines: Sequence[InvoiceLine],
    wanted: Collection[int],
    credited: Collection[int],
    gone: Collection[str],
) -> list[InvoiceLine]:
    """Those of the lines that are wanted, with all others of their segments; none named: all that is left.

    `credited` are the numbers of lines that were given back before; `gone` are segments that their bills have taken
    back in another way, or are about to. These are left out where no line is named, and given with the others where
    one is, so that billing says why not.

    Raises: LineNotFound; LineCredited; NothingLeftToCredit.
    """
    by_number = {each.line_no: each for each in lines}
    for line_no in sorted(wanted):
        if line_no not in by_number:
            raise LineNotFound(of.account_id, of.invoice_id, line_no)
        if line_no in credited:
            raise LineCredited(by_number[line_no].name)
    segments = {by_number[line_no].segment_id for line_no in wanted} - {""}
    if wanted:
        return [each for each in lines if each.line_no in wanted or each.segment_id in segments]
    left = [each for each in lines if each.line_no not in credited and each.segment_id not in gone]
    if not left:
        raise NothingLeftToCredit(of.name)
    return left
