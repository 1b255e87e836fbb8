"""Operations become executed: the one place, whoever carried them out (ACC-04, ACC-06, ACC-32, ACC-56).

With the operation go its assignment, the balances, the tasks that waited for it, the second operation that waits for
it, the accounting details, and the events: all in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import Connection

from domain.accounting.claims import store as claims
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution import starting
from domain.accounting.execution.closing import Key, close_tasks
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.starting import Ready
from domain.accounting.execution.states import AssignmentState, may_become
from domain.accounting.execution.store import assignments
from domain.accounting.feed import service as feed
from domain.accounting.feed.model import EventKind, NewEvent
from domain.accounting.performing import telling
from domain.accounting.performing.errors import OperationNotFound, OperationTransition
from domain.accounting.performing.model import Operation
from domain.accounting.performing.states import OperationState
from domain.accounting.performing.store import balances, operations
from domain.accounting.performing.store.balances import Move
from domain.kernel.call import Call
from domain.kernel.script import Script


class Posting(Protocol):
    """What tells the general ledger of executed operations: contexts hand in values, a flow posts (`domain/flows`)."""

    def post(self, tx: Connection, call: Call, executed: Sequence[Operation]) -> None:
        """Make the accounting details of these operations, or of none."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that was carried out: when, by whom, and what the one who did it calls it.

    `attempts` is how many calls it took, 0 where none was made, or it is not known. `batch_no` is that of the batch
    file it stands in, 0 for none.
    """

    claim_id: str
    operation_id: str
    executed_us: int
    executed_by: str
    external_reference: str = ""
    attempts: int = 0
    batch_no: int = 0

    @property
    def key(self) -> Key:
        """The ids of claim and operation."""
        return self.claim_id, self.operation_id


@dataclass(frozen=True, slots=True)
class _Settled:
    """What changes when operations are executed."""

    executed: list[Operation]
    assignments: list[Assignment]
    ready: list[Ready]


def settle(
    tx: Connection, call: Call, configurations: Configurations, posting: Posting, done: Sequence[Done]
) -> list[Operation]:
    """Record that operations were executed; gives them, and those that followed on them at once.

    Locks the claims, in the order of their ids. Raises: OperationNotFound; OperationTransition for one that is not
    pending; what posting refuses. Cost: about a dozen statements and those of the posting, however many.
    """
    if not done:
        return []
    claims.lock_many(tx, {each.claim_id for each in done})
    settled = _settled(tx, call, done)
    script = Script(tx)
    close_tasks(tx, script, [_key(each) for each in settled.executed], call, outcome="EXECUTED")
    operations.change(script, settled.executed)
    assignments.change(script, settled.assignments)
    balances.move(script, [Move(each, executed=1, pending=-1) for each in settled.executed])
    starting.begin(tx, script, call, settled.ready, configurations.current(tx).clients)
    posted = [each for each in settled.executed if each.posts]
    if posted:
        posting.post(tx, call, posted)
    feed.record(tx, [event for each in settled.executed for event in _events(each, call.now_us)])
    telling.tell(tx, call, "accounting.executed", settled.executed, {})
    return settled.executed


def _settled(tx: Connection, call: Call, done: Sequence[Done]) -> _Settled:
    keys = [each.key for each in done]
    there, assigned = operations.find_many(tx, keys), assignments.find_many(tx, keys)
    following = operations.settling(tx, keys)
    waiting = assignments.find_many(tx, map(_key, following.values()))
    found = _Settled([], [], [])
    for each in done:
        first = _executed(there.get(each.key), each)
        found.executed.append(first)
        if assignment := assigned.get(each.key):
            found.assignments.append(_completed(assignment, each, call.now_us))
        second = following.get(each.key)
        if second is None or second.state is not OperationState.PENDING:
            continue
        if second.tracking_only:
            found.executed.append(
                replace(
                    second,
                    state=OperationState.EXECUTED,
                    executed_us=each.executed_us,
                    executed_by=second.performed_by,
                )
            )
        else:
            found.ready.append((second, waiting[_key(second)]))
    return found


def _executed(operation: Operation | None, done: Done) -> Operation:
    if operation is None:
        raise OperationNotFound(*done.key)
    if operation.state is not OperationState.PENDING:
        raise OperationTransition(operation.name, state=operation.state, wanted=OperationState.EXECUTED)
    return replace(
        operation,
        state=OperationState.EXECUTED,
        executed_us=done.executed_us,
        executed_by=done.executed_by,
        external_reference=done.external_reference,
    )


def _completed(assignment: Assignment, done: Done, now_us: int) -> Assignment:
    assert may_become(assignment.state, AssignmentState.COMPLETED), assignment.state
    return replace(
        assignment,
        state=AssignmentState.COMPLETED,
        attempts=done.attempts or assignment.attempts,
        batch_no=done.batch_no or assignment.batch_no,
        unanswered=False,
        reason="",
        message="",
        updated_us=now_us,
    )


def _events(operation: Operation, now_us: int) -> list[NewEvent]:
    found = [_event(operation, EventKind.OPERATION_EXECUTED, operation.operation_id, now_us)]
    if operation.reverses_id:
        found.append(_event(operation, EventKind.OPERATION_REVERSED, operation.reverses_id, now_us))
    return found


def _event(operation: Operation, kind: EventKind, operation_id: str, now_us: int) -> NewEvent:
    return NewEvent(operation.claim_id, operation.client_code, kind, operation_id, now_us)


def _key(operation: Operation) -> Key:
    return operation.claim_id, operation.operation_id
