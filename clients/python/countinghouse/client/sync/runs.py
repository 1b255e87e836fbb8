"""A billing run, watched across lost connections."""

from collections.abc import Iterator

from countinghouse.billing.v1 import billing_runs_pb2 as pb
from countinghouse.client.patience import OnRetry, Patience
from countinghouse.client.places import RunPlace
from countinghouse.client.sync.calls import Stream
from countinghouse.client.sync.feed import follow


class WatchRun:
    """Tells how a billing run goes (BIL-31). A lost connection is taken up where it was cut: nothing is missed."""

    def __init__(self, stream: Stream[pb.WatchBillingRunRequest, pb.WatchBillingRunResponse]) -> None:
        self._stream = stream

    def __call__(
        self,
        name: str,
        *,
        after_sequence: int = 0,
        timeout_s: float | None = None,
        patience_s: float = 90.0,
        on_retry: OnRetry | None = None,
    ) -> Iterator[pb.WatchBillingRunResponse]:
        """The run of an operation (`operations/{operation}`) as it stands, then after every change, until it is done.

        Raises:
            DeadlineExceeded: It was not done in `timeout_s` seconds; it goes on.
            CountinghouseError: What the server refused, or the last error when `patience_s` passed without any sign of
                the server, not even a heartbeat.
        """
        place = RunPlace(name, after_sequence, timeout_s)
        return follow(self._stream, place, Patience(patience_s, on_retry=on_retry))
