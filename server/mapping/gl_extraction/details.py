"""Accounting details as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterable

from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as pb
from domain.gl_extraction.details.ingest import Refusal
from domain.gl_extraction.details.model import CalendarDay, Detail, Maker, NewDetail, Origin, SubjectType
from domain.gl_extraction.details.reverse import ReverseRequest
from domain.gl_extraction.details.store.marks import UndoScope
from domain.gl_extraction.details.store.pages import DetailFilter
from domain.gl_extraction.details.undo import ToResend, Undone
from domain.gl_extraction.names import batch_name, detail_name
from domain.kernel.amounts import Amount, amount_of
from domain.operations.service import name_of
from server.mapping.days import day_to_proto, days_from_proto
from server.mapping.operations import instant_to_proto

_SOURCE_MAX, _EXTERNAL_ID_MAX = 64, 128  # characters that are told of those of a refused row: the bounds of sound ones


class _Values(dict[int, str]):
    """Values of the domain by their number in the contract; a number without one is told as it is, to be refused."""

    def __missing__(self, number: int) -> str:
        return f"#{number}"


# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_SUBJECT_TYPE_NUMBERS = {"": pb.SUBJECT_TYPE_UNSPECIFIED} | {
    kind.value: pb.SubjectType.Value(f"SUBJECT_TYPE_{kind.name}") for kind in SubjectType
}
_ORIGIN_NUMBERS = {origin: pb.Origin.Value(f"ORIGIN_{origin.name}") for origin in Origin}
_MAKER_NUMBERS = {maker: pb.Maker.Value(f"MAKER_{maker.name}") for maker in Maker}
_SUBJECT_TYPES = _Values({number: kind for kind, number in _SUBJECT_TYPE_NUMBERS.items()})
_ORIGINS = _Values({0: ""} | {number: origin.value for origin, number in _ORIGIN_NUMBERS.items()})


def new_details_from_proto(rows: Iterable[pb.AccountingDetail]) -> list[NewDetail]:
    """The rows as they are, right or wrong; what only the server sets is left behind. Cost: about 5 µs a row."""
    return [_new_detail(row) for row in rows]


def detail_to_proto(detail: Detail) -> pb.AccountingDetail:
    """A stored detail."""
    proto = pb.AccountingDetail(
        name=detail.name,
        source=detail.source,
        external_id=detail.external_id,
        description=detail.description,
        subject_type=_SUBJECT_TYPE_NUMBERS[detail.subject_type],
        subject=detail.subject,
        origin=_ORIGIN_NUMBERS[detail.origin],
        grouping=detail.grouping,
        bulking_group=detail.bulking_group,
        reversal=detail.reversal,
        distribution_account=detail.distribution_account,
        ledger_code=detail.ledger_code,
        accounting_date=day_to_proto(detail.accounting_date),
        transaction_date=day_to_proto(detail.transaction_date),
        accounting_period_code=detail.accounting_period_code,
        category=detail.category,
        debit=_money(detail.debit_minor, detail.currency),
        credit=_money(detail.credit_minor, detail.currency),
        group_account_code=detail.group_account_code,
        gl_segments=detail.gl_segments,
        attributes=detail.attributes,
        maker=_MAKER_NUMBERS[detail.maker],
        create_time=instant_to_proto(detail.created_us),
        invoiced=detail.invoiced_us > 0,
        void=detail.voided_us > 0,
        void_time=instant_to_proto(detail.voided_us),
        reverses=detail_name(detail.reverses) if detail.reverses else "",
        reversed_by=detail_name(detail.reversed_by) if detail.reversed_by else "",
        operation=name_of(detail.operation_id) if detail.operation_id else "",
    )
    if detail.stamp is not None:
        proto.extraction_batch = batch_name(detail.stamp.batch_no)
        proto.extraction_time.FromMicroseconds(detail.stamp.message_us)
    return proto


def refusal_to_proto(refusal: Refusal, *, first_row: int, in_short: bool) -> pb.RefusedRow:
    """A refused row; `first_row` is the place in the stream of the first row of its chunk.

    `in_short` tells the place, and of what is wrong the first thing: about 50 bytes.
    """
    row = first_row + refusal.position
    if in_short:
        first = refusal.violations[0]
        return pb.RefusedRow(row=row, violations=[pb.RowViolation(field=first.field, reason=first.reason)])
    return pb.RefusedRow(
        row=row,
        source=refusal.source[:_SOURCE_MAX],
        external_id=refusal.external_id[:_EXTERNAL_ID_MAX],
        violations=[
            pb.RowViolation(field=found.field, reason=found.reason, description=found.description)
            for found in refusal.violations
        ],
    )


def filter_from_proto(proto: pb.AccountingDetailFilter) -> DetailFilter:
    """Which details. Raises: Invalid for a date that the calendar does not have."""
    from_day, to_day = days_from_proto(
        {
            "filter.accounting_date_from": proto.accounting_date_from
            if proto.HasField("accounting_date_from")
            else None,
            "filter.accounting_date_to": proto.accounting_date_to if proto.HasField("accounting_date_to") else None,
        }
    )
    status = proto.extraction_status
    return DetailFilter(
        source=proto.source,
        external_id=proto.external_id,
        subject_type=_SUBJECT_TYPES[proto.subject_type],
        subject=proto.subject,
        origin=_ORIGINS[proto.origin],
        grouping=proto.grouping,
        bulking_group=proto.bulking_group if proto.HasField("bulking_group") else None,
        ledger_code=proto.ledger_code,
        accounting_period_code=proto.accounting_period_code,
        distribution_account=proto.distribution_account,
        group_account_code=proto.group_account_code,
        currency=proto.currency_code,
        from_day=from_day,
        to_day=to_day,
        extracted=None if not status else status == pb.EXTRACTION_STATUS_EXTRACTED,
        batch_no=int(proto.extraction_batch.rpartition("/")[2] or 0),
        void=proto.void if proto.HasField("void") else None,
        reversal=proto.reversal if proto.HasField("reversal") else None,
        invoiced=proto.invoiced if proto.HasField("invoiced") else None,
    )


def scope_from_proto(request: pb.UndoAccountingDetailsRequest) -> UndoScope:
    """Whose details are undone."""
    if request.WhichOneof("scope") == "registration":
        return UndoScope(registration=request.registration)
    kind = _SUBJECT_TYPES[request.subject.subject_type]
    return UndoScope(subject=request.subject.subject, subject_type=kind or None)


def undone_to_proto(undone: Undone) -> pb.UndoAccountingDetailsResponse:
    """What was marked void."""
    return pb.UndoAccountingDetailsResponse(
        voided_count=undone.voided,
        stamped_count=undone.stamped,
        to_resend=map(_to_resend, undone.to_resend),
    )


def reverse_from_proto(request: pb.ReverseAccountingDetailsRequest, *, today: int) -> ReverseRequest:
    """What is reversed. Raises: Invalid for a date that the calendar does not have."""
    given = request.accounting_date if request.HasField("accounting_date") else None
    (day,) = days_from_proto({"accounting_date": given})
    return ReverseRequest(tuple(request.names), day=day, today=today, reason=request.reason)


def _new_detail(row: pb.AccountingDetail) -> NewDetail:
    return NewDetail(
        row.name,
        row.source,
        row.external_id,
        row.description,
        _SUBJECT_TYPES[row.subject_type],
        row.subject,
        _ORIGINS[row.origin],
        row.grouping,
        row.bulking_group,
        row.reversal,
        row.distribution_account,
        row.ledger_code,
        _day(row.accounting_date) if row.HasField("accounting_date") else None,
        _day(row.transaction_date) if row.HasField("transaction_date") else None,
        row.accounting_period_code,
        row.category,
        _amount(row.debit) if row.HasField("debit") else None,
        _amount(row.credit) if row.HasField("credit") else None,
        row.group_account_code,
        tuple(row.gl_segments[:]),  # a slice is taken at once, what is iterated over item by item
        tuple(row.attributes[:]),
    )


def _day(date: Date) -> CalendarDay:
    return date.year, date.month, date.day


def _amount(money: Money) -> Amount:
    return money.currency_code, money.units, money.nanos


def _money(minor: int, currency: str) -> Money | None:
    """The amount; none for the side that has none."""
    if not minor:
        return None
    _, units, nanos = amount_of(minor, currency)
    return Money(currency_code=currency, units=units, nanos=nanos)


def _to_resend(batch: ToResend) -> pb.ResendNeeded:
    return pb.ResendNeeded(
        extraction_batch=batch_name(batch.batch_no),
        detail_count=batch.detail_count,
        sample=map(detail_name, batch.sample),
    )
