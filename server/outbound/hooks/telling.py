"""What a hook is asked, and what it answers, as the contract tells it."""

from __future__ import annotations

from google.type.decimal_pb2 import Decimal as DecimalProto

from countinghouse.connector.v1 import hook_pb2 as pb
from domain.billing.algorithms.actions import action_fault
from domain.billing.algorithms.model import (
    Action,
    AddAdjustment,
    AddMessage,
    AgreementView,
    BillView,
    RemoveSegment,
    SegmentView,
)
from domain.billing.algorithms.running import AnswerMissing
from domain.billing.configuration.model import Moment
from domain.billing.segments.states import SegmentKind, SegmentState
from domain.kernel.amounts import amount_fault, minor_of
from domain.kernel.errors import Invalid
from domain.kernel.money import Money
from domain.kernel.quantities import quantity_text
from server.gate.validation import validate
from server.mapping.days import day_to_proto
from server.mapping.money import money_to_proto

# Looked up when the module loads: a word of the domain that the contract lacks stops the server.
_MOMENTS = {each: pb.BillMoment.Value(f"BILL_MOMENT_{each}") for each in Moment}
_KINDS = {each: pb.BillSegmentKind.Value(f"BILL_SEGMENT_KIND_{each}") for each in SegmentKind}
_STATES = {each: pb.BillSegmentState.Value(f"BILL_SEGMENT_STATE_{each}") for each in SegmentState}


class BadAnswer(Exception):
    """The answer is none that the contract has; the text says why, in a clause without what it holds."""


def request_of(missing: AnswerMissing) -> pb.DecideBillRequest:
    """What is asked."""
    asked = missing.asked
    return pb.DecideBillRequest(
        idempotency_key=missing.key,
        algorithm_code=missing.algorithm,
        parameters=asked.parameters,
        moment=_MOMENTS[asked.moment],
        bill=_bill(asked.bill),
        service_agreement_id=asked.agreement.agreement_id if asked.agreement else "",
    )


def actions_of(answer: pb.DecideBillResponse) -> tuple[Action, ...]:
    """What is answered. Raises: BadAnswer with the first fault."""
    try:
        validate(answer)
    except Invalid as error:
        raise BadAnswer("; ".join(f"{each.field}: {each.description}" for each in error.violations[:1])) from None
    actions = tuple(map(_action, answer.actions))
    if fault := next(filter(None, map(action_fault, actions)), ""):
        raise BadAnswer(fault)
    return actions


def _bill(bill: BillView) -> pb.Bill:
    return pb.Bill(
        bill_id=bill.bill_id,
        account_id=bill.account_id,
        customer_class_code=bill.customer_class,
        currency_code=bill.currency,
        bill_date=day_to_proto(bill.bill_day),
        attributes=bill.attributes,
        service_agreements=map(_agreement, bill.agreements),
        segments=map(_segment, bill.segments),
        messages=bill.messages,
    )


def _agreement(agreement: AgreementView) -> pb.ServiceAgreement:
    return pb.ServiceAgreement(
        service_agreement_id=agreement.agreement_id,
        type_code=agreement.type_code,
        master_id=agreement.master_id,
        start_date=day_to_proto(agreement.start_day) if agreement.start_day else None,
        end_date=day_to_proto(agreement.end_day) if agreement.end_day else None,
        attributes=agreement.attributes,
    )


def _segment(segment: SegmentView) -> pb.BillSegment:
    return pb.BillSegment(
        segment_id=segment.segment_id,
        service_agreement_id=segment.agreement_id,
        kind=_KINDS[segment.kind],
        state=_STATES[segment.state],
        error_reason=segment.reason,
        start_date=day_to_proto(segment.start_day),
        end_date=day_to_proto(segment.end_day),
        amount=money_to_proto(segment.amount),
        tax=money_to_proto(segment.tax),
        totals={unit: DecimalProto(value=quantity_text(attos)) for unit, attos in segment.totals.items()},
    )


def _action(action: pb.BillAction) -> Action:
    match action.WhichOneof("action"):
        case "remove_segment":
            return RemoveSegment(action.remove_segment.segment_id)
        case "add_message":
            return AddMessage(action.add_message.text)
        case _:  # the contract's rules let no other pass
            return _adjustment(action.add_adjustment)


def _adjustment(given: pb.AddAdjustment) -> AddAdjustment:
    money = (given.amount.currency_code, given.amount.units, given.amount.nanos)
    if fault := amount_fault(money):
        raise BadAnswer(f"amount: {fault[1]}")
    return AddAdjustment(
        given.service_agreement_id,
        given.description,
        given.distribution_code,
        Money(minor_of(money), given.amount.currency_code),
    )
