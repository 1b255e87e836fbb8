"""Interval data that are created, over the wire in few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal

from countinghouse.billing.v1 import interval_data_sets_pb2 as pb
from countinghouse.billing.v1 import usage_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from tests.support.server import Served
from tests.wire.billing.office import Office

ACCOUNT = "accounts/A-1"
COMPLETE, ERROR = pb.INTERVAL_DATA_SET_STATE_COMPLETE, pb.INTERVAL_DATA_SET_STATE_ERROR
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


def on(day: date) -> Date:
    """A date of the contract."""
    return Date(year=day.year, month=day.month, day=day.day)


@dataclass(frozen=True, slots=True)
class Creator:
    """Calls of one who has data created, on a server that carries it out."""

    served: Served

    @property
    def billing(self) -> BillingServiceStub:
        """The service."""
        stub: BillingServiceStub = self.served.stub(BillingServiceStub)
        return stub

    @property
    def office(self) -> Office:
        """Accounts on that server."""
        return Office(self.billing)

    def derived(
        self,
        profile_id: str,
        owner: str,
        kind: str,
        *sources: str,
        account: str = ACCOUNT,
        **parameters: str,
    ) -> Any:
        """A profile of an agreement, created from others of the account, or from those whose full names are given."""
        names = [each if "/" in each else f"{account}/profiles/{each}" for each in sources]
        return self.office.profile(
            profile_id,
            account=account,
            type_code=kind,
            service_agreement=f"{account}/serviceAgreements/{owner}",
            derivation={"sources": names, "parameters": parameters},
        )

    def start(self, end: date = FEBRUARY, *, start: date | None = None, **target: str) -> operations_pb2.Operation:
        """Begin to create data, of the account unless another `target` is given."""
        given: dict[str, Any] = {**(target or {"account": ACCOUNT}), "start_date": on(start) if start else None}
        request = pb.CreateIntervalDataRequest(end_date=on(end), **given)
        return self.billing.CreateIntervalData(request, timeout=20)

    def create(self, end: date = FEBRUARY, *, start: date | None = None, **target: str) -> pb.IntervalDataFigures:
        """Create data; what it came to."""
        return self.ended(self.start(end, start=start, **target).name)

    def ended(self, operation: str) -> pb.IntervalDataFigures:
        """What an operation came to."""
        waiting = operations_pb2.WaitOperationRequest(name=operation, timeout=Duration(seconds=60))
        ended = self.served.stub(operations_pb2_grpc.OperationsStub).WaitOperation(waiting, timeout=70)
        assert ended.WhichOneof("result") == "response", ended
        metadata, response = pb.CreateIntervalDataMetadata(), pb.CreateIntervalDataResponse()
        assert ended.metadata.Unpack(metadata)
        assert ended.response.Unpack(response)
        assert metadata.figures == response.figures
        return response.figures

    def sets(self, account: str = ACCOUNT, **wanted: Any) -> list[pb.IntervalDataSet]:
        """The data sets in the order in which they were made, read in pages of two."""
        found: list[pb.IntervalDataSet] = []
        token = ""
        while True:
            request = pb.ListIntervalDataSetsRequest(parent=account, page_size=2, page_token=token, **wanted)
            page = self.billing.ListIntervalDataSets(request)
            found += page.interval_data_sets
            token = page.next_page_token
            if not token:
                return found

    def read(self, profile_id: str, values: Mapping[datetime, str], *, correction: bool = False) -> Any:
        """Take in data that come in, by instant."""
        rows = [
            usage_pb2.IntervalData(local_start_time=at.isoformat(), quantity=Decimal(value=value))
            for at, value in values.items()
        ]
        request = usage_pb2.IngestUsageRequest(
            usage_import=usage_pb2.UsageImport(correction=correction),
            usage=[usage_pb2.ProfileUsage(profile=_full(profile_id), interval_data=rows)],
        )
        answer = self.billing.IngestUsage(iter([request]))
        assert not answer.refused_count, answer
        return answer

    def values(self, profile_id: str) -> list[tuple[str, int]]:
        """What is kept of a profile, at most 1,000: quantity and revision."""
        request = usage_pb2.ListIntervalDataRequest(parent=_full(profile_id), page_size=1_000)
        return [(each.quantity.value, each.revision) for each in self.billing.ListIntervalData(request).interval_data]


def hours(start: datetime, values: Sequence[str]) -> dict[datetime, str]:
    """Values of the hours from an instant on."""
    return {start + timedelta(hours=at): value for at, value in enumerate(values)}


def berlin(day: date) -> datetime:
    """When a winter's day begins in Berlin."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=1)


def _full(profile_id: str) -> str:
    return profile_id if "/" in profile_id else f"{ACCOUNT}/profiles/{profile_id}"
