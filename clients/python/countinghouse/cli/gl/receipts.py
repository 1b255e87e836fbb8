"""`countinghouse gl acknowledge`, `reject`, `receipts` and `awaited`: what the receiver says of messages."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.choices import ReceiptState
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    jsonable,
    moment,
    say,
    show_list,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.client import Client
    from countinghouse.gl_extraction.v1.receipts_pb2 import (
        AcknowledgeMessagesResponse,
        BatchReceipt,
        MessageRange,
        MessageReceipt,
        RejectMessagesResponse,
    )

Batch = Annotated[str, typer.Argument(metavar="BATCH", help="The GL extraction batch id.")]
Messages = Annotated[
    list[str] | None, typer.Argument(metavar="[MESSAGES]...", help="Message ids, or ranges of them such as 17-42.")
]
All = Annotated[bool, typer.Option("--all", help="All messages of the batch.")]
Reference = Annotated[str, typer.Option(help="The receiver's own reference.")]
RequestId = Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")]


def _state(one: "MessageReceipt") -> str:
    from countinghouse.gl_extraction.v1.receipts_pb2 import MessageReceiptState

    return word(MessageReceiptState, one.state)


COLUMNS = (
    Column("FIRST", lambda one: str(one.first_message_id), right=True),
    Column("LAST", lambda one: str(one.last_message_id), right=True),
    Column("STATE", _state),
    Column("SAID", lambda one: moment(one.update_time)),
    Column("BY", lambda one: one.caller),
    Column("REFERENCE", lambda one: one.reference),
    Column("REASON", lambda one: one.reason, prose=True),
)


def _age(one: "BatchReceipt") -> str:
    passed = datetime.now(UTC) - one.complete_time.ToDatetime(tzinfo=UTC)
    return str(timedelta(seconds=max(0, int(passed.total_seconds()))))


BATCH_COLUMNS = (
    Column("BATCH", lambda one: last(one.extraction_batch)),
    Column("COMPLETED", lambda one: moment(one.complete_time)),
    Column("AGE", _age, right=True),
    Column("MESSAGES", lambda one: f"{one.counts.message_count:,}", right=True),
    Column("OPEN", lambda one: f"{one.counts.open_count:,}", right=True),
    Column("ACKNOWLEDGED", lambda one: f"{one.counts.acknowledged_count:,}", right=True),
    Column("REJECTED", lambda one: f"{one.counts.rejected_count:,}", right=True),
    Column("FIRST MESSAGE", lambda one: str(one.first_message_id or ""), right=True),
    Column("SET", lambda one: last(one.data_file_set)),
)


def acknowledge(
    context: typer.Context,
    batch: Batch,
    messages: Messages = None,
    all_: All = False,
    reference: Reference = "",
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Say that the receiver has taken messages of a batch. This is final."""
    from countinghouse.gl_extraction.v1 import receipts_pb2

    with session(context) as client:
        request = receipts_pb2.AcknowledgeMessagesRequest(
            name=full("extractionBatches", batch),
            message_ranges=_ranges(client, batch, messages or [], all_=all_),
            reference=reference,
            request_id=request_id,
        )
        _show(client.gl.acknowledge_messages(request), "acknowledged", output)


def reject(
    context: typer.Context,
    batch: Batch,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")],
    messages: Messages = None,
    all_: All = False,
    reference: Reference = "",
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Say that the receiver does not take messages of a batch. This is final; the batch can be sent again."""
    from countinghouse.gl_extraction.v1 import receipts_pb2

    with session(context) as client:
        request = receipts_pb2.RejectMessagesRequest(
            name=full("extractionBatches", batch),
            message_ranges=_ranges(client, batch, messages or [], all_=all_),
            reason=reason,
            reference=reference,
            request_id=request_id,
        )
        answer = client.gl.reject_messages(request)
    _show(answer, "rejected", output)
    if answer.HasField("resend"):
        say(f"Send it again: countinghouse gl extract --batch {answer.resend.gl_extraction_batch_id}")


def receipts(
    context: typer.Context,
    batch: Batch,
    state: Annotated[ReceiptState | None, typer.Option(help="Only messages in this state.")] = None,
    limit: Limit = 0,
    output: ListOutput = Format.TABLE,
) -> None:
    """List what was said of a batch's messages, in ranges; of open ones nothing was said yet."""
    from countinghouse.gl_extraction.v1 import receipts_pb2

    request = receipts_pb2.ListMessageReceiptsRequest(
        parent=full("extractionBatches", batch), state=choices.number(receipts_pb2.MessageReceiptState, state)
    )
    with session(context) as client:
        show_list(client.gl.list_message_receipts(request, limit=limit or None), COLUMNS, output)


def awaited(
    context: typer.Context,
    rejected: Annotated[bool, typer.Option("--rejected", help="Batches with rejected messages instead.")] = False,
    hours: Annotated[float, typer.Option("--older-than", min=0, help="Completed more than so many hours ago.")] = 0,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List batches with messages of which the receiver has said nothing yet, oldest first."""
    from countinghouse.gl_extraction.v1 import receipts_pb2

    before = datetime.now(UTC) - timedelta(hours=hours)
    request = receipts_pb2.ListBatchReceiptsRequest(
        receipts=receipts_pb2.BATCH_RECEIPTS_REJECTED if rejected else receipts_pb2.BATCH_RECEIPTS_AWAITED,
        completed_before=choices.instant(before) if hours else None,
    )
    with session(context) as client:
        show_list(client.gl.list_batch_receipts(request, limit=limit or None), BATCH_COLUMNS, output)


def _ranges(client: "Client", batch: str, messages: list[str], *, all_: bool) -> "list[MessageRange]":
    from countinghouse.gl_extraction.v1 import extraction_pb2
    from countinghouse.gl_extraction.v1.receipts_pb2 import MessageRange

    if all_ == bool(messages):
        raise typer.BadParameter("give message ids, or --all", param_hint="MESSAGES")
    if all_:
        asked = extraction_pb2.GetExtractionBatchRequest(name=full("extractionBatches", batch))
        found = client.gl.get_batch(asked)
        if not found.message_count:
            raise typer.BadParameter(f"batch {last(found.name)} has no messages", param_hint="BATCH")
        last_id = found.first_message_id + found.message_count - 1
        return [MessageRange(first_message_id=found.first_message_id, last_message_id=last_id)]
    return [MessageRange(first_message_id=first, last_message_id=end) for first, end in map(_range, messages)]


def _range(text: str) -> tuple[int, int]:
    first, dash, end = text.partition("-")
    if not first.isdecimal() or not (end.isdecimal() if dash else True):
        raise typer.BadParameter(f"{text!r} is neither a message id nor a range such as 17-42", param_hint="MESSAGES")
    return int(first), int(end or first)


def _show(answer: "AcknowledgeMessagesResponse | RejectMessagesResponse", verb: str, output: Format) -> None:
    if output is not Format.TABLE:
        show_value(jsonable(answer), output)
        return
    counts, changed, again = answer.counts, answer.changed_count, answer.unchanged_count
    before = f", {again:,} {'was' if again == 1 else 'were'} before" if again else ""
    print(f"{changed:,} {'message' if changed == 1 else 'messages'} {verb}{before}")
    print(
        f"of {counts.message_count:,}: {counts.acknowledged_count:,} acknowledged, {counts.rejected_count:,} rejected, "
        f"{counts.open_count:,} open"
    )
