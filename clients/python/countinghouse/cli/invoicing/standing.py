"""How an invoice batch stands, in words: its state, for how long, what it has come to and waits for."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from countinghouse.cli.names import last
from countinghouse.cli.output import Column, Format, amount, jsonable, moment, show_fields, show_value, word

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from countinghouse.invoicing.v1.invoice_batches_pb2 import InvoiceBatch, InvoiceBatchState

OVER = (8, 10)  # the numbers of published and canceled
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

COLUMNS = (
    Column("BATCH", lambda one: last(one.name)),
    Column("CYCLE", lambda one: last(one.billing_cycle)),
    Column("STATE", lambda one: state(one.state)),
    Column("FOR", lambda one: age(one.state_time), right=True),
    Column("CLOSED", lambda one: f"{one.counts.closed_count:,}", right=True),
    Column("MOVED", lambda one: f"{one.counts.moved_count:,}", right=True),
    Column("NUMBERED", lambda one: f"{one.counts.numbered_count:,}", right=True),
    Column("WAITS FOR", lambda one: waits_for(one), prose=True),  # noqa: PLW0108 - it stands below
)


def state(number: int) -> str:
    """A state as people know it: its number and its word."""
    from countinghouse.invoicing.v1.invoice_batches_pb2 import InvoiceBatchState

    if number not in InvoiceBatchState.values():  # of a newer server
        return str(number)
    return f"{number} {word(InvoiceBatchState, InvoiceBatchState.ValueType(number))}" if number else ""


def open_states() -> "list[InvoiceBatchState.ValueType]":
    """The states of batches that are not over."""
    from countinghouse.invoicing.v1.invoice_batches_pb2 import InvoiceBatchState

    return [each for each in InvoiceBatchState.values() if each and each not in OVER]


def age(since: "Timestamp") -> str:
    """How long ago that is, in the largest unit that fits."""
    seconds = max(0, int((datetime.now(UTC) - since.ToDatetime(UTC)).total_seconds()))
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def waits_for(batch: "InvoiceBatch") -> str:
    """What the board says that a batch waits for: what holds it, else what usually does in its state."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    if batch.HasField("hold"):
        return batch.hold.message
    if batch.state == pb.INVOICE_BATCH_STATE_PENDING_CLOSE and batch.close_time.ToDatetime(UTC) > datetime.now(UTC):
        return f"its time, {moment(batch.close_time)}"
    return {
        pb.INVOICE_BATCH_STATE_AGGREGATING: "aggregation, then the engine",
        pb.INVOICE_BATCH_STATE_ORDERED: "its export",
        pb.INVOICE_BATCH_STATE_READY_FOR_PUBLISH: "somebody to publish it",
    }.get(batch.state, "" if batch.state in OVER else "the engine")


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
