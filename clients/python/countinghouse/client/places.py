"""Where a watch stands, so that it can be taken up again after it was cut."""

import time
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from countinghouse.accounting.v1 import feed_pb2
from countinghouse.billing.v1 import billing_runs_pb2
from countinghouse.client.cursor import LEG_S
from countinghouse.client.errors import DeadlineExceeded, Unavailable
from countinghouse.invoicing.v1 import invoice_batches_pb2

RequestT_co = TypeVar("RequestT_co", bound=Message, covariant=True)
MessageT_contra = TypeVar("MessageT_contra", bound=Message, contravariant=True)


class Place(Protocol[RequestT_co, MessageT_contra]):
    """What was seen last, and the time that the whole watch may take."""

    def request(self) -> RequestT_co:
        """Asks for what comes after the last message seen."""
        ...

    def take(self, message: MessageT_contra) -> bool:
        """Move on to a message; tells whether it is news, not a heartbeat."""
        ...

    def leg_s(self) -> float:
        """Seconds that the next call may take; 0 when the watch is over."""
        ...

    def ended(self) -> Unavailable:
        """The error of a stream that ended before the watch was over."""
        ...


class _Timed:
    def __init__(self, name: str, timeout_s: float | None) -> None:
        self._name = name
        self._until = None if timeout_s is None else time.monotonic() + timeout_s

    def leg_s(self) -> float:
        """Seconds that the next call may take; 0 when the time of the watch is over."""
        return LEG_S if self._until is None else min(LEG_S, max(0.0, self._until - time.monotonic()))

    def ended(self) -> Unavailable:
        """The error of a stream that ended, as these never do by themselves."""
        return Unavailable(f"the watch of {self._name} ended")


class ClientPlace(_Timed):
    """The last position seen of a client's events; None: none, and only events from now on are asked for."""

    def __init__(self, parent: str, after_position: int | None, timeout_s: float | None) -> None:
        super().__init__(parent, timeout_s)
        self._position = after_position

    def request(self) -> feed_pb2.WatchAccountingEventsRequest:
        """Asks for what comes after the last message seen."""
        return feed_pb2.WatchAccountingEventsRequest(parent=self._name, after_position=self._position)

    def take(self, message: feed_pb2.WatchAccountingEventsResponse) -> bool:
        """Move on to a message; tells whether it is an event."""
        self._position = message.position
        return message.HasField("event")


class ClaimPlace(_Timed):
    """The last sequence seen of a claim's events; 0: none, and the claim comes first."""

    def __init__(self, name: str, after_sequence: int, timeout_s: float | None) -> None:
        super().__init__(name, timeout_s)
        self._sequence = after_sequence

    def request(self) -> feed_pb2.WatchClaimRequest:
        """Asks for what comes after the last message seen."""
        return feed_pb2.WatchClaimRequest(name=self._name, after_sequence=self._sequence)

    def take(self, message: feed_pb2.WatchClaimResponse) -> bool:
        """Move on to a message; tells whether it is an event, or the claim."""
        self._sequence = message.sequence
        return not message.HasField("heartbeat")


class RunPlace(_Timed):
    """The last sequence seen of a billing run; 0: none, and the run comes first. It is over once the run is done."""

    def __init__(self, name: str, after_sequence: int, timeout_s: float | None) -> None:
        super().__init__(name, timeout_s)
        self._sequence = after_sequence
        self._timeout_s = timeout_s
        self._silent = True
        self._done = False

    def request(self) -> billing_runs_pb2.WatchBillingRunRequest:
        """Asks for what comes after the last message seen."""
        self._silent = True
        return billing_runs_pb2.WatchBillingRunRequest(name=self._name, after_sequence=self._sequence)

    def take(self, message: billing_runs_pb2.WatchBillingRunResponse) -> bool:
        """Move on to a message; tells whether it is the run."""
        self._silent = False
        self._sequence = message.sequence
        self._done = message.billing_run.done
        return message.HasField("billing_run")

    def leg_s(self) -> float:
        """Seconds that the next call may take; 0 when the run is done.

        Raises:
            DeadlineExceeded: The time of the watch is over.
        """
        if self._done:
            return 0.0
        if not (left_s := super().leg_s()):
            raise DeadlineExceeded(f"{self._name} was not done in {self._timeout_s:g} s; it goes on")
        return left_s

    def ended(self) -> Unavailable:
        """The error of a stream that ended before the run did; after a silent one the run as it stands is asked for."""
        if self._silent:
            self._sequence = 0
        return super().ended()


class BatchPlace(_Timed):
    """The last sequence seen of a batch of invoices; 0: none. It is over once nothing comes after the batch's state."""

    _OVER = (invoice_batches_pb2.INVOICE_BATCH_STATE_PUBLISHED, invoice_batches_pb2.INVOICE_BATCH_STATE_CANCELED)

    def __init__(self, name: str, after_sequence: int, timeout_s: float | None) -> None:
        super().__init__(name, timeout_s)
        self._sequence = after_sequence
        self._over = False

    def request(self) -> invoice_batches_pb2.WatchInvoiceBatchRequest:
        """Asks for what comes after the last message seen."""
        return invoice_batches_pb2.WatchInvoiceBatchRequest(name=self._name, after_sequence=self._sequence)

    def take(self, message: invoice_batches_pb2.WatchInvoiceBatchResponse) -> bool:
        """Move on to a message; tells whether it is the batch."""
        self._sequence = message.sequence
        batch = message.invoice_batch
        self._over = batch.state in self._OVER and message.sequence >= batch.sequence
        return message.HasField("invoice_batch")

    def leg_s(self) -> float:
        """Seconds that the next call may take; 0 when the batch is over, or the time of the watch."""
        return 0.0 if self._over else super().leg_s()


class BoardPlace(_Timed):
    """The last sequence seen of all batches of invoices, of a cycle or of all; 0: none."""

    def __init__(self, cycle: str, after_sequence: int, timeout_s: float | None) -> None:
        super().__init__(cycle or "invoice batches", timeout_s)
        self._cycle = cycle
        self._sequence = after_sequence

    def request(self) -> invoice_batches_pb2.WatchInvoiceBatchesRequest:
        """Asks for what comes after the last message seen."""
        return invoice_batches_pb2.WatchInvoiceBatchesRequest(billing_cycle=self._cycle, after_sequence=self._sequence)

    def take(self, message: invoice_batches_pb2.WatchInvoiceBatchesResponse) -> bool:
        """Move on to a message; tells whether it is a board."""
        self._sequence = message.sequence
        return message.HasField("board")
