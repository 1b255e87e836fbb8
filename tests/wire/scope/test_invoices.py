"""Invoices, by callers whose permissions hold for some billing cycles (PLT-14)."""

from __future__ import annotations

import grpc
import pytest
from sqlalchemy import Connection, update

from domain.invoicing.tables import invoice, invoice_batch
from server.database.transaction import Database
from tests.support.server import refusal
from tests.wire.scope.world import ACCOUNT_THEIRS, AUDIT, NEW_LINE, World


@pytest.mark.rule("PLT-14", "INV-08")
def test_a_published_invoice_is_seen_by_who_sees_its_cycle(world: World, migrated_url: str) -> None:
    """Nobody else finds it, in lists neither, nor its lines."""
    name = world.theirs["invoice"]
    _publish(migrated_url, world.theirs["invoice_batch"].rpartition("/")[2])
    assert world.ben.invoicing("GetPublishedInvoice", name=name).name == name
    assert [each.name for each in world.ben.invoicing("ListPublishedInvoices").invoices] == [name]
    assert len(world.ben.invoicing("ListPublishedInvoiceLines", parent=name).invoice_lines) == 1
    assert not world.ann.invoicing("ListPublishedInvoices").invoices
    for method, field in (("GetPublishedInvoice", "name"), ("ListPublishedInvoiceLines", "parent")):
        refused = refusal(lambda method=method, field=field: world.ann.invoicing(method, **{field: name}))  # type: ignore[misc]
        assert refused.code is grpc.StatusCode.NOT_FOUND, method


@pytest.mark.rule("PLT-14")
def test_a_line_comes_on_and_off_invoices_of_a_cycle_that_the_caller_sees(world: World) -> None:
    """Else there is neither cycle nor line; what was added is told in the trail of those who see the cycle."""
    cycle = world.theirs["billing_cycle"]
    asked = {"parent": ACCOUNT_THEIRS, "billing_cycle": cycle, "invoice_line": {**NEW_LINE, "external_id": "2"}}
    refused = refusal(lambda: world.ann.invoicing("CreateInvoiceLine", **asked))
    assert (refused.code, refused.metadata["resource_name"]) == (grpc.StatusCode.NOT_FOUND, cycle)
    made = world.root.invoicing("CreateInvoiceLine", **asked)
    kinds = {"type": "invoice_lines.added"}
    assert len(world.ben.call(f"{AUDIT}/ListAuditEntries", kinds).audit_entries) == 2
    assert not world.ann.call(f"{AUDIT}/ListAuditEntries", kinds).audit_entries
    refused = refusal(lambda: world.ann.invoicing("DeleteInvoiceLine", name=made.name))
    assert refused.code is grpc.StatusCode.NOT_FOUND
    world.ben.invoicing("DeleteInvoiceLine", name=made.name)


def _publish(url: str, batch_id: str) -> None:
    def publish(tx: Connection) -> None:
        tx.execute(update(invoice).values(state="LOCKED", batch_id=batch_id))
        tx.execute(update(invoice_batch).values(state="PUBLISHED"))

    database = Database(url)
    database.write(publish)
    database.dispose()
