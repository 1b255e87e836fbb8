"""From what is asked to operations: pure decisions on gathered facts (ACC-02, ACC-03, ACC-10, ACC-13, ACC-57)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time as time_of_day
from datetime import timedelta

from domain.accounting.channels.model import Channel
from domain.accounting.channels.registry import way_of
from domain.accounting.claims.model import Claim, Dispute
from domain.accounting.configuration import vocabulary
from domain.accounting.configuration.model import Client, DayKind, Delay, Processing, RuleVersion
from domain.accounting.configuration.snapshot import Snapshot
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.states import AssignmentState
from domain.accounting.performing.errors import AccountsEqual, ClaimDateMissing
from domain.accounting.performing.model import Kind, Operation, Side
from domain.accounting.performing.states import OperationState
from domain.kernel.call import Call
from domain.kernel.conditions.shapes import Values
from domain.kernel.ids import new_id
from domain.kernel.money import Money
from domain.kernel.time import date_of, day_of

_MIDNIGHT = time_of_day(0, 0)
_NO_RULE = vocabulary.ruleless_values(debit_collection="", credit_collection="", entry_reason="")
_MANUAL = (Kind.MANUAL_RULE, Kind.FREE_FORM)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a claim as something is performed for it; the claim is locked.

    `balances` are executed minor units by claim, dispute, collection and currency, where they were asked for.
    """

    snapshot: Snapshot
    client: Client
    claim: Claim
    disputes: Mapping[str, Dispute]
    balances: Mapping[tuple[str, str, str, str], int]


@dataclass(frozen=True, slots=True)
class Draft:
    """An operation before anything about it is decided; `channel` None: as the pre-conditions say.

    Accounts that are given are taken, others decided by the tables. `waiting`: for a first operation to be executed.
    """

    kind: Kind
    dispute: Dispute
    debit: str | Side
    credit: str | Side
    amount: Money
    entry_reason: str
    tracking_only: bool
    rule: RuleVersion | None = None
    workflow_point: str = ""
    step_key: str = ""
    note: str = ""
    debit_account: str = ""
    credit_account: str = ""
    channel: Channel | None = None
    delay: Delay | None = None
    reverses_id: str = ""
    settles_id: str = ""
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """An operation to be recorded, and its assignment: none for tracking only, and none before approval."""

    operation: Operation
    assignment: Assignment | None


def plan(facts: Facts, call: Call, draft: Draft) -> Planned:
    """The operation of a draft: accounts, channel, dates and state decided.

    Raises: AccountUndetermined; AccountsEqual; ChannelNotConfigured; ClaimDateMissing; ConditionFailed.
    """
    settings = facts.client.settings
    values = _values(facts, draft)
    debit = _side(facts, draft.debit, draft.debit_account, _of_side(values, draft, vocabulary.DEBIT))
    credit = _side(facts, draft.credit, draft.credit_account, _of_side(values, draft, vocabulary.CREDIT))
    if debit.account == credit.account:
        raise AccountsEqual(draft.rule.code if draft.rule else "", debit.collection, credit.collection)
    operation = Operation(
        claim_id=facts.claim.claim_id,
        operation_id=new_id(call.now_us),
        dispute_id=draft.dispute.dispute_id,
        client_code=facts.client.code,
        kind=draft.kind,
        state=OperationState.PENDING,
        workflow_point=draft.workflow_point,
        step_key=draft.step_key,
        rule_code=draft.rule.code if draft.rule else "",
        rule_version=draft.rule.rule_version if draft.rule else 0,
        debit=debit,
        credit=credit,
        amount=draft.amount,
        entry_reason=draft.entry_reason,
        note=draft.note,
        tracking_only=draft.tracking_only,
        accounting_day=settings.calendar.business_day_of(call.now_us),
        transaction_day=settings.calendar.zone.today(call.now_us),
        reverses_id=draft.reverses_id,
        reversed_by_id="",
        settles_id=draft.settles_id,
        performed_us=call.now_us,
        performed_by=call.caller,
    )
    if needs_approval(facts, operation):
        return Planned(replace(operation, state=OperationState.AWAITING_APPROVAL), None)
    return assigned(facts, call, operation, draft)


def assigned(facts: Facts, call: Call, operation: Operation, draft: Draft) -> Planned:
    """The operation with the assignment that has it carried out; executed at once when it is for tracking only."""
    if operation.tracking_only:
        if draft.waiting:
            return Planned(operation, None)
        done = replace(
            operation, state=OperationState.EXECUTED, executed_us=call.now_us, executed_by=operation.performed_by
        )
        return Planned(done, None)
    channel = draft.channel or _channel(facts, draft)
    way, settings = way_of(channel), facts.client.settings
    day = way.accounting_day(settings, call.now_us)
    assignment = Assignment(
        claim_id=operation.claim_id,
        operation_id=operation.operation_id,
        client_code=operation.client_code,
        workflow_point=operation.workflow_point,
        channel=channel,
        state=AssignmentState.WAITING if draft.waiting else AssignmentState.PENDING,
        accounting_day=day,
        updated_us=call.now_us,
    )
    if draft.waiting:
        return Planned(_on(operation, day), assignment)
    scheduled = _scheduled_day(facts, draft) if draft.delay else 0
    if scheduled > settings.calendar.zone.today(call.now_us):
        begins_us = settings.calendar.zone.first_instant(date_of(scheduled), _MIDNIGHT)
        day = max(day, settings.calendar.business_day_from(scheduled))
        assignment = replace(assignment, state=AssignmentState.SCHEDULED, scheduled_us=begins_us, accounting_day=day)
        return Planned(_on(operation, day), with_service_level(facts.client, assignment, begins_us))
    return Planned(_on(operation, day), with_service_level(facts.client, assignment, call.now_us))


