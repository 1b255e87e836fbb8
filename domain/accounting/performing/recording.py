"""What was planned becomes rows, all in one go: operations, assignments, balances, what carries them out, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from domain.accounting.channels import registry
from domain.accounting.channels.ways import Due
from domain.accounting.configuration.model import Client
from domain.accounting.execution.states import AssignmentState
from domain.accounting.execution.store import assignments
from domain.accounting.feed import service as feed
from domain.accounting.feed.model import EventKind, NewEvent
from domain.accounting.performing.gathering import Gathered
from domain.accounting.performing.model import Operation
from domain.accounting.performing.planning import Planned
from domain.accounting.performing.states import OperationState
from domain.accounting.performing.store import balances, operations
from domain.accounting.performing.store.balances import Move
from domain.kernel.script import Script


def record(tx: Connection, script: Script, planned: Sequence[Planned], gathered: Gathered, *, now_us: int) -> None:
    """Record operations that were planned just now, by what was gathered for them.

    Cost: five statements of the script, and what the channels need.
    """
    made = [each.operation for each in planned]
    operations.insert(script, made)
    balances.move(script, [_entered(operation) for operation in made])
    begin(tx, script, planned, gathered.snapshot.clients, now_us=now_us)
    events_made = {claim_id: claim.events_made for claim_id, claim in gathered.claims.items()}
    feed.add(script, [event for operation in made for event in _events(operation, now_us)], events_made)


def begin(
    tx: Connection, script: Script, planned: Sequence[Planned], clients: Mapping[str, Client], *, now_us: int
) -> None:
    """Add the assignments of operations, and have those carried out that are due from now on."""
    assignments.insert(script, [each.assignment for each in planned if each.assignment])
    due = [
        Due(each.operation, each.assignment, clients[each.operation.client_code].settings)
        for each in planned
        if each.assignment and each.assignment.state is AssignmentState.PENDING
    ]
    registry.begin(tx, script, due, now_us=now_us)


def _entered(operation: Operation) -> Move:
    if operation.state is OperationState.EXECUTED:
        return Move(operation, executed=1, pending=0)
    return Move(operation, executed=0, pending=1)


def _events(operation: Operation, now_us: int) -> list[NewEvent]:
    kinds = [EventKind.OPERATION_CREATED]
    if operation.state is OperationState.EXECUTED:
        kinds.append(EventKind.OPERATION_EXECUTED)
    events = [
        NewEvent(operation.claim_id, operation.client_code, kind, operation.operation_id, now_us) for kind in kinds
    ]
    if operation.reverses_id and operation.state is OperationState.EXECUTED:
        kind = EventKind.OPERATION_REVERSED
        events.append(NewEvent(operation.claim_id, operation.client_code, kind, operation.reverses_id, now_us))
    return events
