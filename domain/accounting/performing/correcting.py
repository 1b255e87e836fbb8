"""Corrections: what is executed is reversed, what is not is canceled (ACC-06, ACC-08)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.accounting.claims import store as claims
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution.store import assignments
from domain.accounting.execution.withdrawing import withdraw
from domain.accounting.feed import service as feed
from domain.accounting.feed.model import EventKind, NewEvent
from domain.accounting.performing import telling
from domain.accounting.performing.booking import Books
from domain.accounting.performing.errors import (
    AlreadyReversed,
    OperationNotFound,
    OperationTransition,
    ReversalOfReversal,
)
from domain.accounting.performing.gathering import gather
from domain.accounting.performing.model import Kind, Operation
from domain.accounting.performing.planning import Draft, Facts, Planned, plan
from domain.accounting.performing.recording import record
from domain.accounting.performing.states import OperationState
from domain.accounting.performing.store import balances, operations
from domain.accounting.performing.store.balances import Move
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.script import Script

_CANCELABLE = (OperationState.AWAITING_APPROVAL, OperationState.PENDING)


@dataclass(frozen=True, slots=True)
class Reversed:
    """What a reversal came to: reversals, of the second operation first, and a second one that was canceled instead."""

    reversals: tuple[Operation, ...]
    canceled: tuple[Operation, ...]


def get(tx: Connection, call: Call, claim_id: str, operation_id: str) -> Operation:
    """The operation. Raises: OperationNotFound, also for what lies outside the caller's scope."""
    found = operations.find(tx, claim_id, operation_id)
    if found is None or not call.scope.has_client(found.client_code):
        raise OperationNotFound(claim_id, operation_id)
    return found


def reverse(
    tx: Connection,
    call: Call,
    configurations: Configurations,
    books: Books,
    *,
    claim_id: str,
    operation_id: str,
    reason: str,
    kind: Kind = Kind.REVERSAL,
) -> Reversed:
    """Reverse an executed operation by its mirror, which is executed by the same channel; also of a resolved claim.

    What followed on it is reversed before it, or canceled if it is not executed yet. Of `kind` RETURN the mirror is
    for tracking only, and posted: nobody has to carry out what its receiver has not done (ACC-37).

    Raises: OperationNotFound; ReversalOfReversal; AlreadyReversed; OperationTransition for one that is not executed;
    CallInProgress and OutcomeInDoubt of what follows on it.
    """
    require_storable(reason=reason)
    first = locked(tx, call, claim_id, operation_id)
    gathered = gather(tx, configurations, [(claim_id, first.dispute_id)])
    facts = gathered.of(claim_id, call.scope)
    second = operations.settling(tx, [(claim_id, operation_id)]).get((claim_id, operation_id))
    script = Script(tx)
    planned: list[Planned] = []
    canceled: list[Operation] = []
    if second is not None and second.state is not OperationState.EXECUTED:
        canceled.append(_cancel(tx, script, call, second, reason))
    elif second is not None and not second.reversed_by_id:
        planned.append(_mirror(tx, facts, call, second, reason))
    planned.append(_mirror(tx, facts, call, first, reason, kind=kind))
    books.require(tx, (each.operation for each in planned))
    _link(script, tx, planned)
    record(tx, script, planned, gathered, now_us=call.now_us)
    script.run()
    feed.record(tx, [_canceled_event(each, call.now_us) for each in canceled])
    books.post(tx, call, [each.operation for each in planned if each.operation.kind is Kind.RETURN])
    reversals = tuple(each.operation for each in planned)
    telling.tell(tx, call, "accounting.reversed", reversals, {"reason": reason})
    return Reversed(reversals, tuple(canceled))


