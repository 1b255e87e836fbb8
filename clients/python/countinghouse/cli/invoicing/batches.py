"""`countinghouse invoicing batches`, `close`, `watch`, `why`, `engine`, `aggregate`, `retry`, `cancel`."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.following import follow, show_operation, show_progress, watching
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    Output,
    amount,
    jsonable,
    moment,
    say,
    show_fields,
    show_list,
    show_table,
    show_value,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.timestamp_pb2 import Timestamp

    from countinghouse.client import Client, Snapshot
    from countinghouse.invoicing.v1.invoice_batches_pb2 import (
        ExplainInvoiceBatchResponse,
        InvoiceBatch,
        InvoiceBatchTransition,
    )

Batch = Annotated[str, typer.Argument(metavar="BATCH", help="Its id, or full name.")]
Cycle = Annotated[str, typer.Option(help="Only batches of this billing cycle.")]
MaxWait = Annotated[float | None, typer.Option(min=0.1, help="Stop waiting after so many seconds.")]
RequestId = Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")]

_OVER = (8, 10)  # the numbers of published and canceled
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

_COLUMNS = (
    Column("BATCH", lambda one: last(one.name)),
    Column("CYCLE", lambda one: last(one.billing_cycle)),
    Column("STATE", lambda one: state(one.state)),
    Column("FOR", lambda one: age(one.state_time), right=True),
    Column("CLOSED", lambda one: f"{one.counts.closed_count:,}", right=True),
    Column("MOVED", lambda one: f"{one.counts.moved_count:,}", right=True),
    Column("NUMBERED", lambda one: f"{one.counts.numbered_count:,}", right=True),
    Column("WAITS FOR", lambda one: waits_for(one)),  # noqa: PLW0108 - it stands below
)
_HISTORY = (
    Column("NO", lambda one: last(one.name), right=True),
    Column("STATE", lambda one: state(one.to_state)),
    Column("TIME", lambda one: moment(one.transition_time)),
    Column("BY", lambda one: one.caller),
    Column("CALL", lambda one: one.method),
    Column("WHY", lambda one: one.reason),
)


def state(number: int) -> str:
    """A state as people know it: its number and its word."""
    from countinghouse.invoicing.v1.invoice_batches_pb2 import InvoiceBatchState

    word = InvoiceBatchState.Name(number)  # type: ignore[arg-type]
    return f"{number} {word.removeprefix('INVOICE_BATCH_STATE_').lower().replace('_', ' ')}" if number else ""


def age(since: "Timestamp") -> str:
    """How long ago that is, in the largest unit that fits."""
    seconds = max(0, int((datetime.now(UTC) - since.ToDatetime(UTC)).total_seconds()))
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def batches(
    context: typer.Context,
    cycle: Cycle = "",
    every: Annotated[bool, typer.Option("--all", help="Also those that are published or canceled.")] = False,
    limit: Limit = 50,
    output: Output = Format.TABLE,
) -> None:
    """A board of invoice batches: where each stands, for how long, its counts, and what it waits for."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    numbers = [] if every else [each for each in range(1, len(pb.InvoiceBatchState.values())) if each not in _OVER]
    request = pb.ListInvoiceBatchesRequest(billing_cycle=cycle_name(cycle), states=numbers)  # type: ignore[arg-type]
    with session(context) as client:
        show_list(client.invoicing.list_batches(request, limit=limit or None), _COLUMNS, output)


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
    watch_: Annotated[bool, typer.Option("--watch", help="Show how it closes, then its history.")] = False,
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    validate_only: Annotated[bool, typer.Option("--validate-only", help="Show the batch; make none.")] = False,
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
    with session(context) as client:
        made = client.invoicing.create_batch(request)
        if watch_ and made.operation and not validate_only:
            follow_to_end(client, made.operation, timeout_s=max_wait)
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
        passed = 0
        for event in client.invoicing.watch_batch(batch, timeout_s=max_wait, on_retry=display.retry):
            if output is Format.JSON:
                print(json.dumps(jsonable(event), ensure_ascii=False), flush=True)
                continue
            for made in event.transitions:
                if (number := int(last(made.name))) > passed:
                    passed = number
                    display.note(_passed(made))
            if event.HasField("progress"):
                show_progress(display, event.invoice_batch.operation, event.progress)
            elif event.invoice_batch.HasField("hold"):
                display.note(f"Held: {event.invoice_batch.hold.message}")


