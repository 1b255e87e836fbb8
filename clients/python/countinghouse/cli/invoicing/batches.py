"""`countinghouse invoicing close`, `watch`, `engine`, `aggregate`, `retry`, `cancel`, `batch`: batches, moved on."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.following import follow, show_operation, show_progress, watching
from countinghouse.cli.invoicing.standing import COLUMNS, open_states, show_batch, state
from countinghouse.cli.invoicing.words import Batch, Cycle, MaxWait, RequestId, cycle_name
from countinghouse.cli.names import full, last
from countinghouse.cli.output import Format, Output, jsonable, moment, say, show_fields, show_table, show_value
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.cli.progress import Display
    from countinghouse.client import Client, Snapshot
    from countinghouse.invoicing.v1.invoice_batches_pb2 import (
        InvoiceBatch,
        InvoiceBatchTransition,
        WatchInvoiceBatchResponse,
    )


def close(
    context: typer.Context,
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="The billing cycle.")],
    now: Annotated[bool, typer.Option("--now", help="Close at once what has ended.")] = False,
    at: Annotated[
        datetime | None, typer.Option("--at", formats=choices.INSTANT_FORMATS, help="Close at this time (UTC).")
    ] = None,
    schedule: Annotated[list[str] | None, typer.Option(help="Only this schedule; may be given again.")] = None,
    batch: Annotated[str, typer.Option(help="The id of the batch to be; the server makes one if not given.")] = "",
    description: Annotated[str, typer.Option(help="A description of the batch.")] = "",
    watch_: Annotated[bool, typer.Option("--watch", help="Show how it closes, at a time too, then the batch.")] = False,
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    validate_only: Annotated[
        bool, typer.Option("--dry-run", "--validate-only", help="Show the batch; make none.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Close schedules of a cycle in a batch: their running invoices close, or move on to the next schedule.

    Without --schedule all that have ended by then, and are in no other batch.
    """
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    if now == (at is not None):
        raise typer.BadParameter("say either --now or --at TIME", param_hint="--now")
    parent = full("billingCycles", cycle)
    request = pb.CreateInvoiceBatchRequest(
        billing_cycle=parent,
        schedules=[f"{parent}/schedules/{last(each)}" for each in schedule or ()],
        close_time=choices.instant(at),
        description=description,
        invoice_batch_id=batch,
        request_id=request_id,
        validate_only=validate_only,
    )
    with session(context, patient=watch_) as client:
        made = client.invoicing.create_batch(request)
        if watch_ and not validate_only:
            if made.operation:
                follow_to_end(client, made.operation, timeout_s=max_wait)
            else:
                _follow_to_close(client, made.name, timeout_s=max_wait)
            made = client.invoicing.get_batch(pb.GetInvoiceBatchRequest(name=made.name))
        show_batch(made, output)
        if not validate_only and output is Format.TABLE:
            say(f"What it waits for: countinghouse invoicing why {last(made.name)}")


def watch(context: typer.Context, name: Batch, max_wait: MaxWait = None, output: Output = Format.TABLE) -> None:
    """Show a batch as it goes through its states, with the counts within each; with `-o json` each event as a line.

    It ends once the batch is published or canceled. A lost connection is taken up where it was cut.
    """
    batch = full("invoiceBatches", name)
    with session(context, patient=True) as client, watching(batch, "invoicing watch") as display:
        passing = Passing(display)
        for event in client.invoicing.watch_batch(batch, timeout_s=max_wait, on_retry=display.retry):
            if output is Format.JSON:
                print(json.dumps(jsonable(event), ensure_ascii=False), flush=True)
            else:
                passing.show(event)


def batch(context: typer.Context, name: Batch, output: Output = Format.TABLE) -> None:
    """Show a batch, and what it has come to."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    with session(context) as client:
        show_batch(client.invoicing.get_batch(pb.GetInvoiceBatchRequest(name=full("invoiceBatches", name))), output)


def engine(
    context: typer.Context,
    cycle: Cycle = "",
    watch_: Annotated[
        bool, typer.Option("--watch", help="Show how each batch is moved on, then where it stands.")
    ] = False,
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Move on every batch that can move, each by an operation of its own.

    With --watch it ends with 9 when a batch has failed.
    """
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    within = cycle_name(cycle)
    request = pb.RunInvoiceBatchEngineRequest(billing_cycle=within, request_id=request_id)
    with session(context, patient=watch_) as client:
        before = _open(client, within) if watch_ else {}
        snapshot = follow(client.invoicing.run_batch_engine(request), quiet=True, lines=False, timeout_s=max_wait)
        if not watch_:
            _show_run(snapshot, output)
            return
        if snapshot.error is not None:
            raise snapshot.error
        changed = [each for each in _open(client, within).values() if each != before.get(each.name)]
        moved = [_followed(client, each, max_wait) for each in changed]
    if output is Format.TABLE:
        _show_run(snapshot, output)
        print()
        show_table(COLUMNS, [[column.text(each) for column in COLUMNS] for each in moved])
    else:
        assert snapshot.response is not None, "it ended well"
        show_value({**jsonable(snapshot.response), "invoiceBatches": [jsonable(each) for each in moved]}, output)
    if any(each.state == pb.INVOICE_BATCH_STATE_ERROR for each in moved):
        raise typer.Exit(FINDINGS)


