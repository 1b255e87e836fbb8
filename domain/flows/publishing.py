"""What is published is invoiced: the accounting details behind its invoices are marked so (INV-08, money path 3).

Behind an invoice stand both sides of every bill segment on it, and their reversals, and what was posted when it was
locked. They are found by what they are called: nothing is looked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy import Connection

from domain.billing.bills.store import distribution_codes
from domain.flows import billing, invoicing
from domain.gl_extraction.details.marking import SourceKey, mark_invoiced
from domain.invoicing.batches.publishing import Behind
from domain.kernel.call import Call


class InvoicedMarks:
    """Marks what stands behind invoices, whatever the ledgers that its caller sees: who may publish, marks."""

    def mark(self, tx: Connection, call: Call, behind: Sequence[Behind]) -> int:
        """As `batches.publishing.Marks`. Cost: a statement for segments, and that of `mark_invoiced`."""
        segments = {(each.account_id, segment) for each in behind for segment in each.segments}
        keys = [*_of_segments(distribution_codes(tx, segments)), *_of_invoices(behind)]
        return mark_invoiced(tx, keys, call.now_us)


def _of_segments(codes: Mapping[str, Collection[str]]) -> Iterator[SourceKey]:
    for segment_id, of_lines in codes.items():
        for back in ("", "R"):
            yield billing.SOURCE, f"{segment_id}/{back}D"
            for code in of_lines:
                yield billing.SOURCE, f"{segment_id}/{back}C/{code}"


def _of_invoices(behind: Sequence[Behind]) -> Iterator[SourceKey]:
    for each in behind:
        keys = ["D", *(f"C/{code}" for code in each.codes)]
        keys += [f"{side}/{rate}" for rate in each.rates for side in ("T", "RD", "RC")]
        for key in keys:
            yield invoicing.SOURCE, f"{each.invoice_id}/{key}"
