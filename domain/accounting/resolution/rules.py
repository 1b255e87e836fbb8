"""What an obstacle is, and what would settle it: pure decisions (ACC-52)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from domain.accounting.channels.model import Channel
from domain.accounting.channels.registry import way_of
from domain.accounting.claims.model import Dispute
from domain.accounting.configuration.model import DISPUTED_AMOUNT, AmountSource, RuleVersion
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.states import AssignmentState
from domain.accounting.names import client_name, operation_name, rule_name
from domain.accounting.performing.model import Operation
from domain.accounting.performing.states import OperationState
from domain.accounting.resolution.model import Obstacle, ObstacleKind, Remedy, RemedyKind, Unfinished, Unsettled
from domain.kernel.money import Money

_KINDS = {AssignmentState.FAILED: ObstacleKind.FAILED, AssignmentState.IN_DOUBT: ObstacleKind.IN_DOUBT}
_REMEDIES: Mapping[AssignmentState, tuple[RemedyKind, ...]] = {
    AssignmentState.WAITING: (RemedyKind.EXECUTE_FIRST_OPERATION,),
    AssignmentState.SCHEDULED: (RemedyKind.AWAIT_EXECUTION,),
    AssignmentState.FAILED: (
        RemedyKind.RETRY_ASSIGNMENT,
        RemedyKind.COMPLETE_ASSIGNMENT,
        RemedyKind.REROUTE_ASSIGNMENT,
    ),
    AssignmentState.IN_DOUBT: (RemedyKind.RECORD_OUTCOME, RemedyKind.RETRY_ASSIGNMENT),
}
_NOT_CANCELED = {AssignmentState.IN_DOUBT}  # ACC-22


def unfinished_obstacle(found: Unfinished) -> Obstacle:
    """An operation that is neither executed nor canceled stands in the way of every resolution."""
    operation, assignment = found.operation, found.assignment
    kinds: tuple[RemedyKind, ...]
    if operation.state is OperationState.AWAITING_APPROVAL:
        kind, kinds = ObstacleKind.AWAITING_APPROVAL, (RemedyKind.APPROVE_OPERATION,)
    elif assignment is None:  # for tracking only, and its first operation is not executed
        kind, kinds = ObstacleKind.PENDING, (RemedyKind.EXECUTE_FIRST_OPERATION,)
    else:
        kind = _KINDS.get(assignment.state, ObstacleKind.PENDING)
        kinds = _REMEDIES.get(assignment.state) or (_under_way(assignment),)
    if not (assignment and assignment.state in _NOT_CANCELED):
        kinds = (*kinds, RemedyKind.CANCEL_OPERATION)
    return Obstacle(kind, found, tuple(Remedy(each, _resource(each, operation, assignment)) for each in kinds))


def unsettled_obstacle(
    found: Unsettled,
    dispute: Dispute,
    rules: Iterable[RuleVersion],
    *,
    balances: Mapping[str, int],
    must_be_zero: Collection[str],
) -> Obstacle:
    """A collection that must be zero and is not.

    What settles it are the rules that move it the right way by the right amount: first those that settle another
    collection along with it, then those that put out none that must be zero. `balances` are the dispute's executed ones
    by collection, in the currency.
    """
    amount = Money(abs(found.balance.minor), found.balance.currency)
    both, alone = [], []
    for rule in rules:
        other = _other(rule, found)
        if other == found.collection or not _moves(rule, found) or not _settles(rule, found, dispute):
            continue
        if balances.get(other, 0) == -found.balance.minor:
            both.append(rule)
        elif other not in must_be_zero:
            alone.append(rule)
    remedies = [Remedy(RemedyKind.PERFORM_RULE, rule_name(rule.code), amount) for rule in (*both, *alone)]
    by_hand = Remedy(RemedyKind.PERFORM_FREE_FORM, amount=amount)
    return Obstacle(ObstacleKind.BALANCE_NOT_ZERO, found, tuple(remedies) or (by_hand,))


def _under_way(assignment: Assignment) -> RemedyKind:
    """What is to be done about an assignment that is due, or in hand."""
    if way_of(assignment.channel).by_hand:
        return RemedyKind.COMPLETE_ASSIGNMENT
    awaits_file = assignment.channel is Channel.BATCH and assignment.state is AssignmentState.PENDING
    return RemedyKind.GENERATE_FILES if awaits_file else RemedyKind.AWAIT_EXECUTION


def _moves(rule: RuleVersion, found: Unsettled) -> bool:
    """Whether it takes from a balance above zero (credits less debits), or adds to one below."""
    settings = rule.settings
    return (settings.debit_collection if found.balance.minor > 0 else settings.credit_collection) == found.collection


def _other(rule: RuleVersion, found: Unsettled) -> str:
    settings = rule.settings
    return settings.credit_collection if found.balance.minor > 0 else settings.debit_collection


def _settles(rule: RuleVersion, found: Unsettled, dispute: Dispute) -> bool:
    """Whether its amount can be what the balance is away from zero."""
    wanted = rule.settings.entry_amount
    if wanted.source is AmountSource.CALLER:
        return True
    if wanted.source is AmountSource.COLLECTION_BALANCE:
        return wanted.name == found.collection
    field = dispute.amount if wanted.name == DISPUTED_AMOUNT else dispute.amounts.get(wanted.name)
    return field == Money(abs(found.balance.minor), found.balance.currency)


def _resource(kind: RemedyKind, operation: Operation, assignment: Assignment | None) -> str:
    if kind in {RemedyKind.APPROVE_OPERATION, RemedyKind.CANCEL_OPERATION, RemedyKind.AWAIT_EXECUTION}:
        return operation.name
    if kind is RemedyKind.EXECUTE_FIRST_OPERATION:
        return operation_name(operation.claim_id, operation.settles_id)
    if kind is RemedyKind.GENERATE_FILES:
        return client_name(operation.client_code)
    assert assignment is not None
    return assignment.name
