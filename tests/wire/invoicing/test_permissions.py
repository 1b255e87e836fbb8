"""Who may configure invoicing, who keeps its schedules and recipients, and who looks (PLT-12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from countinghouse.client import connect
from countinghouse.client.errors import PermissionDenied
from countinghouse.invoicing.v1 import billing_cycles_pb2, invoice_schedules_pb2, issuers_pb2, recipients_pb2
from tests.support.server import serving
from tests.support.worlds import Worlds
from tests.wire.invoicing.conftest import make_books
from tests.wire.invoicing.desk import Desk, refused, told
from tests.wire.invoicing.test_recipients import BUYER, get, put, row

CALLERS = {
    "configurer": ["configureinvoicing", "read"],
    "clerk": ["maintaininvoices", "read"],
    "reader": ["read"],
    "stranger": ["bill"],
}


@pytest.fixture
def desks(migrated_url: str, tmp_path: Path, worlds: Worlds) -> Iterator[Mapping[str, Desk]]:
    """A desk for each of the callers."""
    worlds.give(migrated_url, tmp_path, make_books)
    tokens = tmp_path / "tokens.toml"
    entries = (
        f'[[tokens]]\ncaller = "{name}"\ntoken = "the-token-of-{name}"\npermissions = {have}\n'
        for name, have in CALLERS.items()
    )
    tokens.write_text("".join(entries))
    tokens.chmod(0o600)
    with serving(migrated_url, tmp_path, jobs=False, token_file=tokens) as server:
        clients = {name: connect(server.target, token=f"the-token-of-{name}") for name in CALLERS}
        yield {name: Desk(client) for name, client in clients.items()}
        for client in clients.values():
            client.close()


@pytest.mark.rule("PLT-12")
def test_issuers_and_cycles_are_configured_and_schedules_and_recipients_maintained(desks: Mapping[str, Desk]) -> None:
    """Two permissions, neither of which holds for the other's; a refused call leaves nothing."""
    configurer, clerk = desks["configurer"], desks["clerk"]
    for name in ("clerk", "reader", "stranger"):
        refused(desks[name].issuer, PermissionDenied)
        refused(desks[name].cycle, PermissionDenied)
    issuer, cycle = configurer.issuer(), configurer.cycle()
    for name in ("configurer", "reader", "stranger"):
        refused(partial(desks[name].schedule, "april"), PermissionDenied)
        refused(partial(put, desks[name], **BUYER), PermissionDenied)
        refused(partial(desks[name].client.invoicing.import_recipients, [row("A-1")]), PermissionDenied)
    refused(partial(clerk.update, "issuer", issuer, note="x"), PermissionDenied)
    refused(partial(clerk.update, "cycle", cycle, description="x"), PermissionDenied)
    april, buyer = clerk.schedule("april"), put(clerk, **BUYER)
    refused(partial(configurer.update, "schedule", april, end_time="2100-01-01T00:00:00Z"), PermissionDenied)
    delete = invoice_schedules_pb2.DeleteInvoiceScheduleRequest(name=april.name, etag=april.etag)
    refused(partial(configurer.client.invoicing.delete_schedule, delete), PermissionDenied)
    assert told(get(desks["reader"])) == told(buyer)


@pytest.mark.rule("PLT-12")
def test_who_may_not_read_sees_nothing(desks: Mapping[str, Desk]) -> None:
    """Neither one nor a list."""
    invoicing = desks["stranger"].client.invoicing
    for call, request in (
        (invoicing.get_issuer, issuers_pb2.GetIssuerRequest(name="issuers/X")),
        (invoicing.get_cycle, billing_cycles_pb2.GetBillingCycleRequest(name="billingCycles/X")),
        (invoicing.get_recipient, recipients_pb2.GetRecipientRequest(name="recipients/X")),
        (lambda one: list(invoicing.list_issuers(one)), issuers_pb2.ListIssuersRequest()),
        (lambda one: list(invoicing.list_cycles(one)), billing_cycles_pb2.ListBillingCyclesRequest()),
        (lambda one: list(invoicing.list_recipients(one)), recipients_pb2.ListRecipientsRequest()),
        (
            lambda one: list(invoicing.list_schedules(one)),
            invoice_schedules_pb2.ListInvoiceSchedulesRequest(parent="billingCycles/MONTHLY"),
        ),
    ):
        refused(partial(call, request), PermissionDenied)  # type: ignore[arg-type]
