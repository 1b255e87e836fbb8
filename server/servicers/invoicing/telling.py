"""What changes batches of invoices, told to those who watch them and to workers."""

from __future__ import annotations

from collections.abc import Callable

from google.longrunning import operations_pb2 as longrunning_pb2
from google.protobuf.message import Message

from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.working import ALL
from domain.invoicing.names import batch_name
from domain.kernel.call import Call
from domain.operations.model import Operation
from server.call import Calls, Context, Tx
from server.mapping import kinds
from server.mapping.invoicing.invoice_batches import batch_to_proto
from server.mapping.operations import id_from_name


async def changed(
    calls: Calls, context: Context, request: Message, change: Callable[[Tx, Call], Batch]
) -> pb.InvoiceBatch:
    """Change a batch; its watchers are told, and workers of the operation that it begins."""
    answer = await calls.write(context, request, pb.InvoiceBatch, lambda tx, call: batch_to_proto(change(tx, call)))
    tell_watchers(calls, answer.name)
    if answer.operation:
        calls.announce(context, id_from_name(answer.operation))
    return answer


def tell_watchers(calls: Calls, name: str) -> None:
    """A batch has changed: those who watch it are told, and those who watch all; to be called after the commit."""
    calls.announce_change(name)
    calls.announce_change(batch_name(ALL))


async def started(
    calls: Calls, context: Context, request: Message, start: Callable[[Tx, Call], Operation]
) -> longrunning_pb2.Operation:
    """Begin an operation; workers are told."""
    answer = await calls.write(
        context, request, longrunning_pb2.Operation, lambda tx, call: kinds.to_proto(start(tx, call))
    )
    calls.announce(context, id_from_name(answer.name))
    return answer
