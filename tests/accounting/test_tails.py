"""What the poller keeps at hand of events, for those who watch: never with a gap."""

from __future__ import annotations

import pytest

from countinghouse.accounting.v1 import feed_pb2
from server.servicers.accounting.subjects import KEPT_MAX, Tail


def messages(first: int, last: int) -> list[feed_pb2.WatchClaimResponse]:
    return [feed_pb2.WatchClaimResponse(sequence=at) for at in range(first, last + 1)]


@pytest.mark.rule("ACC-56")
def test_a_watcher_gets_exactly_what_is_behind_its_place() -> None:
    """All that it has not seen, or nothing at all when some of that is not at hand: then it reads for itself."""
    begun: Tail[feed_pb2.WatchClaimResponse] = Tail(7)
    tail = begun.grown(messages(8, 10), 10)
    assert tail.after(6) is None
    assert [message.sequence for message in tail.after(7) or ()] == [8, 9, 10]
    assert [message.sequence for message in tail.after(9) or ()] == [10]
    assert tail.after(10) == ()


@pytest.mark.rule("ACC-56")
def test_events_that_do_not_join_on_take_the_place_of_those_before() -> None:
    """More came at once than are read: what is kept has no gap, and is bounded."""
    begun: Tail[feed_pb2.WatchClaimResponse] = Tail(7)
    tail = begun.grown(messages(8, 10), 10)
    joined = tail.grown(messages(11, 12), 12)
    assert [message.sequence for message in joined.messages] == [8, 9, 10, 11, 12]
    apart = tail.grown(messages(301, 500), 500)
    assert apart.after(10) is None
    assert [message.sequence for message in apart.after(498) or ()] == [499, 500]
    long = apart.grown(messages(501, 600), 600)
    assert len(long.messages) == KEPT_MAX
    assert long.after(400) is not None
    assert long.after(399) is None
