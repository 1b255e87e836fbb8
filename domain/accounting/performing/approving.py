"""What is above a limit takes effect once another person has agreed (ACC-57)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.configuration.model import Delay, RuleVersion
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution.settling import Done, settle
from domain.accounting.execution.store import assignments
from domain.accounting.feed import service as feed
from domain.accounting.feed.model import EventKind, NewEvent
from domain.accounting.performing import telling
from domain.accounting.performing.booking import Books
from domain.accounting.performing.correcting import locked
from domain.accounting.performing.errors import ApprovalOfOwn, OperationTransition
from domain.accounting.performing.gathering import gather
from domain.accounting.performing.model import Kind, Operation
from domain.accounting.performing.planning import Draft, Facts, assigned
from domain.accounting.performing.recording import begin
from domain.accounting.performing.states import OperationState
from domain.accounting.performing.store import operations
from domain.kernel.call import Call
from domain.kernel.script import Script


def approve(
    tx: Connection, call: Call, configurations: Configurations, books: Books, *, claim_id: str, operation_id: str
) -> Operation:
    """Agree to an operation that waits for it: from now on it is carried out, as if it were performed now.

    Raises: OperationNotFound; OperationTransition; ApprovalOfOwn; ChannelNotConfigured; ConditionFailed.
    """
    before = locked(tx, call, claim_id, operation_id)
    if before.state is not OperationState.AWAITING_APPROVAL:
        raise OperationTransition(before.name, state=before.state, wanted="APPROVED")
    if before.performed_by == call.caller:
        raise ApprovalOfOwn(resource_name=before.name)
    gathered = gather(tx, configurations, [(claim_id, before.dispute_id)])
    facts = gathered.of(claim_id, call.scope)
    agreed = replace(before, state=OperationState.PENDING, approved_us=call.now_us, approved_by=call.caller)
    found = assigned(facts, call, agreed, _draft(tx, facts, agreed))
    books.require(tx, [found.operation])
    script = Script(tx)
    if found.operation.state is OperationState.EXECUTED:
        operations.change(script, [agreed])
        script.run()
        _tell(tx, call, agreed)
        done = Done(claim_id, operation_id, call.now_us, before.performed_by)
        return settle(tx, call, configurations, books, [done])[0]
    operations.change(script, [found.operation])
    begin(tx, script, [found], gathered.snapshot.clients, now_us=call.now_us)
    script.run()
    _tell(tx, call, found.operation)
    return found.operation


def _draft(tx: Connection, facts: Facts, agreed: Operation) -> Draft:
    """The operation as it was planned, for what is still to be decided: its channel and its day."""
    rule = facts.snapshot.rule_version(agreed.rule_code, agreed.rule_version) if agreed.rule_code else None
    original = assignments.find(tx, agreed.claim_id, agreed.reverses_id) if agreed.reverses_id else None
    return Draft(
        kind=agreed.kind,
        dispute=facts.disputes[agreed.dispute_id],
        debit=agreed.debit,
        credit=agreed.credit,
        amount=agreed.amount,
        entry_reason=agreed.entry_reason,
        tracking_only=agreed.tracking_only,
        rule=rule,
        workflow_point=agreed.workflow_point,
        step_key=agreed.step_key,
        note=agreed.note,
        channel=original.channel if original else None,
        delay=_delay(agreed, rule),
        reverses_id=agreed.reverses_id,
        settles_id=agreed.settles_id,
        waiting=_waits(tx, agreed),
    )


def _delay(agreed: Operation, rule: RuleVersion | None) -> Delay | None:
    return rule.settings.delay if rule and agreed.kind in {Kind.RULE, Kind.MANUAL_RULE} else None


def _waits(tx: Connection, agreed: Operation) -> bool:
    """Whether the operation on which it follows is still to be executed."""
    first = operations.find(tx, agreed.claim_id, agreed.settles_id) if agreed.settles_id else None
    return first is not None and first.state is not OperationState.EXECUTED


def _tell(tx: Connection, call: Call, agreed: Operation) -> None:
    event = NewEvent(
        agreed.claim_id, agreed.client_code, EventKind.OPERATION_APPROVED, agreed.operation_id, call.now_us
    )
    feed.record(tx, [event])
    telling.tell(tx, call, "accounting.approved", [agreed], {})
