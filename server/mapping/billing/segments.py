"""Bills, their segments and billing exceptions as the contract tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.type.decimal_pb2 import Decimal as DecimalProto
from google.type.money_pb2 import Money as MoneyProto

from countinghouse.billing.v1 import bill_segments_pb2 as pb
from countinghouse.billing.v1 import billing_exceptions_pb2 as exceptions_pb
from countinghouse.billing.v1 import bills_pb2, rates_pb2, service_agreements_pb2
from domain.billing.names import (
    agreement_name,
    bill_name,
    data_set_name,
    exception_name,
    rate_version_name,
    segment_name,
    window_name,
)
from domain.billing.ordering.model import Why
from domain.billing.rating.model import Kind
from domain.billing.rating.segments import Line
from domain.billing.segments.explaining import Explained, explained, unrounded
from domain.billing.segments.generating import Request
from domain.billing.segments.model import Bill, BillingException, Segment, Wait
from domain.billing.segments.recording import Billed
from domain.billing.segments.states import BillKind, BillState, ExceptionState, SegmentKind, SegmentState
from domain.billing.segments.store.bills import BillFilter, Sum
from domain.billing.segments.store.exceptions import ExceptionFilter
from domain.billing.segments.store.segments import SegmentFilter
from domain.kernel.amounts import scale_of
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money, Rounding
from domain.kernel.quantities import quantity_text
from server.mapping.billing.bill_cycles import key_from_name as key_of_window
from server.mapping.billing.names import id_from_name, key_from_name
from server.mapping.days import day_to_proto, days_from_proto
from server.mapping.decimals import decimal_to_proto
from server.mapping.money import money_to_proto
from server.mapping.operations import instant_to_proto

ANY = "-"
"""The account that stands for all of them (AIP-159)."""

_TOLD_MAX = 1_000

# Looked up when the module loads: a state of the domain that the contract lacks stops the server.
_SEGMENT_STATES = {each: pb.BillSegmentState.Value(f"BILL_SEGMENT_STATE_{each}") for each in SegmentState}
_SEGMENT_KINDS = {each: pb.BillSegmentKind.Value(f"BILL_SEGMENT_KIND_{each}") for each in SegmentKind}
_BILL_STATES = {each: bills_pb2.BillState.Value(f"BILL_STATE_{each}") for each in BillState}
_BILL_KINDS = {each: bills_pb2.BillKind.Value(f"BILL_KIND_{each}") for each in BillKind}
_EXCEPTION_STATES = {
    each: exceptions_pb.BillingExceptionState.Value(f"BILLING_EXCEPTION_STATE_{each}") for each in ExceptionState
}
_LINE_KINDS = {each: pb.CalculationLineKind.Value(f"CALCULATION_LINE_KIND_{each}") for each in Kind}
_ROUNDINGS = {each: rates_pb2.RoundingMode.Value(f"ROUNDING_MODE_{each.name}") for each in Rounding}
_REASONS = {each.value: service_agreements_pb2.PlaceReason.Value(f"PLACE_REASON_{each}") for each in Why}
_SEGMENT_STATE_NAMES = {0: ""} | {number: each.value for each, number in _SEGMENT_STATES.items()}
_BILL_STATE_NAMES = {0: ""} | {number: each.value for each, number in _BILL_STATES.items()}
_EXCEPTION_STATE_NAMES = {0: ""} | {number: each.value for each, number in _EXCEPTION_STATES.items()}


def request_from_proto(request: bills_pb2.GenerateBillRequest) -> Request:
    """Which account is billed, by which days. Raises: Invalid for every date that is none."""
    days = days_from_proto(
        {
            "through_date": request.through_date if request.HasField("through_date") else None,
            "bill_date": request.bill_date if request.HasField("bill_date") else None,
            "accounting_date": request.accounting_date if request.HasField("accounting_date") else None,
        }
    )
    return Request(id_from_name(request.account), *days)


def bill_filter_from_proto(request: bills_pb2.ListBillsRequest) -> BillFilter:
    """Which bills."""
    state = _BILL_STATE_NAMES[request.state]
    return BillFilter(_account(request.parent), request.bill_cycle_code, request.window_code, state)


def segment_filter_from_proto(request: pb.ListBillSegmentsRequest) -> SegmentFilter:
    """Which segments. Raises: Invalid for a bill of another account."""
    account_id = id_from_name(request.parent)
    of_bill = key_from_name(request.bill) if request.bill else (account_id, "")
    if of_bill[0] != account_id:
        raise Invalid(Violation("bill", "BILL_OF_ANOTHER_ACCOUNT", f"belongs to another account than {request.parent}"))
    return SegmentFilter(account_id, of_bill[1], request.service_agreement_id, _SEGMENT_STATE_NAMES[request.state])


def exception_filter_from_proto(request: exceptions_pb.ListBillingExceptionsRequest) -> ExceptionFilter:
    """Which exceptions."""
    state = _EXCEPTION_STATE_NAMES[request.state]
    window = key_of_window(request.bill_cycle_window) if request.bill_cycle_window else None
    return ExceptionFilter(
        account_id=_account(request.parent),
        cycle_code=request.bill_cycle_code,
        state=state,
        reason=request.reason,
        operation_id=request.operation.removeprefix("operations/"),
        window=(window.cycle, window.code) if window else ("", ""),
    )


def billed_to_proto(found: Billed) -> bills_pb2.GenerateBillResponse:
    """A bill as it was generated, with its segments."""
    segments = found.segments
    return bills_pb2.GenerateBillResponse(
        bill=bill_to_proto(found.bill, _sum(segments)),
        segments=map(explanation_to_proto, explained(found.bill, segments, segments[:_TOLD_MAX])),
    )


def made_to_proto(found: Billed) -> pb.RegenerateBillSegmentResponse:
    """The segments that were made again."""
    made = sorted(found.made, key=lambda each: (each.position, each.period))
    told = explained(found.bill, found.segments, made[:_TOLD_MAX])
    return pb.RegenerateBillSegmentResponse(
        bill_segments=(segment_to_proto(each.segment, each.waits_on) for each in told)
    )


def bill_to_proto(bill: Bill, of: Sum, *, order: bool = True) -> bills_pb2.Bill:
    """A bill; what it comes to is told when that is known."""
    complete = bill.state is BillState.COMPLETE
    minor, tax_minor = (bill.amount_minor, bill.tax_minor) if complete else (of.minor, of.tax_minor)
    sound = complete or not of.in_error
    return bills_pb2.Bill(
        name=bill_name(bill.account_id, bill.bill_id) if bill.bill_id else "",
        kind=_BILL_KINDS[bill.kind],
        state=_BILL_STATES[bill.state],
        bill_cycle_code=bill.cycle_code,
        window_code=bill.window_code,
        currency_code=bill.currency,
        bill_date=day_to_proto(bill.bill_day),
        accounting_date=day_to_proto(bill.accounting_day),
        through_date=day_to_proto(bill.through_day),
        due_date=day_to_proto(bill.due_day) if bill.due_day else None,
        amount=money_to_proto(Money(minor, bill.currency)) if sound else None,
        tax=money_to_proto(Money(tax_minor, bill.currency)) if sound else None,
        segment_count=of.segments,
        error_count=of.in_error,
        processing_order=[
            bills_pb2.BillOrderPlace(
                position=place.position,
                service_agreement=agreement_name(bill.account_id, place.agreement_id),
                reasons=[_REASONS[why] for why in place.why],
                explanation=place.sentence,
            )
            for place in (bill.order[:_TOLD_MAX] if order else ())
        ],
        create_time=instant_to_proto(bill.created_us),
        update_time=instant_to_proto(bill.updated_us),
        complete_time=instant_to_proto(bill.completed_us),
        etag=bill.etag,
        messages=bill.messages,
        routing=bill.routed_by,
    )


def segment_to_proto(segment: Segment, waits_on: Sequence[tuple[Wait, Segment | None]] | None = None) -> pb.BillSegment:
    """A segment; those that it waits for are named where they are given."""
    account_id, period = segment.account_id, segment.period
    waits = waits_on if waits_on is not None else [(wait, None) for wait in segment.worked.waits_on]
    known = segment.state not in {SegmentState.ERROR, SegmentState.INCOMPLETE} or bool(segment.worked.lines)
    return pb.BillSegment(
        name=_segment_name(segment),
        bill=bill_name(account_id, segment.bill_id) if segment.bill_id else "",
        service_agreement=agreement_name(account_id, segment.agreement_id),
        type_code=segment.type_code,
        kind=_SEGMENT_KINDS[segment.kind],
        position=segment.position,
        state=_SEGMENT_STATES[segment.state],
        reason=segment.reason,
        message=segment.worked.message,
        waits_on=[
            pb.BillSegmentWait(
                bill_segment=_segment_name(found),
                service_agreement=agreement_name(account_id, wait.agreement_id),
                start_date=day_to_proto(wait.start),
                reason=wait.reason,
            )
            for wait, found in waits
        ],
        start_date=day_to_proto(period.start),
        end_date=day_to_proto(period.end),
        full_period_days=period.full_days,
        accounting_date=day_to_proto(segment.accounting_day),
        rate_code=segment.rate_code,
        amount=money_to_proto(segment.amount) if known else None,
        tax=money_to_proto(segment.tax) if known else None,
        totals=[_total_to_proto(measure, total) for measure, total in sorted(segment.worked.totals.items())],
        estimated=segment.estimated,
        stale=segment.stale,
        accepted=segment.accepted,
        rebills=segment_name(account_id, segment.rebills_id) if segment.rebills_id else "",
        create_time=instant_to_proto(segment.created_us),
        freeze_time=instant_to_proto(segment.frozen_us),
        cancel_time=instant_to_proto(segment.canceled_us),
        etag=segment.etag,
        cancel_bill=bill_name(account_id, segment.cancel_bill_id) if segment.cancel_bill_id else "",
    )


def explanation_to_proto(found: Explained) -> pb.BillSegmentExplanation:
    """A segment with all that explains it."""
    segment, place = found.segment, found.place
    versions = dict(segment.worked.versions)
    return pb.BillSegmentExplanation(
        segment=segment_to_proto(segment, found.waits_on),
        place_reasons=[_REASONS[why] for why in place.why] if place else (),
        place_explanation=place.sentence if place else "",
        lines=[_line_to_proto(line, segment, versions) for line in segment.worked.lines],
        charged_on=[_segment_name(each) for each in found.charged_on],
    )


def exception_to_proto(found: BillingException) -> exceptions_pb.BillingException:
    """A billing exception."""
    account_id = found.account_id
    return exceptions_pb.BillingException(
        name=exception_name(account_id, found.exception_id),
        bill_cycle_code=found.cycle_code,
        bill=bill_name(account_id, found.bill_id) if found.bill_id else "",
        bill_segment=segment_name(account_id, found.segment_id) if found.segment_id else "",
        service_agreement=agreement_name(account_id, found.agreement_id) if found.agreement_id else "",
        reason=found.reason,
        message=found.message,
        state=_EXCEPTION_STATES[found.state],
        operation=f"operations/{found.operation_id}" if found.operation_id else "",
        note=found.note,
        create_time=instant_to_proto(found.created_us),
        close_time=instant_to_proto(found.closed_us),
        closed_by=found.closed_by,
        interval_data_set=data_set_name(account_id, found.data_set_id) if found.data_set_id else "",
        bill_cycle_window=window_name(found.cycle_code, found.window_code) if found.window_code else "",
    )


def _line_to_proto(line: Line, segment: Segment, versions: Mapping[int, int]) -> pb.CalculationLine:
    quantity = line.quantity
    return pb.CalculationLine(
        component_code=line.component,
        kind=_LINE_KINDS[line.kind],
        start_date=day_to_proto(line.start),
        end_date=day_to_proto(line.end),
        rate_version=rate_version_name(segment.rate_code, versions[line.version]),
        step=line.step,
        bucket=line.bucket,
        usage=line.usage,
        quantity=DecimalProto(value=quantity_text(quantity.attos)) if quantity else None,
        unit=quantity.unit if quantity else "",
        base=money_to_proto(line.base) if line.base else None,
        rate=decimal_to_proto(line.rate),
        days=line.days,
        full_days=line.full_days,
        unrounded_amount=decimal_to_proto(unrounded(line)),
        rounding=_ROUNDINGS[line.rounding],
        amount=money_to_proto(line.amount),
        distribution_code=line.distribution_code,
        sources=line.sources,
        estimated=line.estimated,
    )


def _total_to_proto(measure: str, total: int) -> pb.BillSegmentTotal:
    if scale_of(measure):
        amount: MoneyProto = money_to_proto(Money(total, measure))
        return pb.BillSegmentTotal(amount=amount)
    return pb.BillSegmentTotal(quantity=DecimalProto(value=quantity_text(total)), unit=measure)


def _sum(segments: Sequence[Segment]) -> Sum:
    counted = [each for each in segments if each.state in {SegmentState.FREEZABLE, SegmentState.FROZEN}]
    failed = [each for each in segments if each.state in {SegmentState.ERROR, SegmentState.INCOMPLETE}]
    amounts = (sum(each.amount.minor for each in counted), sum(each.tax.minor for each in counted))
    return Sum(len(segments), len(failed), *amounts)


def _segment_name(segment: Segment | None) -> str:
    return segment_name(segment.account_id, segment.segment_id) if segment and segment.segment_id else ""


def _account(parent: str) -> str:
    """The account of a parent; empty for all."""
    account_id = id_from_name(parent)
    return "" if account_id == ANY else account_id
