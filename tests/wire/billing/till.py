"""Bills over the wire in few words, and what their accounts used, put straight into the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from google.protobuf.json_format import ParseDict
from google.type.money_pb2 import Money

from countinghouse.billing.v1 import bill_segments_pb2, billing_exceptions_pb2, bills_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from server.database.transaction import Database
from tests.billing.segments.utility import use
from tests.wire.billing.office import Office

ACCOUNT = "accounts/A-1"
JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))


@dataclass(frozen=True, slots=True)
class Till:
    """Calls of one who bills."""

    billing: BillingServiceStub

    def bill(self, account: str = ACCOUNT, through: date = FEBRUARY, **more: Any) -> bills_pb2.GenerateBillResponse:
        """Generate a bill."""
        days = {"year": through.year, "month": through.month, "day": through.day}
        request = ParseDict({"account": account, "through_date": days, **more}, bills_pb2.GenerateBillRequest())
        return self.billing.GenerateBill(request)

    def get(self, name: str) -> bills_pb2.Bill:
        """A bill."""
        return self.billing.GetBill(bills_pb2.GetBillRequest(name=name))

    def segment(self, name: str) -> bill_segments_pb2.BillSegment:
        """A segment."""
        return self.billing.GetBillSegment(bill_segments_pb2.GetBillSegmentRequest(name=name))

    def explain(self, name: str) -> bill_segments_pb2.BillSegmentExplanation:
        """What explains a segment."""
        return self.billing.ExplainBillSegment(bill_segments_pb2.ExplainBillSegmentRequest(name=name))

    def regenerate(self, name: str) -> list[bill_segments_pb2.BillSegment]:
        """Make a segment again; what was made."""
        request = bill_segments_pb2.RegenerateBillSegmentRequest(name=name)
        return list(self.billing.RegenerateBillSegment(request).bill_segments)

    def accept(self, name: str, note: str = "a new oven") -> bill_segments_pb2.BillSegment:
        """Let a segment pass."""
        return self.billing.AcceptBillSegment(bill_segments_pb2.AcceptBillSegmentRequest(name=name, note=note))

    def bills(self, parent: str = ACCOUNT, **more: Any) -> list[bills_pb2.Bill]:
        """Bills, read in pages of two."""
        found: list[bills_pb2.Bill] = []
        token = ""
        while True:
            given = {"parent": parent, "page_size": 2, "page_token": token, **more}
            page = self.billing.ListBills(ParseDict(given, bills_pb2.ListBillsRequest()))
            found += page.bills
            token = page.next_page_token
            if not token:
                return found

    def segments(self, parent: str = ACCOUNT, **more: Any) -> list[bill_segments_pb2.BillSegment]:
        """Segments, read in pages of two."""
        found: list[bill_segments_pb2.BillSegment] = []
        token = ""
        while True:
            given = {"parent": parent, "page_size": 2, "page_token": token, **more}
            page = self.billing.ListBillSegments(ParseDict(given, bill_segments_pb2.ListBillSegmentsRequest()))
            found += page.bill_segments
            token = page.next_page_token
            if not token:
                return found

    def exceptions(self, parent: str = ACCOUNT, **more: Any) -> list[billing_exceptions_pb2.BillingException]:
        """Exceptions, read in pages of one."""
        found: list[billing_exceptions_pb2.BillingException] = []
        token = ""
        while True:
            given = {"parent": parent, "page_size": 1, "page_token": token, **more}
            request = ParseDict(given, billing_exceptions_pb2.ListBillingExceptionsRequest())
            page = self.billing.ListBillingExceptions(request)
            found += page.billing_exceptions
            token = page.next_page_token
            if not token:
                return found


def used(database: Database, agreement_id: str, kwh: str, *, first: date = JANUARY, last: date = FEBRUARY) -> None:
    """What a site of account A-1 used from the first of the days until before the last."""
    database.write(lambda tx: use(tx, agreement_id, kwh, first=first, last=last, account_id="A-1"))


def site(office: Office, agreement_id: str, profile_type: str = "DAILY", **given: Any) -> None:
    """A site of account A-1, with a meter of the same name."""
    agreement = office.agreement(agreement_id, **given)
    office.profile(agreement_id, type_code=profile_type, service_agreement=agreement.name)


def amount(minor: int, currency: str = "EUR") -> Money:
    """So many hundredths of a currency's unit."""
    units, rest = divmod(abs(minor), 100)
    sign = -1 if minor < 0 else 1
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest * 10_000_000)


def own_id(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]