def why(context: typer.Context, name: Batch, output: Output = Format.TABLE) -> None:
    """Why a batch stands where it does: what it waits for, since when, and who can move it on by which call."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    batch = full("invoiceBatches", name)
    with session(context) as client:
        found = client.invoicing.explain_batch(pb.ExplainInvoiceBatchRequest(name=batch))
        if output is not Format.TABLE:
            show_value(jsonable(found), output)
            return
        history = client.invoicing.list_transitions(pb.ListInvoiceBatchTransitionsRequest(parent=batch))
        _explain(found, history)


def engine(
    context: typer.Context,
    cycle: Cycle = "",
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Move on every batch that can move, each by an operation of its own."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    request = pb.RunInvoiceBatchEngineRequest(billing_cycle=cycle_name(cycle), request_id=request_id)
    with session(context) as client:
        run = client.invoicing.run_batch_engine(request)
        _show_run(follow(run, quiet=True, lines=False, timeout_s=max_wait), output)


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


def show_batch(batch: "InvoiceBatch", output: Format) -> None:
    """Show a batch and what it has come to."""
    if output is not Format.TABLE:
        show_value(jsonable(batch), output)
        return
    counts = batch.counts
    fields = [
        ("batch", last(batch.name)),
        ("cycle", last(batch.billing_cycle)),
        ("schedules", ", ".join(map(last, batch.schedules))),
        ("state", state(batch.state)),
        ("closes", moment(batch.close_time) if batch.HasField("close_time") else ""),
        ("waits for", batch.hold.message),
        ("closed", f"{counts.closed_count:,}"),
        ("moved", f"{counts.moved_count:,}"),
        ("numbers", f"{batch.first_number:,} and {batch.number_count - 1:,} more" if batch.number_count else ""),
        ("net", ", ".join(amount(each.net_amount) for each in counts.totals)),
        ("tax", ", ".join(amount(each.tax_amount) for each in counts.totals)),
        ("exported", f"{counts.exported_count:,}" if counts.exported_count else ""),
        ("files", last(batch.data_file_set)),
        ("published", moment(batch.publish_time) if batch.HasField("publish_time") else ""),
    ]
    show_fields((name, text) for name, text in fields if text)


def _explain(found: "ExplainInvoiceBatchResponse", history: "Iterable[InvoiceBatchTransition]") -> None:
    batch = found.invoice_batch
    show_fields(
        [
            ("batch", last(batch.name)),
            ("state", f"{state(batch.state)}, for {age(batch.state_time)}"),
            ("waits for", found.message),
            ("reason", found.reason),
            ("since", f"{moment(found.since_time)}, for {age(found.since_time)}"),
            *((name.replace("_", " "), f"{count:,}") for name, count in sorted(found.facts.items())),
        ]
    )
    if found.ways:
        columns = (Column("WHO", str), Column("CALL", str), Column("PERMISSION", str), Column("COMMAND", str))
        rows = [[_mover(way.mover), way.method, way.permission, _command(way.method, batch)] for way in found.ways]
        print()
        show_table(columns, rows)
    print()
    show_table(_HISTORY, [[column.text(made) for column in _HISTORY] for made in history])


def _command(method: str, batch: "InvoiceBatch") -> str:
    """The command that makes a call."""
    name, operation = last(batch.name), last(batch.operation)
    return {
        "RunInvoiceBatchEngine": "countinghouse invoicing engine",
        "AggregateInvoices": f"countinghouse invoicing aggregate {name}",
        "RunInvoiceExportEngine": "countinghouse invoicing export --watch",
        "PublishInvoiceBatch": f"countinghouse invoicing publish {name} --watch",
        "RetryInvoiceBatch": f"countinghouse invoicing retry {name}",
        "CancelInvoiceBatch": f"countinghouse invoicing cancel {name}",
        "ResumeOperation": f"countinghouse ops resume {operation}",
        "RecoverOperation": f"countinghouse ops recover {operation}",
    }.get(method, "")


def _mover(number: int) -> str:
    from countinghouse.invoicing.v1.invoice_batches_pb2 import InvoiceBatchMover

    word = InvoiceBatchMover.Name(number)  # type: ignore[arg-type]
    return word.removeprefix("INVOICE_BATCH_MOVER_").lower()


def waits_for(batch: "InvoiceBatch") -> str:
    """What the board says that a batch waits for: what holds it, else what usually does in its state."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    if batch.HasField("hold"):
        return batch.hold.message
    if batch.state == pb.INVOICE_BATCH_STATE_PENDING_CLOSE and batch.HasField("close_time"):
        return f"{moment(batch.close_time)}"
    return {
        pb.INVOICE_BATCH_STATE_AGGREGATING: "aggregation, then the engine",
        pb.INVOICE_BATCH_STATE_ORDERED: "its export",
        pb.INVOICE_BATCH_STATE_READY_FOR_PUBLISH: "somebody to publish it",
    }.get(batch.state, "" if batch.state in _OVER else "the engine")


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


def cycle_name(cycle: str) -> str:
    """The full name of a billing cycle; empty for none."""
    return full("billingCycles", cycle) if cycle else ""