def with_service_level(client: Client, assignment: Assignment, ready_us: int) -> Assignment:
    """The assignment with goal and deadline, which count business time from an instant on (ACC-12)."""
    level = client.settings.service_levels.get(assignment.channel)
    if level is None:
        return replace(assignment, ready_us=ready_us, goal_us=0, due_us=0, escalated_us=0)
    calendar = client.settings.calendar
    return replace(
        assignment,
        ready_us=ready_us,
        goal_us=calendar.due_us(ready_us, level.goal_us) if level.goal_us else 0,
        due_us=calendar.due_us(ready_us, level.deadline_us) if level.deadline_us else 0,
        escalated_us=0,
    )


def needs_approval(facts: Facts, operation: Operation) -> bool:
    """Whether another person has to agree first: what people enter, write-offs and reversals above a limit (ACC-57)."""
    limit = facts.client.settings.approval_limits.get(operation.amount.currency)
    if limit is None or operation.amount.minor <= limit or operation.kind is Kind.RETURN:
        return False
    if operation.kind in {*_MANUAL, Kind.REVERSAL}:
        return True
    sides = (operation.debit.collection, operation.credit.collection)
    return any(code in facts.snapshot.collections and facts.snapshot.collections[code].write_off for code in sides)


def second_of(facts: Facts, call: Call, first: Operation, rule: RuleVersion) -> Planned:
    """The operation from suspense to suspense that follows on a first one (ACC-06)."""
    settlement = rule.settings.settlement
    assert settlement is not None
    draft = Draft(
        kind=Kind.SETTLEMENT,
        dispute=facts.disputes[first.dispute_id],
        debit=settlement.debit_collection,
        credit=settlement.credit_collection,
        amount=first.amount,
        entry_reason=settlement.entry_reason,
        tracking_only=first.tracking_only,
        rule=rule,
        workflow_point=first.workflow_point,
        step_key=first.step_key,
        note=first.note,
        settles_id=first.operation_id,
        waiting=first.state is not OperationState.EXECUTED,
    )
    return plan(facts, call, draft)


def is_tracking_only(rule: RuleVersion) -> bool:
    """Whether nothing is to be done outside (ACC-11)."""
    return rule.settings.processing is Processing.TRACKING_ONLY


def channel_now(facts: Facts, operation: Operation) -> Channel:
    """The channel that would be decided for an operation if it were performed now (ACC-10).

    Raises: PreConditionMatchesNothing; ChannelNotConfigured; ConditionFailed.
    """
    named = operation.rule_code
    draft = Draft(
        kind=operation.kind,
        dispute=facts.disputes[operation.dispute_id],
        debit=operation.debit,
        credit=operation.credit,
        amount=operation.amount,
        entry_reason=operation.entry_reason,
        tracking_only=operation.tracking_only,
        rule=facts.snapshot.rule_version(named, operation.rule_version) if named else None,
    )
    return _channel(facts, draft)


def _channel(facts: Facts, draft: Draft) -> Channel:
    """The channel by the client's pre-conditions; what a person enters goes through the service where there is one."""
    service = facts.client.settings.service is not None
    if draft.kind is Kind.FREE_FORM and service:
        return Channel.SERVICE
    return facts.snapshot.channel_of(facts.client, draft.rule, _values(facts, draft))


def _on(operation: Operation, day: int) -> Operation:
    """The operation with its accounting date."""
    return operation if operation.accounting_day == day else replace(operation, accounting_day=day)


def _side(facts: Facts, given: str | Side, account: str, values: Values) -> Side:
    if isinstance(given, Side):
        return given
    found, distribution_code = facts.snapshot.account_of(given, values)
    return Side(given, account or found, distribution_code)


def _of_side(values: Values, draft: Draft, side: str) -> Values:
    return {**values, "operation": vocabulary.operation_values(draft.amount, side)}


def _values(facts: Facts, draft: Draft) -> Values:
    """What conditions can read of the operation; the rule's collections and reason are those of the operation."""
    rule = {
        **(vocabulary.rule_values(draft.rule) if draft.rule else _NO_RULE),
        "debit_collection": _code(draft.debit),
        "credit_collection": _code(draft.credit),
        "entry_reason": draft.entry_reason,
    }
    return {
        "client": vocabulary.client_values(facts.client),
        "claim": vocabulary.claim_values(facts.claim),
        "dispute": vocabulary.dispute_values(draft.dispute),
        "rule": rule,
        "operation": vocabulary.operation_values(draft.amount),
    }


def _code(side: str | Side) -> str:
    return side.collection if isinstance(side, Side) else side


def _scheduled_day(facts: Facts, draft: Draft) -> int:
    """The day until which the rule waits (ACC-13)."""
    delay, calendar = draft.delay, facts.client.settings.calendar
    assert delay is not None
    from_day = facts.claim.dates.get(delay.claim_date)
    if from_day is None:
        raise ClaimDateMissing(draft.rule.code if draft.rule else "", facts.claim.claim_id, delay.claim_date)
    if delay.kind is DayKind.BUSINESS:
        return calendar.add_business_days(from_day, delay.days)
    return day_of(date_of(from_day) + timedelta(days=delay.days))
