"""What the screen shows: a few short lists, each of them as it is or why it cannot be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from countinghouse.client.errors import PermissionDenied

if TYPE_CHECKING:
    from countinghouse.accounting.v1.assignments_pb2 import Assignment
    from countinghouse.accounting.v1.tasks_pb2 import Task
    from countinghouse.client import Client, Snapshot
    from countinghouse.invoicing.v1.invoice_batches_pb2 import InvoiceBatch
    from countinghouse.operations.v1.notifications_pb2 import Delivery

T = TypeVar("T")

AT_MOST = 1_000
"""Of each kind, how many are looked at."""

_FAILED, _OPERATIONS, _BATCHES = 20, 100, 100


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A list, or why it cannot be seen; `more`: there are others beyond it."""

    items: Sequence[T] = ()
    more: bool = False
    refused: str = ""

    @property
    def count(self) -> str:
        """How many there are, as far as it was looked."""
        return f"{len(self.items):,}{'+' if self.more else ''}"


@dataclass(frozen=True, slots=True)
class Queue:
    """A work queue: its entries by kind, how many are in hand and past their deadline, since when the oldest waits."""

    name: str
    kinds: Counter[int]
    in_hand: int
    late: int
    oldest: datetime

    @property
    def count(self) -> int:
        """All of its entries."""
        return self.kinds.total()


@dataclass(frozen=True, slots=True)
class Outbox:
    """What waits to go outside, of a kind and a state: how many to how many targets, the oldest, the last failure."""

    kind: int
    state: int
    count: int
    targets: int
    oldest: datetime
    failure: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found, at an instant of this machine."""

    at: datetime
    operations: Part[Snapshot[Any, Any]]
    batches: Part[InvoiceBatch]
    tasks: Part[Task]
    overdue: Part[Assignment]
    deliveries: Part[Delivery]

    def queues(self) -> list[Queue]:
        """The work queues, those with most late entries first."""
        by_name: dict[str, list[Task]] = {}
        for task in self.tasks.items:
            by_name.setdefault(task.queue, []).append(task)
        queues = [_queue(name, some, self.at) for name, some in by_name.items()]
        return sorted(queues, key=lambda one: (-one.late, one.name))

    def outbox(self) -> list[Outbox]:
        """What waits to go outside, by kind and state."""
        by_kind: dict[tuple[int, int], list[Delivery]] = {}
        for delivery in self.deliveries.items:
            by_kind.setdefault((delivery.kind, delivery.state), []).append(delivery)
        return [_outbox(kind, state, some) for (kind, state), some in sorted(by_kind.items())]


def look(client: Client) -> Seen:
    """One look at everything; what the caller may not see is refused in its part.

    Raises: CountinghouseError, as when the server is not there.
    """
    from google.longrunning.operations_pb2 import ListOperationsRequest

    from countinghouse.accounting.v1.assignments_pb2 import ListAssignmentsRequest
    from countinghouse.accounting.v1.tasks_pb2 import ListTasksRequest
    from countinghouse.cli.invoicing.standing import open_states
    from countinghouse.client.snapshot import snapshot_from_operation
    from countinghouse.invoicing.v1.invoice_batches_pb2 import ListInvoiceBatchesRequest
    from countinghouse.operations.v1.notifications_pb2 import DELIVERY_STATE_GIVEN_UP, DELIVERY_STATE_PENDING
    from countinghouse.operations.v1.notifications_pb2 import ListDeliveriesRequest as Deliveries

    failed = ListOperationsRequest(name="operations", filter="state = FAILED")
    running = ListOperationsRequest(name="operations", filter="done = false")
    open_batches = ListInvoiceBatchesRequest(states=open_states())
    waiting = _part(lambda: client.operations.list(failed, limit=_FAILED + 1), _FAILED)
    operations = _part(lambda: client.operations.list(running, limit=_OPERATIONS + 1), _OPERATIONS)
    pending = _part(
        lambda: client.notifications.list_deliveries(Deliveries(state=DELIVERY_STATE_PENDING), limit=AT_MOST + 1)
    )
    given_up = _part(
        lambda: client.notifications.list_deliveries(Deliveries(state=DELIVERY_STATE_GIVEN_UP), limit=AT_MOST + 1)
    )
    return Seen(
        at=datetime.now(UTC),
        operations=Part(
            [snapshot_from_operation(one) for one in (*waiting.items, *operations.items)],
            waiting.more or operations.more,
            operations.refused,
        ),
        batches=_part(lambda: client.invoicing.list_batches(open_batches, limit=_BATCHES + 1), _BATCHES),
        tasks=_part(lambda: client.accounting.list_tasks(ListTasksRequest(parent="clients/-"), limit=AT_MOST + 1)),
        overdue=_part(
            lambda: client.accounting.list_assignments(
                ListAssignmentsRequest(parent="claims/-", overdue=True), limit=AT_MOST + 1
            )
        ),
        deliveries=Part([*pending.items, *given_up.items], pending.more or given_up.more, pending.refused),
    )


def _part(listed: Callable[[], Iterable[T]], at_most: int = AT_MOST) -> Part[T]:
    """A list up to its bound. Raises: CountinghouseError unless it is the caller who may not see it."""
    try:
        found = list(islice(listed(), at_most + 1))
    except PermissionDenied as error:
        return Part(refused=error.message)
    return Part(found[:at_most], more=len(found) > at_most)


def _queue(name: str, tasks: Sequence[Task], at: datetime) -> Queue:
    return Queue(
        name,
        Counter(task.kind for task in tasks),
        sum(bool(task.assignee) for task in tasks),
        sum(task.HasField("due_time") and task.due_time.ToDatetime(UTC) < at for task in tasks),
        min(task.create_time.ToDatetime(UTC) for task in tasks),
    )


def _outbox(kind: int, state: int, deliveries: Sequence[Delivery]) -> Outbox:
    failed = max(deliveries, key=lambda one: one.attempt_time.ToDatetime(UTC))
    return Outbox(
        kind,
        state,
        len(deliveries),
        len({one.target for one in deliveries}),
        min(one.create_time.ToDatetime(UTC) for one in deliveries),
        failed.failure_reason,
    )
