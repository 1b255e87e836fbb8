"""The invoices of `countinghouse demo`: one batch is published, one waits for somebody to mend what is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from google.protobuf.json_format import ParseDict

from countinghouse import demo_invoices as demo
from countinghouse import demo_tariffs as tariffs
from countinghouse.client.errors import NotFound
from countinghouse.invoicing.v1 import invoice_batches_pb2, invoice_exports_pb2, invoice_schedules_pb2

if TYPE_CHECKING:
    from countinghouse.client import Client
    from countinghouse.client.sync.invoicing import Invoicing
    from countinghouse.demo_accounts import Case

_WAIT_S = 120.0
_AHEAD = timedelta(seconds=1)
_MARGIN_S = 0.1


def take_in(client: Client, cases: Sequence[Case]) -> None:
    """Give the accounts somebody to send invoices to."""
    client.invoicing.import_recipients(demo.recipients(cases))


def run(client: Client, cases: Sequence[Case]) -> None:
    """Close what was billed until now, and take it as far as it goes; told again, it goes on where it was cut short."""
    used = {demo.cycle_of(case) for case in cases}
    batches = {cycle: name for cycle, name in demo.BATCHES.items() if cycle in used}
    missing = {cycle: name for cycle, name in batches.items() if not _is_there(client, name)}
    if missing:
        _end(client, missing)
    for cycle, name in missing.items():
        _close(client, cycle, name)
    for cycle, name in batches.items():
        _take_on(client, cycle, name)


def show() -> None:
    """Where to look."""
    print("Where invoices stand: countinghouse invoicing batches --all")
    print(f"Why some were not sent: countinghouse invoicing why {demo.BATCHES[tariffs.BUSINESSES]}")


def _get(client: Client, name: str) -> invoice_batches_pb2.InvoiceBatch:
    return client.invoicing.get_batch(invoice_batches_pb2.GetInvoiceBatchRequest(name=f"invoiceBatches/{name}"))


def _is_there(client: Client, name: str) -> bool:
    try:
        _get(client, name)
    except NotFound:
        return False
    return True


def _end(client: Client, cycles: Iterable[str]) -> None:
    """Have the first schedule of each cycle end now, rather than with the month."""
    end = datetime.now(UTC) + _AHEAD
    for cycle in cycles:
        listed = invoice_schedules_pb2.ListInvoiceSchedulesRequest(parent=f"billingCycles/{cycle}")
        first, *more = client.invoicing.list_schedules(listed)
        if not more and first.end_time.ToDatetime(UTC) > end:
            schedule = {"name": first.name, "etag": first.etag, "endTime": end.isoformat()}
            request = {"invoiceSchedule": schedule, "updateMask": "endTime"}
            client.invoicing.update_schedule(ParseDict(request, invoice_schedules_pb2.UpdateInvoiceScheduleRequest()))
    time.sleep(max(0, (end - datetime.now(UTC)).total_seconds() + _MARGIN_S))


def _close(client: Client, cycle: str, name: str) -> None:
    request = invoice_batches_pb2.CreateInvoiceBatchRequest(
        billing_cycle=f"billingCycles/{cycle}",
        invoice_batch_id=name,
        description="January to March",
        request_id=f"demo-{name}",
    )
    client.invoicing.create_batch(request)


def _take_on(client: Client, cycle: str, name: str) -> None:
    """Do what the batch waits for, until it is published or nothing helps."""
    state = None
    while (batch := _rested(client, name)).state != state and batch.state in _DOES:
        state = batch.state
        _DOES[state](client.invoicing, f"billingCycles/{cycle}", batch.name)


def _rested(client: Client, name: str) -> invoice_batches_pb2.InvoiceBatch:
    """The batch once nothing works on it any more."""
    batch = _get(client, name)
    if not batch.operation:
        return batch
    list(client.operations.handle(batch.operation).watch(timeout_s=_WAIT_S))
    return _get(client, name)


def _engine(invoicing: Invoicing, cycle: str, _batch: str) -> None:
    invoicing.run_batch_engine(invoice_batches_pb2.RunInvoiceBatchEngineRequest(billing_cycle=cycle)).wait(_WAIT_S)


def _aggregate(invoicing: Invoicing, cycle: str, batch: str) -> None:
    invoicing.aggregate(invoice_batches_pb2.AggregateInvoicesRequest(invoice_batch=batch)).wait(_WAIT_S)
    _engine(invoicing, cycle, batch)


def _export(invoicing: Invoicing, cycle: str, _batch: str) -> None:
    invoicing.run_export_engine(invoice_exports_pb2.RunInvoiceExportEngineRequest(billing_cycle=cycle)).wait(_WAIT_S)


def _publish(invoicing: Invoicing, _cycle: str, batch: str) -> None:
    invoicing.publish_batch(invoice_exports_pb2.PublishInvoiceBatchRequest(name=batch))


_DOES: dict[int, Callable[[Invoicing, str, str], None]] = {
    invoice_batches_pb2.INVOICE_BATCH_STATE_PENDING_CLOSE: _engine,
    invoice_batches_pb2.INVOICE_BATCH_STATE_CLOSED: _engine,
    invoice_batches_pb2.INVOICE_BATCH_STATE_AGGREGATING: _aggregate,
    invoice_batches_pb2.INVOICE_BATCH_STATE_READY_FOR_SENDING: _engine,
    invoice_batches_pb2.INVOICE_BATCH_STATE_ORDERED: _export,
    invoice_batches_pb2.INVOICE_BATCH_STATE_READY_FOR_PUBLISH: _publish,
}
"""What moves a batch on from a state."""
