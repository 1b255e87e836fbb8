"""Following an operation from what the caller has seen of it to its end, as all watches of operations do (PLT-21)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from domain.kernel.call import Call
from domain.operations.errors import WatchCursorAhead
from domain.operations.model import Operation
from server.call import Calls, Context, Tx
from server.servicers.operations.subject import OPERATIONS, Snapshot, snapshot_of
from server.watcher import Watcher

Look = Callable[[Tx, Call, str], Operation]
"""Gives the operation with an id as it stands; raises what stands against watching it."""


async def follow(
    calls: Calls,
    watcher: Watcher,
    context: Context,
    operation_id: str,
    look: Look,
    *,
    after_sequence: int,
    heartbeat_s: float,
) -> AsyncGenerator[tuple[Snapshot, bool], None]:
    """The operation now if the caller has not seen that, then after each change, until it is done.

    With each snapshot comes whether it is news; one that is not says that nothing has changed for `heartbeat_s`.

    Raises: what `look` raises; WatchCursorAhead; what `Following.after` raises.
    """
    calls.about(context, operation_id)
    watcher.check()
    with watcher.follow(OPERATIONS, operation_id) as following:
        seen = await calls.look(context, lambda tx, call: snapshot_of(look(tx, call, operation_id)))
        following.saw(seen)
        if after_sequence > seen.revision:
            raise WatchCursorAhead(after_sequence=after_sequence, sequence=seen.revision)
        if after_sequence < seen.revision:
            yield seen, True
        while not seen.proto.done:
            fresh = await following.after(seen.revision, timeout_s=heartbeat_s)
            seen = fresh or seen
            yield seen, fresh is not None
