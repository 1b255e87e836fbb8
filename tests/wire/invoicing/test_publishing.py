"""Batches published by a real client: by whom, when, once; what readers see, and what is marked in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from countinghouse.client.errors import CountinghouseError, FailedPrecondition, NotFound, PermissionDenied
from countinghouse.invoicing.v1 import invoice_batches_pb2, invoice_lines_pb2, invoices_pb2
from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb
from server.database.transaction import Database
from tests.invoicing.invoices.office import at
from tests.support.server import serving
from tests.wire.invoicing.batching import word
from tests.wire.invoicing.desk import refused
from tests.wire.invoicing.exporting import Exporting, as_caller, at_house, exporting

IN_MAY = at("2026-05-01T08:00")
CALLERS = {
    "publisher": (["publish", "read"], "CYCLE"),
    "administrator": (["administerbatches", "maintaininvoices", "read"], "CYCLE"),
    "reader": (["read"], "CYCLE"),
    "stranger": (["publish", "read"], "OTHER"),
}
"""By caller, its permissions and the cycle that they hold for."""


@pytest.fixture
def at_work(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Exporting]:
    """A server that carries everything out, on either database."""
    with exporting(database, migrated_url, tmp_path) as found:
        found.house.put_cycle(workflow="no-export", formats=())
        yield found


def request(name: str, **asked: object) -> pb.PublishInvoiceBatchRequest:
    return pb.PublishInvoiceBatchRequest(name=name, **asked)  # type: ignore[arg-type]


@pytest.mark.rule("INV-07", "INV-08", "INV-14")
def test_a_batch_is_published_once_and_readers_see_it_only_then(at_work: Exporting) -> None:
    """Early and twice are refused with both states; exported does not mean published."""
    publish = at_work.client.invoicing.publish_batch
    batch = at_work.ordered()
    early = refused(partial(publish, request(batch.name)), FailedPrecondition)
    assert early.reason == "INVOICE_BATCH_TRANSITION_ILLEGAL"
    assert (early.metadata["state"], early.metadata["wanted"]) == ("ORDERED", "PUBLISHED")
    at_work.export()
    why = at_work.explain(batch.name)
    assert (why.reason, [(way.method, way.permission) for way in why.ways]) == (
        "INVOICE_BATCH_NOT_PUBLISHED",
        [("PublishInvoiceBatch", "publish")],
    )
    listed = invoices_pb2.ListInvoicesRequest(filter=invoices_pb2.InvoiceFilter(invoice_batch=batch.name))
    names = [each.name for each in at_work.client.invoicing.list_invoices(listed)]
    assert (len(names), at_work.published()) == (3, [])
    get = at_work.client.invoicing.get_published_invoice
    refused(partial(get, invoices_pb2.GetPublishedInvoiceRequest(name=names[0])), NotFound)
    lines = invoice_lines_pb2.ListPublishedInvoiceLinesRequest(parent=names[0])
    refused(lambda: list(at_work.client.invoicing.list_published_lines(lines)), NotFound)
    published = at_work.publish(batch.name)
    assert word(published.state) == "PUBLISHED"
    assert published.publish_time.seconds > 0
    assert [each.name for each in at_work.published()] == names
    seen = get(invoices_pb2.GetPublishedInvoiceRequest(name=names[0]))
    assert (seen.number, seen.state) == ("2026-00000001", invoices_pb2.INVOICE_STATE_PUBLISHED)
    assert len(list(at_work.client.invoicing.list_published_lines(lines))) == 1
    twice = refused(partial(publish, request(batch.name)), FailedPrecondition)
    assert (twice.metadata["state"], twice.metadata["wanted"]) == ("PUBLISHED", "PUBLISHED")
    assert at_work.states(batch.name)[-2:] == ["READY_FOR_PUBLISH", "PUBLISHED"]
    assert at_work.explain(batch.name).reason == "INVOICE_BATCH_OVER"


@pytest.mark.rule("INV-07", "PLT-06", "INV-13")
def test_publishing_is_begun_once_however_often_it_is_asked_for(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """The same request id gives the same answer; another call meets it at work; validate_only begins nothing."""
    with exporting(database, migrated_url, tmp_path) as at_work:
        at_work.house.put_cycle(workflow="no-export", formats=())
        batch = at_work.ready()
    with at_house(at_work.house, migrated_url, tmp_path, carries_out=(), jobs=False) as idle:
        publish = idle.client.invoicing.publish_batch
        tried = publish(request(batch.name, validate_only=True))
        assert (tried.name, word(tried.state)) == (batch.name, "READY_FOR_PUBLISH")
        assert idle.get(batch.name).operation == batch.operation
        begun = publish(request(batch.name, request_id="go"))
        assert begun.operation != batch.operation
        assert publish(request(batch.name, request_id="go")) == begun
        busy = refused(partial(publish, request(batch.name)), CountinghouseError)
        assert busy.reason == "INVOICE_BATCH_BUSY"
        assert word(idle.get(batch.name).state) == "READY_FOR_PUBLISH", "seen only once all is marked"


@pytest.mark.rule("PLT-12", "PLT-14", "INV-07", "INV-08")
def test_only_who_may_publish_a_cycle_publishes_it(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """Who administers batches may not; to a caller of another cycle there is no such batch, nor its invoices."""
    with exporting(database, migrated_url, tmp_path) as at_work:
        at_work.house.put_cycle(workflow="no-export", formats=())
        batch = at_work.ready()
    tokens = tmp_path / "tokens.toml"
    entries = (
        f'[[tokens]]\ncaller = "{name}"\ntoken = "the-token-of-{name}"\npermissions = {have}\ncycles = ["{cycle}"]\n'
        for name, (have, cycle) in CALLERS.items()
    )
    tokens.write_text("".join(entries))
    tokens.chmod(0o600)
    with (
        serving(migrated_url, tmp_path, token_file=tokens, clock_us=lambda: at_work.house.now_us) as served,
        as_caller(served, "publisher") as publisher,
        as_caller(served, "administrator") as administrator,
        as_caller(served, "reader") as reader,
        as_caller(served, "stranger") as stranger,
    ):
        for client in (administrator, reader):
            denied = refused(partial(client.invoicing.publish_batch, request(batch.name)), PermissionDenied)
            assert denied.metadata["permission"] == "publish"
        hidden = refused(partial(stranger.invoicing.publish_batch, request(batch.name)), NotFound)
        assert hidden.reason == "INVOICE_BATCH_NOT_FOUND"
        seen = invoices_pb2.ListPublishedInvoicesRequest()
        assert not list(reader.invoicing.list_published_invoices(seen))
        begun = publisher.invoicing.publish_batch(request(batch.name))
        list(publisher.operations.handle(begun.operation).watch(timeout_s=60))
        assert len(list(reader.invoicing.list_published_invoices(seen))) == 3
        assert not list(stranger.invoicing.list_published_invoices(seen))
        asked = invoice_batches_pb2.ListInvoiceBatchTransitionsRequest(parent=batch.name)
        *_, last = publisher.invoicing.list_transitions(asked)
        assert (word(last.to_state), last.caller) == ("PUBLISHED", "publisher")


@pytest.mark.rule("INV-08")
def test_what_was_posted_for_its_invoices_is_invoiced_and_nothing_else(at_work: Exporting) -> None:
    """Receivable, sales and tax of each; what invoices of another batch have posted waits for its own."""
    batch = at_work.ready()
    at_work.house.charge({"A": 2_000}, description="Goods")
    at_work.house.now_us = IN_MAY
    other = at_work.close()
    at_work.engine()
    at_work.aggregate(invoice_batch=other.name)
    at_work.engine()
    assert at_work.invoiced() == [False] * 12
    published = at_work.publish(batch.name)
    assert published.counts.marked_count == 9
    assert sum(at_work.invoiced()) == 9
    by_grouping = {each.grouping: each.invoiced for each in at_work.details()}
    assert sorted(by_grouping.values()) == [False, True, True, True]
    at_work.export()
    at_work.publish(other.name)
    assert at_work.invoiced() == [True] * 12