def cancel(tx: Connection, call: Call, *, claim_id: str, operation_id: str, reason: str) -> list[Operation]:
    """Cancel an operation that is not executed, with its assignment; gives it behind what was to follow on it.

    Raises: OperationNotFound; OperationTransition; CallInProgress; OutcomeInDoubt.
    """
    require_storable(reason=reason)
    first = locked(tx, call, claim_id, operation_id)
    second = operations.settling(tx, [(claim_id, operation_id)]).get((claim_id, operation_id))
    script = Script(tx)
    canceled = [_cancel(tx, script, call, each, reason) for each in (second, first) if each is not None]
    script.run()
    feed.record(tx, [_canceled_event(each, call.now_us) for each in canceled])
    telling.tell(tx, call, "accounting.canceled", canceled, {"reason": reason})
    return canceled


def locked(tx: Connection, call: Call, claim_id: str, operation_id: str) -> Operation:
    """The operation, its claim locked. Raises: OperationNotFound."""
    get(tx, call, claim_id, operation_id)  # what lies outside is not waited for
    claims.lock(tx, claim_id)
    found = operations.find(tx, claim_id, operation_id)
    assert found is not None, "operations are never deleted"
    return found


def _mirror(
    tx: Connection, facts: Facts, call: Call, original: Operation, reason: str, *, kind: Kind = Kind.REVERSAL
) -> Planned:
    if original.kind is Kind.RETURN or original.kind is kind:
        raise ReversalOfReversal(resource_name=original.name)
    if original.reversed_by_id:
        raise AlreadyReversed(resource_name=original.name, reversal=original.reversed_by_id)
    if original.state is not OperationState.EXECUTED:
        raise OperationTransition(
            original.name,
            state=original.state,
            wanted="REVERSED",
            message=f"{original.name} is {original.state}: what is not executed is canceled, not reversed",
        )
    assigned = assignments.find(tx, original.claim_id, original.operation_id)
    rule = facts.snapshot.rule_version(original.rule_code, original.rule_version) if original.rule_code else None
    draft = Draft(
        kind=kind,
        dispute=facts.disputes[original.dispute_id],
        debit=original.credit,
        credit=original.debit,
        amount=original.amount,
        entry_reason=original.entry_reason,
        tracking_only=original.tracking_only or kind is Kind.RETURN,
        rule=rule,
        workflow_point=original.workflow_point,
        note=reason,
        channel=assigned.channel if assigned else None,
        reverses_id=original.operation_id,
    )
    return plan(facts, call, draft)


def _link(script: Script, tx: Connection, planned: list[Planned]) -> None:
    """Have the originals name their reversals."""
    keys = [(each.operation.claim_id, each.operation.reverses_id) for each in planned]
    originals = operations.find_many(tx, keys)
    operations.change(
        script,
        [
            replace(originals[key], reversed_by_id=each.operation.operation_id)
            for key, each in zip(keys, planned, strict=True)
        ],
    )


def _cancel(tx: Connection, script: Script, call: Call, operation: Operation, reason: str) -> Operation:
    if operation.state not in _CANCELABLE:
        raise OperationTransition(
            operation.name,
            state=operation.state,
            wanted=OperationState.CANCELED,
            message=f"{operation.name} is {operation.state} and cannot be canceled; what is executed is reversed",
        )
    assigned = assignments.find(tx, operation.claim_id, operation.operation_id)
    if assigned is not None:
        withdraw(tx, script, assigned, call)
    canceled = replace(
        operation,
        state=OperationState.CANCELED,
        canceled_us=call.now_us,
        canceled_by=call.caller,
        cancel_reason=reason,
    )
    changed = [canceled]
    if operation.reverses_id:
        original = operations.find(tx, operation.claim_id, operation.reverses_id)
        assert original is not None, "operations are never deleted"
        changed.append(replace(original, reversed_by_id=""))
    operations.change(script, changed)
    balances.move(script, [Move(operation, executed=0, pending=-1)])
    return canceled


def _canceled_event(operation: Operation, now_us: int) -> NewEvent:
    kind = EventKind.OPERATION_CANCELED
    return NewEvent(operation.claim_id, operation.client_code, kind, operation.operation_id, now_us)
