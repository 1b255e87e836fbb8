"""Requests for the tests of GL extraction on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as pb
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2

Gl = gl_grpc.GLExtractionServiceStub


def day(text: str) -> Date:
    """A date from 2026-05-15."""
    year, month, of_month = map(int, text.split("-"))
    return Date(year=year, month=month, day=of_month)


def usd(units: int, nanos: int = 0) -> Money:
    """Dollars."""
    return Money(currency_code="USD", units=units, nanos=nanos)


def row(number: int = 1, **changes: Any) -> pb.AccountingDetail:
    """A sound row; None leaves a field out."""
    fields: dict[str, Any] = {
        "source": "erp",
        "external_id": f"line-{number}",
        "subject_type": pb.SUBJECT_TYPE_POLICY,
        "subject": "P-1",
        "origin": pb.ORIGIN_FINANCIAL,
        "bulking_group": "B1",
        "ledger_code": "MAIN",
        "accounting_date": day("2026-05-15"),
        "debit": usd(100),
        "group_account_code": "GA1",
        "gl_segments": ["100", "", "30"],
        **changes,
    }
    return pb.AccountingDetail(**{name: value for name, value in fields.items() if value is not None})


def open_books(gl: Gl, *, first: str = "2026-01-01", last: str = "2026-12-31") -> None:
    """A ledger with one open period, and a group account."""
    gl.CreateLedger(reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="MAIN")))
    account = reference_pb2.GroupAccount(code="GA1", description="Premiums")
    gl.CreateGroupAccount(reference_pb2.CreateGroupAccountRequest(group_account=account))
    period = reference_pb2.AccountingPeriod(code="FY", start_date=day(first), end_date=day(last))
    gl.CreateAccountingPeriod(
        reference_pb2.CreateAccountingPeriodRequest(parent="ledgers/MAIN", accounting_period=period)
    )


def messages(rows: Iterable[pb.AccountingDetail], size: int = 100) -> Iterator[pb.IngestAccountingDetailsRequest]:
    """The rows as a stream, `size` in a message."""
    batch: list[pb.AccountingDetail] = []
    for new in rows:
        batch.append(new)
        if len(batch) == size:
            yield pb.IngestAccountingDetailsRequest(accounting_details=batch)
            batch = []
    if batch:
        yield pb.IngestAccountingDetailsRequest(accounting_details=batch)


def listed(gl: Gl, page_size: int = 1_000, order_by: str = "", **wanted: Any) -> list[pb.AccountingDetail]:
    """All details of a list, page by page."""
    found: list[pb.AccountingDetail] = []
    token = ""
    while True:
        answer = gl.ListAccountingDetails(
            pb.ListAccountingDetailsRequest(
                page_size=page_size,
                page_token=token,
                order_by=order_by,
                filter=pb.AccountingDetailFilter(**wanted),
            )
        )
        found += answer.accounting_details
        token = answer.next_page_token
        if not token:
            return found
