"""What an operation looks like at one moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

from google.longrunning import operations_pb2
from google.protobuf import any_pb2, descriptor_pool, empty_pb2, message_factory, unknown_fields
from google.protobuf.message import Message
from google.rpc import code_pb2

from countinghouse.client.errors import CountinghouseError, OperationCanceled, OperationFailed, error_from_status
from countinghouse.gl_extraction.v1 import extraction_pb2  # registers the types that operations of this contract carry
from countinghouse.operations.v1 import operations_pb2 as watch_pb2

ResponseT = TypeVar("ResponseT", bound=Message)
MetadataT = TypeVar("MetadataT", bound=Message)

KNOWN_FILES = (extraction_pb2.DESCRIPTOR,)


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[ResponseT, MetadataT]):
    """An operation as it stood, with its packed messages unpacked."""

    name: str
    """`operations/{operation}`."""
    done: bool
    progress: watch_pb2.OperationProgress
    """State, stages and notices; empty when the server sent no metadata."""
    metadata: MetadataT | None
    """None when the server sent none, or of a type that this client does not know."""
    response: ResponseT | None
    """The result; None until it has succeeded."""
    error: OperationFailed | None
    """Why it ended without success; None otherwise."""
    sequence: int
    """The place in the operation's history, by which a watch resumes; 0 outside of a watch."""
    event_time: datetime | None
    """When it happened, in UTC; None outside of a watch."""
    message: operations_pb2.Operation
    """The operation as it came."""

    def result(self) -> ResponseT:
        """The response of an operation that is done.

        Raises:
            OperationFailed: It ended with an error; OperationCanceled when it was canceled.
        """
        assert self.done, "asked for the result of an operation that is not done"
        if self.error is not None:
            raise self.error
        assert self.response is not None, "a response of a type that this client does not know"
        return self.response


def snapshot_from_operation(operation: operations_pb2.Operation) -> "Snapshot[ResponseT, MetadataT]":
    """A snapshot of an operation that a call returned."""
    return _snapshot(operation, sequence=0, event_time=None)


def snapshot_from_event(event: watch_pb2.WatchOperationResponse) -> "Snapshot[ResponseT, MetadataT]":
    """A snapshot of an event of a watch; not for heartbeats."""
    return _snapshot(event.operation, sequence=event.sequence, event_time=_instant(event))


def _snapshot(
    operation: operations_pb2.Operation, *, sequence: int, event_time: datetime | None
) -> "Snapshot[ResponseT, MetadataT]":
    return Snapshot(
        name=operation.name,
        done=operation.done,
        progress=_progress(operation.metadata),
        metadata=cast("MetadataT | None", _unpack(operation.metadata)),
        response=cast("ResponseT | None", _unpack(operation.response)) if operation.HasField("response") else None,
        error=_failure(operation),
        sequence=sequence,
        event_time=event_time,
        message=operation,
    )


def _failure(operation: operations_pb2.Operation) -> OperationFailed | None:
    if not operation.HasField("error"):
        return None
    cause: CountinghouseError = error_from_status(operation.error)
    kind = OperationCanceled if operation.error.code == code_pb2.CANCELLED else OperationFailed
    return kind(operation.name, cause)


def _unpack(packed: any_pb2.Any) -> Message | None:
    if not packed.type_url:
        return None
    try:
        descriptor = descriptor_pool.Default().FindMessageTypeByName(packed.TypeName())
    except KeyError:  # an operation of a newer server
        return None
    return message_factory.GetMessageClass(descriptor).FromString(packed.value)


def _progress(packed: any_pb2.Any) -> watch_pb2.OperationProgress:
    """Field 1 of every operation's metadata, also of types that this client does not know."""
    progress = watch_pb2.OperationProgress()
    fields = unknown_fields.UnknownFieldSet(empty_pb2.Empty.FromString(packed.value))
    for field in cast("Iterable[Any]", fields):
        if field.field_number == 1 and isinstance(field.data, bytes):
            progress.MergeFromString(field.data)
    return progress


def _instant(event: watch_pb2.WatchOperationResponse) -> datetime | None:
    return event.event_time.ToDatetime(tzinfo=UTC) if event.HasField("event_time") else None
