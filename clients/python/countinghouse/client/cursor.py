"""Where a watch stands, so that it can be taken up again after it was cut."""

import time

from countinghouse.client.errors import (
    Canceled,
    CountinghouseError,
    DeadlineExceeded,
    OutOfRange,
    TokenExpired,
    Unavailable,
)
from countinghouse.operations.v1 import operations_pb2

CUT = (Unavailable, DeadlineExceeded, Canceled, TokenExpired)
"""What a lost connection, a bounded call that ran out, a draining server or a token that ran out looks like."""

LEG_S = 600.0
"""A watch is one bounded call after another; seconds of each."""


class Cursor:
    """The last sequence seen of one operation, and the time that the whole watch may take."""

    def __init__(self, name: str, after_sequence: int, timeout_s: float | None) -> None:
        self._name = name
        self._asked = after_sequence
        self._sequence = after_sequence
        self._timeout_s = timeout_s
        self._until = None if timeout_s is None else time.monotonic() + timeout_s
        self._silent = True
        self.done = False

    def request(self) -> operations_pb2.WatchOperationRequest:
        """Asks for what comes after the last event seen."""
        self._silent = True
        return operations_pb2.WatchOperationRequest(name=self._name, after_sequence=self._sequence)

    def leg_s(self) -> float:
        """Seconds that the next call may take.

        Raises:
            DeadlineExceeded: The time of the watch is over.
        """
        if self._until is None:
            return LEG_S
        remaining_s = self._until - time.monotonic()
        if remaining_s <= 0:
            raise self._over()
        return min(LEG_S, remaining_s)

    def take(self, event: operations_pb2.WatchOperationResponse) -> bool:
        """Move on to `event`; tells whether it is a snapshot, not a heartbeat."""
        self._silent = False
        self._sequence = max(self._sequence, event.sequence)
        if not event.HasField("operation"):
            return False
        self.done = event.operation.done
        return True

    def cut(self, error: CountinghouseError) -> CountinghouseError:
        """Decide what an error means: the watch goes on after a pause, or the error is raised.

        A cursor that grew too old while the connection was down begins anew with the present state, which stands for
        everything before it; one that the caller handed in is the caller's mistake to hear of.
        """
        if self.done:
            return error
        if self._until is not None and time.monotonic() >= self._until:
            raise self._over() from error
        if isinstance(error, OutOfRange):
            if self._sequence == self._asked:
                raise error
            self._sequence = self._asked = 0
        return error

    def ended_early(self) -> CountinghouseError:
        """The error of a stream that ended although the end of the operation was not seen.

        One that ended without a word had nothing more to tell: whoever asked has seen the end before. The next call
        asks for the present state, so that the end is seen here too.
        """
        if self._silent:
            self._sequence = self._asked = 0
        return Unavailable(f"the watch of {self._name} ended before the operation did")

    def _over(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"{self._name} was not done in {self._timeout_s:g} s; it goes on")
