"""Listing the operations of a claim, filtered and sorted by any column (ACC-50)."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import Connection

from domain.accounting.claims import service as claims
from domain.accounting.performing.model import Operation
from domain.accounting.performing.store import pages
from domain.accounting.performing.store.pages import OperationFilter, Order
from domain.kernel.as_of import AsOfInFuture
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid, Violation
from domain.kernel.paging import Page


def list_page(tx: Connection, call: Call, wanted: OperationFilter, order: Order, page: Page) -> list[Operation]:
    """One operation of the claim more than the page holds, if there is one, in the order; `order.key_of` gives its key.

    Raises: ClaimNotFound; DisputeNotFound for the filter's; AsOfInFuture; Invalid for amounts without a currency, and
    for text that no operation could hold.
    """
    texts = {f"filter.{field.name}": getattr(wanted, field.name) for field in fields(wanted)}
    require_storable(**{name: text for name, text in texts.items() if isinstance(text, str)})
    if wanted.at_us is not None and wanted.at_us > call.now_us:
        raise AsOfInFuture(wanted.at_us, call.now_us)
    if wanted.amount != pages.Span() and not wanted.currency:
        text = "must be given with an amount: amounts of two currencies cannot be compared"
        raise Invalid(Violation("filter.currency_code", "CURRENCY_REQUIRED", text))
    if wanted.dispute_id:
        claims.get_dispute(tx, wanted.claim_id, wanted.dispute_id, call.scope)
    else:
        claims.get(tx, wanted.claim_id, call.scope)
    return pages.page(tx, wanted, order, after=page.after, limit=page.size + 1)
