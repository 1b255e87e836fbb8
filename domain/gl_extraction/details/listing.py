"""Getting a detail, listing details."""

from __future__ import annotations

from dataclasses import fields, replace

from sqlalchemy import Connection

from domain.gl_extraction.details.errors import DetailNotFound
from domain.gl_extraction.details.model import Detail
from domain.gl_extraction.details.store import pages, read
from domain.gl_extraction.details.store.pages import DetailFilter, Order
from domain.gl_extraction.names import detail_id_of
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid, Violation
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope


def get(tx: Connection, name: str, scope: Scope = EVERYTHING) -> Detail:
    """The detail, void ones included. Raises: DetailNotFound, also for what lies outside the scope."""
    detail_id = detail_id_of(name)
    found = read.by_ids(tx, (detail_id,)) if detail_id is not None else []
    if not found or not scope.has_ledger(found[0].ledger_code):
        raise DetailNotFound(name)
    return found[0]


def list_page(
    tx: Connection, wanted: DetailFilter, order: Order, page: Page, scope: Scope = EVERYTHING
) -> list[Detail]:
    """One detail of the scope more than the page holds, if there is one, in the order.

    `pages.key_of` gives a detail's key.

    Raises: Invalid for an external id without its source, and for text that no detail could hold.
    """
    texts = {f"filter.{field.name}": getattr(wanted, field.name) for field in fields(wanted)}
    require_storable(**{name: text for name, text in texts.items() if isinstance(text, str)})
    if wanted.external_id and not wanted.source:
        text = "must be given with an external id, which is unique for its source alone"
        raise Invalid(Violation("filter.source", "SOURCE_REQUIRED", text))
    if wanted.ledger_code and not scope.has_ledger(wanted.ledger_code):
        return []
    if scope.ledgers is not None and not wanted.ledger_code:
        wanted = replace(wanted, ledgers=scope.ledgers)
    return pages.page(tx, wanted, order, after=page.after, limit=page.size + 1)
