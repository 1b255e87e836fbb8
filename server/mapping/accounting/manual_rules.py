"""Rules that people may use by hand, as the contract tells them."""

from __future__ import annotations

from countinghouse.accounting.v1 import manual_rules_pb2 as pb
from countinghouse.accounting.v1 import operations_pb2
from domain.accounting.names import collection_name, rule_name, rule_version_name
from domain.accounting.performing.choosing import Choice
from domain.accounting.performing.planning import is_tracking_only
from domain.accounting.performing.requests import Entry
from domain.accounting.performing.states import OperationState
from domain.kernel.errors import Invalid, Violation
from server.gate.errors import status_of
from server.mapping.accounting.claims import dispute_key_from_name
from server.mapping.accounting.operations import side_to_proto
from server.mapping.accounting.vocabulary import CHANNELS
from server.mapping.days import day_to_proto
from server.mapping.money import money_from_proto, money_to_proto


def entry_from_proto(request: pb.ListManualRulesRequest) -> Entry:
    """The dispute and the caller's amount. Raises: Invalid for an amount that is none, or not above zero."""
    amount = money_from_proto(request, "amount")
    if amount is not None and amount.minor <= 0:
        raise Invalid(Violation("amount", "AMOUNT_NOT_POSITIVE", "must be more than zero"))
    return Entry(*dispute_key_from_name(request.parent), amount)


def choice_to_proto(choice: Choice) -> pb.ManualRule:
    """A rule, and what performing it would come to."""
    settings = choice.rule.settings
    told = pb.ManualRule(
        rule=rule_name(choice.rule.code),
        rule_version=rule_version_name(choice.rule.code, choice.rule.rule_version),
        description=settings.description,
        debit=operations_pb2.AccountingSide(collection=collection_name(settings.debit_collection)),
        credit=operations_pb2.AccountingSide(collection=collection_name(settings.credit_collection)),
        amount_required=choice.takes_callers_amount,
        amounts=map(money_to_proto, choice.amounts),
        entry_reason=settings.entry_reason,
        tracking_only=is_tracking_only(choice.rule),
        settles=settings.settlement is not None,
        error=status_of(choice.error) if choice.error else None,
    )
    if choice.planned:
        operation, assignment = choice.planned.operation, choice.planned.assignment
        told.debit.CopyFrom(side_to_proto(operation.debit))
        told.credit.CopyFrom(side_to_proto(operation.credit))
        told.needs_approval = operation.state is OperationState.AWAITING_APPROVAL
        told.accounting_date.CopyFrom(day_to_proto(operation.accounting_day))
        told.channel = CHANNELS[assignment.channel] if assignment else told.channel
    return told
