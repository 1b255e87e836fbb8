"""Long-running operations: start, watch, wait, pause, resume, cancel, recover."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Generic, TypeVar

from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.message import Message

from countinghouse.client.cursor import CUT, Cursor
from countinghouse.client.errors import CountinghouseError, OutOfRange
from countinghouse.client.patience import OnRetry, Patience
from countinghouse.client.snapshot import MetadataT, ResponseT, Snapshot, snapshot_from_event, snapshot_from_operation
from countinghouse.client.sync.calls import Caller, Unary
from countinghouse.client.sync.listing import Listing
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from countinghouse.operations.v1 import operations_pb2_grpc as watch_pb2_grpc

if TYPE_CHECKING:
    import grpc

RequestT = TypeVar("RequestT", bound=Message)


class Operations:
    """The operations of a server, whatever started them (`google.longrunning.Operations` and Watch)."""

    def __init__(self, caller: Caller, channel: "grpc.Channel") -> None:
        standard = operations_pb2_grpc.OperationsStub(channel)
        own = watch_pb2_grpc.OperationsServiceStub(channel)
        self.get = caller.unary(standard.GetOperation)
        self.list = Listing(caller.unary(standard.ListOperations), lambda page: page.operations)
        self.cancel = caller.unary(standard.CancelOperation)
        self.delete = caller.unary(standard.DeleteOperation)
        self.wait = caller.unary(standard.WaitOperation)
        self.pause = caller.unary(own.PauseOperation)
        self.resume = caller.unary(own.ResumeOperation)
        self.recover = caller.unary(own.RecoverOperation)
        self.watch = caller.stream(own.WatchOperation)

    def handle(self, name: str) -> "Operation[Message, Message]":
        """A handle for an operation that is known by name; no call is made."""
        return Operation(self, name)


class Operation(Generic[ResponseT, MetadataT]):
    """A handle for one operation.

    Attributes:
        name: `operations/{operation}`; may be empty for one that was done when it was started, such as a mere
            validation, which leaves no record.
        started: The operation as the call that started it returned it; None for a handle made from a name.
    """

    def __init__(self, operations: Operations, name: str, *, started: operations_pb2.Operation | None = None) -> None:
        self._operations = operations
        self.name = name
        self.started: Snapshot[ResponseT, MetadataT] | None = (
            None if started is None else snapshot_from_operation(started)
        )

    def get(self) -> Snapshot[ResponseT, MetadataT]:
        """The operation as it stands."""
        return snapshot_from_operation(self._operations.get(operations_pb2.GetOperationRequest(name=self.name)))

    def watch(
        self,
        *,
        after_sequence: int = 0,
        timeout_s: float | None = None,
        patience_s: float = 90.0,
        on_retry: OnRetry | None = None,
    ) -> Iterator[Snapshot[ResponseT, MetadataT]]:
        """The operation as it stands, then after every change, until it is done.

        A lost connection is taken up again where it was cut (PLT-21). The watch ends when `patience_s` pass without
        any sign of the server, not even a heartbeat.

        Raises:
            DeadlineExceeded: It was not done in `timeout_s` seconds; it goes on.
            CountinghouseError: What the server refused, or the last error when patience ran out.
        """
        if self.started is not None and self.started.done:
            yield self.started
            return
        patience = Patience(patience_s, on_retry=on_retry)
        cursor = Cursor(self.name, after_sequence, timeout_s)
        while not cursor.done:
            try:
                with closing(self._operations.watch(cursor.request(), timeout_s=cursor.leg_s())) as events:
                    for event in events:
                        patience.progressed()
                        if cursor.take(event):
                            yield snapshot_from_event(event)
                cut: CountinghouseError = cursor.ended_early()
            except (OutOfRange, *CUT) as error:
                cut = cursor.cut(error)
            if not cursor.done:
                time.sleep(patience.delay_s(cut))

    def wait(self, timeout_s: float = 3600.0) -> ResponseT:
        """The response, once the operation is done.

        Raises:
            OperationFailed: The operation ended with an error; OperationCanceled when it was canceled.
            DeadlineExceeded: It was not done in `timeout_s` seconds; it goes on.
        """
        for snapshot in self.watch(timeout_s=timeout_s):
            if snapshot.done:
                return snapshot.result()
        raise AssertionError("a watch ends with its operation or with an error")

    def cancel(self) -> None:
        """Ask the operation to stop at its next safe point (PLT-24); watch it to learn what was done."""
        self._operations.cancel(operations_pb2.CancelOperationRequest(name=self.name))

    def pause(self) -> Snapshot[ResponseT, MetadataT]:
        """Do nothing more of the operation until it is resumed (PLT-24); what was done stays.

        Raises:
            FailedPrecondition: It has ended, or is paused or being canceled already.
        """
        request = watch_pb2.PauseOperationRequest(name=self.name)
        return snapshot_from_operation(self._operations.pause(request))

    def resume(self) -> Snapshot[ResponseT, MetadataT]:
        """Go on with a paused operation from where it stood (PLT-24).

        Raises:
            FailedPrecondition: It is not in the state PAUSED.
        """
        request = watch_pb2.ResumeOperationRequest(name=self.name)
        return snapshot_from_operation(self._operations.resume(request))

    def recover(self) -> Snapshot[ResponseT, MetadataT]:
        """Run a failed operation again from where it stood (PLT-24).

        Raises:
            FailedPrecondition: It is not in the state FAILED.
        """
        recovered = self._operations.recover(watch_pb2.RecoverOperationRequest(name=self.name))
        self.started = None
        return snapshot_from_operation(recovered)

    def delete(self) -> None:
        """Remove the record of an operation that has ended; what it made stays (PLT-20)."""
        self._operations.delete(operations_pb2.DeleteOperationRequest(name=self.name))


class LongRunning(Generic[RequestT, ResponseT, MetadataT]):
    """A method that starts an operation."""

    def __init__(self, method: Unary[RequestT, operations_pb2.Operation], operations: Operations) -> None:
        self._method = method
        self._operations = operations

    def __call__(self, request: RequestT, *, timeout_s: float | None = None) -> Operation[ResponseT, MetadataT]:
        """Start it; the handle comes back at once."""
        started = self._method(request, timeout_s=timeout_s)
        return Operation(self._operations, started.name, started=started)
