"""Invoice lines, and what became of those that were sent, as the contract tells them."""

from __future__ import annotations

from collections import Counter

from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal

from countinghouse.invoicing.v1 import invoice_lines_pb2 as pb
from domain.billing.names import segment_name
from domain.invoicing.invoices.ingest import Ingested
from domain.invoicing.invoices.model import CREDIT, InvoiceLine, Place
from domain.invoicing.invoices.rows import GivenLine, Refusal
from domain.invoicing.names import line_name
from domain.kernel.money import Money
from server.mapping.days import day_to_proto
from server.mapping.decimals import decimal_to_proto
from server.mapping.invoicing.invoices import percent_of
from server.mapping.money import money_to_proto
from server.mapping.operations import instant_to_proto

REFUSALS_MAX = 10_000
REFUSALS_BYTES = 3 << 20
"""Refused rows beyond so many bytes are told in short, so that an answer stays below the 4 MiB that clients take."""

_ACCOUNT_MAX, _SOURCE_MAX, _ID_MAX = 160, 64, 128  # characters that are told of refused rows


def line_from_proto(given: pb.InvoiceLine, account: str = "") -> GivenLine:
    """A row as it is, right or wrong; `account` is that which the request names. Cost: about 3 µs."""
    amount = given.net_amount
    return GivenLine(
        account or given.account,
        given.source,
        given.external_id,
        (amount.currency_code, amount.units, amount.nanos) if given.HasField("net_amount") else None,
        given.tax_category,
        given.tax_percent.value,
        given.description,
        given.quantity.value,
        given.unit_code,
        given.price.value,
        _day(given.start_date) if given.HasField("start_date") else None,
        _day(given.end_date) if given.HasField("end_date") else None,
        given.distribution_code,
    )


def line_to_proto(found: InvoiceLine, currency: str) -> pb.InvoiceLine:
    """A line of an invoice in this currency."""
    told = pb.InvoiceLine(
        name=found.name,
        account=f"accounts/{found.account_id}",
        source=found.source,
        external_id=found.external_id,
        description=found.description,
        net_amount=money_to_proto(Money(found.net_minor, currency)),
        tax_category=found.tax_category,
        tax_percent=decimal_to_proto(percent_of(found.tax_ppm)),
        unit_code=found.unit_code,
        distribution_code=found.distribution_code,
        bill_segment=segment_name(found.account_id, found.segment_id) if found.segment_id else "",
        create_time=instant_to_proto(found.created_us),
    )
    if found.source == CREDIT:
        invoice_id, line_no, *_ = found.external_id.split("/")
        told.credited_line = line_name(found.account_id, invoice_id, int(line_no))
    if found.quantity:
        told.quantity.CopyFrom(Decimal(value=found.quantity))
        told.price.CopyFrom(Decimal(value=found.price))
    if found.start_day:
        told.start_date.CopyFrom(day_to_proto(found.start_day))
        told.end_date.CopyFrom(day_to_proto(found.end_day))
    return told


def place_from_name(name: str) -> tuple[str, Place]:
    """The account of a line that a name is of, and where it stands."""
    _, account, _, invoice, _, line_no = name.split("/")
    return account, Place(invoice, int(line_no))


class Tally:
    """Adds up what became of the chunks of a stream, in their order."""

    def __init__(self) -> None:
        self._answer = pb.IngestInvoiceLinesResponse()
        self._reasons: Counter[str] = Counter()
        self._bytes = 0

    def add(self, chunk: Ingested) -> None:
        """Add the next chunk of the stream."""
        answer = self._answer
        for refusal in chunk.refusals[: REFUSALS_MAX - len(answer.refused_rows)]:
            told = _refusal_to_proto(refusal, answer.received_count, in_short=self._bytes > REFUSALS_BYTES)
            answer.refused_rows.append(told)
            self._bytes += told.ByteSize()
        for refusal in chunk.refusals:
            self._reasons.update({violation.reason for violation in refusal.violations})
        answer.received_count += chunk.received
        answer.created_count += chunk.created
        answer.unchanged_count += chunk.unchanged
        answer.refused_count += len(chunk.refusals)

    def to_proto(self) -> pb.IngestInvoiceLinesResponse:
        """The answer to the stream."""
        self._answer.refused_count_by_reason.update(self._reasons)
        return self._answer


def _refusal_to_proto(refusal: Refusal, first_row: int, *, in_short: bool) -> pb.RefusedInvoiceLine:
    """A refused row; `first_row` is the place in the stream of the first row of its chunk."""
    violations = refusal.violations[:1] if in_short else refusal.violations
    return pb.RefusedInvoiceLine(
        row=first_row + refusal.position,
        account=refusal.account[:_ACCOUNT_MAX],
        source=refusal.source[:_SOURCE_MAX],
        external_id=refusal.external_id[:_ID_MAX],
        violations=[
            pb.InvoiceLineViolation(
                field=each.field, reason=each.reason, description="" if in_short else each.description
            )
            for each in violations
        ],
    )


def _day(date: Date) -> tuple[int, int, int]:
    return date.year, date.month, date.day