def aggregate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[BATCH]", help="This batch; without it, all that wait for it.")] = "",
    cycle: Cycle = "",
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Add up the lines and taxes of closed invoices, for the batches that wait for it."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    request = pb.AggregateInvoicesRequest(
        invoice_batch=full("invoiceBatches", name) if name else "",
        billing_cycle=cycle_name(cycle),
        request_id=request_id,
    )
    with session(context) as client:
        run = client.invoicing.aggregate(request)
        _show_run(follow(run, quiet=False, lines=False, timeout_s=max_wait), output)


def retry(context: typer.Context, name: Batch, request_id: RequestId = "", output: Output = Format.TABLE) -> None:
    """Have a batch that failed go back to where it did, once the cause is mended."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    request = pb.RetryInvoiceBatchRequest(name=full("invoiceBatches", name), request_id=request_id)
    with session(context) as client:
        show_batch(client.invoicing.retry_batch(request), output)
        if output is Format.TABLE:
            say("Go on with it: countinghouse invoicing engine")


def cancel(
    context: typer.Context,
    name: Batch,
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Cancel a batch before its lock: its invoices run again, its schedules are open again."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    batch = full("invoiceBatches", name)
    with session(context) as client:
        begun = client.invoicing.cancel_batch(pb.CancelInvoiceBatchRequest(name=batch, request_id=request_id))
        follow_to_end(client, begun.operation, timeout_s=max_wait)
        show_batch(client.invoicing.get_batch(pb.GetInvoiceBatchRequest(name=batch)), output)


def follow_to_end(client: "Client", operation: str, *, timeout_s: float | None) -> None:
    """Draw an operation until it is done. Raises: OperationFailed."""
    snapshot = follow(client.operations.handle(operation), quiet=False, lines=False, timeout_s=timeout_s)
    if snapshot.error is not None:
        raise snapshot.error


def _follow_to_close(client: "Client", name: str, *, timeout_s: float | None) -> None:
    """Draw a batch until it is closed, as its time comes and an engine runs."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    opening = (pb.INVOICE_BATCH_STATE_PENDING_CLOSE, pb.INVOICE_BATCH_STATE_CLOSING)
    with watching(name, "invoicing watch") as display:
        passing = Passing(display)
        for event in client.invoicing.watch_batch(name, timeout_s=timeout_s, on_retry=display.retry):
            passing.show(event)
            if event.invoice_batch.state not in opening:
                return


def _open(client: "Client", cycle: str) -> "dict[str, InvoiceBatch]":
    """The batches that are not over, by name."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    request = pb.ListInvoiceBatchesRequest(billing_cycle=cycle, states=open_states(), page_size=1_000)
    return {each.name: each for each in client.invoicing.list_batches(request)}


def _followed(client: "Client", batch: "InvoiceBatch", timeout_s: float | None) -> "InvoiceBatch":
    """A batch that a pass has changed, once the operation is done that works on it."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    if not batch.operation:
        return batch
    say(f"{last(batch.name)}, {state(batch.state)}:")
    follow(client.operations.handle(batch.operation), quiet=False, lines=False, timeout_s=timeout_s)
    return client.invoicing.get_batch(pb.GetInvoiceBatchRequest(name=batch.name))


def _show_run(snapshot: "Snapshot[Any, Any]", output: Format) -> None:
    """Print what a pass, or aggregation, came to. Raises: OperationFailed."""
    if snapshot.error is not None:
        raise snapshot.error
    if output is not Format.TABLE:
        show_operation(snapshot, output)
        return
    assert snapshot.response is not None, "it ended well"
    names = [field.name for field in snapshot.response.DESCRIPTOR.fields]
    show_fields((name.removesuffix("_count"), f"{getattr(snapshot.response, name):,}") for name in names)


class Passing:
    """Shows which states a batch passes, how far its operation is, and what holds it."""

    def __init__(self, display: "Display") -> None:
        self._display = display
        self._held = ""

    def show(self, event: "WatchInvoiceBatchResponse") -> None:
        """Show what is new."""
        for made in event.transitions:
            self._display.note(_passed(made))
        batch = event.invoice_batch
        if event.HasField("progress"):
            show_progress(self._display, batch.operation, event.progress)
        elif batch.hold.message != self._held:
            self._held = batch.hold.message
            if self._held:
                self._display.note(f"Held: {self._held}")


def _passed(made: "InvoiceBatchTransition") -> str:
    counts = made.counts
    told = [
        f"{count:,} {word}"
        for count, word in (
            (counts.closed_count, "closed"),
            (counts.moved_count, "moved"),
            (counts.aggregated_count, "aggregated"),
            (counts.numbered_count, "numbered"),
        )
        if count
    ]
    return f"{moment(made.transition_time)}  {state(made.to_state)}" + (f": {', '.join(told)}" if told else "")
