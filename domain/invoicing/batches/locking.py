"""The lock of a batch: from here on nothing of its invoices changes, and its numbers are reserved (INV-04, INV-20)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.invoicing.batches import counting, numbering, store
from domain.invoicing.batches.errors import NOT_AGGREGATED
from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.transitions import change, hold, tell
from domain.invoicing.configuration.model import Cycle, Issuer
from domain.invoicing.configuration.registers import ISSUERS
from domain.invoicing.invoices.states import InvoiceKind, InvoiceState
from domain.kernel.call import Call
from domain.kernel.documents import from_text
from domain.kernel.registers import service as registers
from domain.kernel.time import BusinessZone

BATCHED = (InvoiceState.CLOSED, InvoiceState.LOCKED)
"""The states of invoices that are in a batch."""

_YEAR = 10_000  # days are yyyymmdd


def lock(tx: Connection, call: Call, batch: Batch, cycle: Cycle, as_of_us: int) -> Batch:
    """Lock a batch whose row is locked, so that nobody adds lines, if all its invoices are aggregated; else hold it.

    It is issued on the day of the instant, in the zone of the cycle. The series is touched last: it is locked for one
    short statement and the commit.
    """
    figures = counting.figures(tx, batch)
    if figures.unaggregated:
        return hold(tx, call, batch, NOT_AGGREGATED, f"{figures.unaggregated:,} invoices are not aggregated")
    issuer = registers.get(tx, ISSUERS, cycle.settings.issuer)
    keep_issuer(tx, batch, issuer)
    day = BusinessZone(cycle.settings.time_zone).today(as_of_us)
    totals = {currency: {"net": net, "tax": tax} for currency, (net, tax) in sorted(figures.totals.items())}
    counts = {**batch.counts, "aggregated": figures.invoices, "totals": totals}
    locked = replace(batch, locked_us=call.now_us, issue_day=day, counts=counts, held=None)
    tell(tx, call, locked, "locked", {"issue_day": day, "invoices": figures.billable, "totals": totals})
    if figures.billable:
        kind, count = InvoiceKind.INVOICE, figures.billable
        first = numbering.reserve(tx, issuer.code, day // _YEAR, kind, count)
        locked = replace(locked, first_number=first, number_count=count)
    return change(tx, call, locked)


def keep_issuer(tx: Connection, batch: Batch, issuer: Issuer) -> None:
    """Keep an issuer as it is now with a batch: what is issued tells it so from then on."""
    settings = from_text(str(ISSUERS.columns_of(issuer)["document"]))
    store.keep_issuer(tx, batch.batch_id, {"code": issuer.code, "settings": settings})
