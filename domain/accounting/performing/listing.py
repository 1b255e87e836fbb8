"""Listing the operations of a claim, filtered and sorted by any column (ACC-50)."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.accounting.claims import service as claims
from domain.accounting.performing.model import Operation
from domain.accounting.performing.store import pages
from domain.accounting.performing.store.pages import OperationFilter, Order
from domain.kernel.as_of import AsOfInFuture
from domain.kernel.call import Call
from domain.kernel.paging import Page


def list_page(tx: Connection, call: Call, wanted: OperationFilter, order: Order, page: Page) -> list[Operation]:
    """One operation of the claim more than the page holds, if there is one, in the order; `order.key_of` gives its key.

    Raises: ClaimNotFound; DisputeNotFound for the filter's; AsOfInFuture.
    """
    if wanted.at_us is not None and wanted.at_us > call.now_us:
        raise AsOfInFuture(wanted.at_us, call.now_us)
    assert wanted.currency or wanted.amount == pages.Span(), "amounts of two currencies cannot be compared"
    if wanted.dispute_id:
        claims.get_dispute(tx, wanted.claim_id, wanted.dispute_id, call.scope)
    else:
        claims.get(tx, wanted.claim_id, call.scope)
    return pages.page(tx, wanted, order, after=page.after, limit=page.size + 1)
