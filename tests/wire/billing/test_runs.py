"""Billing runs by a real client: begun, watched to the end, previewed, refused, and by schedule."""

from __future__ import annotations

from datetime import date
from threading import Event
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2 as longrunning_pb2
from google.protobuf.json_format import ParseDict

from countinghouse.billing.v1 import bill_cycles_pb2, billing_exceptions_pb2, bills_pb2
from countinghouse.billing.v1 import billing_runs_pb2 as pb
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from countinghouse.operations.v1 import operations_pb2, operations_pb2_grpc, schedules_pb2, schedules_pb2_grpc
from server.database.transaction import Database
from server.work.scheduler import Scheduler, schedulable
from tests.support.server import Served, refusal
from tests.wire.billing.till import amount

WINDOW = "billCycles/NORTH/windows/JAN"
TODAY = date(2026, 11, 18)


@pytest.fixture
def billing(nightly: Served) -> BillingServiceStub:
    """Somebody who bills, with a window that is open today."""
    billing: BillingServiceStub = nightly.stub(BillingServiceStub)
    window(billing, "JAN", TODAY)
    return billing


def window(billing: BillingServiceStub, code: str, day: date, through: date = date(2026, 2, 1)) -> None:
    """A window of one day that freezes and completes."""
    days = {"start_date": day, "end_date": day, "through_date": through, "bill_date": date(2026, 2, 3)}
    given: dict[str, Any] = {name: {"year": d.year, "month": d.month, "day": d.day} for name, d in days.items()}
    asked = {
        "parent": "billCycles/NORTH",
        "bill_cycle_window": {"code": code, "freeze": True, "complete": True, **given},
    }
    billing.CreateBillCycleWindow(ParseDict(asked, bill_cycles_pb2.CreateBillCycleWindowRequest()), timeout=20)


def run(billing: BillingServiceStub, **asked: Any) -> longrunning_pb2.Operation:
    """Begin a run."""
    return billing.RunBilling(pb.RunBillingRequest(**{"window": WINDOW, **asked}), timeout=20)


def watched(nightly: Served, operation: longrunning_pb2.Operation) -> list[longrunning_pb2.Operation]:
    """The operation as it went, to its end."""
    stub = nightly.stub(operations_pb2_grpc.OperationsServiceStub)
    request = operations_pb2.WatchOperationRequest(name=operation.name)
    return [each.operation for each in stub.WatchOperation(request, timeout=60)]


def response(operation: longrunning_pb2.Operation) -> pb.RunBillingResponse:
    """What a run came to."""
    assert operation.done
    assert operation.WhichOneof("result") == "response", operation.error
    found = pb.RunBillingResponse()
    assert operation.response.Unpack(found)
    return found


def metadata(operation: longrunning_pb2.Operation) -> pb.RunBillingMetadata:
    """How far a run is."""
    found = pb.RunBillingMetadata()
    assert operation.metadata.Unpack(found)
    return found


@pytest.mark.rule("BIL-30", "BIL-31")
def test_a_run_is_watched_to_its_end_and_tells_what_is_to_be_worked_off(
    nightly: Served, billing: BillingServiceStub
) -> None:
    """Counts, errors by reason, amounts by currency and the rate; the exceptions are listed by the operation."""
    seen = watched(nightly, run(billing))
    told = metadata(seen[-1])
    assert (told.window, told.preview, told.account_total_count) == (WINDOW, False, 3)
    assert [(stage.stage, stage.items_done, stage.items_total) for stage in told.progress.stages] == [("bill", 3, 3)]
    assert told.accounts_per_second > 0
    found = response(seen[-1])
    assert found.figures == told.figures
    figures = found.figures
    assert (figures.account_count, figures.bill_count, figures.completed_bill_count) == (3, 3, 2)
    assert (figures.bill_segment_count, figures.billing_exception_count) == (6, 1)
    assert [(each.reason, each.count) for each in figures.errors] == [("USAGE_MISSING", 1)]
    assert list(figures.amounts) == [amount(41_984 + round(4_200 * 1.19))]
    assert not found.HasField("variance")
    request = billing_exceptions_pb2.ListBillingExceptionsRequest(parent="accounts/-", operation=seen[-1].name)
    (exception,) = billing.ListBillingExceptions(request, timeout=20).billing_exceptions
    assert exception.bill_segment.startswith("accounts/C/")
    request.operation = "operations/0"
    assert not billing.ListBillingExceptions(request, timeout=20).billing_exceptions
    bills = billing.ListBills(bills_pb2.ListBillsRequest(parent="accounts/-"), timeout=20).bills
    assert [each.state for each in bills] == [
        bills_pb2.BILL_STATE_COMPLETE,
        bills_pb2.BILL_STATE_COMPLETE,
        bills_pb2.BILL_STATE_PENDING,
    ]


@pytest.mark.rule("BIL-15", "BIL-31")
def test_a_preview_lays_what_would_be_billed_beside_the_last_bills(
    nightly: Served, billing: BillingServiceStub
) -> None:
    """Nothing is made; a month later only fixed charges without a read are errors."""
    preview = response(watched(nightly, run(billing, preview=True))[-1])
    assert preview.variance.new_count == 3
    assert not billing.ListBills(bills_pb2.ListBillsRequest(parent="accounts/-"), timeout=20).bills
    done = response(watched(nightly, run(billing))[-1])
    assert preview.figures == done.figures
    window(billing, "FEB", date(2026, 11, 19), date(2026, 3, 1))
    asked = {"window": "billCycles/NORTH/windows/FEB", "outside_window": True, "preview": True}
    operation = watched(nightly, run(billing, **asked))[-1]
    assert metadata(operation).preview
    found = response(operation).variance
    assert (found.within_count, found.above_count, found.below_count, found.new_count) == (0, 0, 2, 1)
    assert [each.account for each in found.largest] == ["accounts/A", "accounts/B"]
    assert found.largest[0].last_amount == amount(41_984)
    assert found.largest[0].last_bill.startswith("accounts/A/bills/")


@pytest.mark.rule("BIL-30", "PLT-08")
def test_a_run_is_begun_once_however_often_it_is_asked_for(nightly: Served, billing: BillingServiceStub) -> None:
    """The same request id gives the same operation; validate_only starts nothing."""
    run(billing, validate_only=True)
    first = run(billing, request_id="tonight", window="billCycles/NORTH/windows/-")
    assert run(billing, request_id="tonight", window="billCycles/NORTH/windows/-").name == first.name
    assert metadata(watched(nightly, first)[-1]).window == WINDOW


@pytest.mark.rule("BIL-30")
def test_what_a_run_is_refused_for(billing: BillingServiceStub) -> None:
    """Each with its own reason."""
    window(billing, "LATER", date(2026, 12, 1))
    refused = refusal(lambda: run(billing, window="billCycles/NORTH/windows/LATER"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILL_CYCLE_WINDOW_NOT_OPEN")
    refused = refusal(lambda: run(billing, window="billCycles/SOUTH/windows/-"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILL_CYCLE_HAS_NO_OPEN_WINDOW")
    assert refusal(lambda: run(billing, window="billCycles/NORTH/windows/NONE")).code is grpc.StatusCode.NOT_FOUND
    refused = refusal(lambda: run(billing, accounts=["accounts/A", "accounts/NONE"]))
    assert refused.violations == [("accounts[1]", "ACCOUNT_NOT_OF_CYCLE")]


@pytest.mark.rule("BIL-14")
def test_a_window_is_run_once_at_a_time(utility: Served) -> None:
    """The refusal names the operation that runs it; nobody carries anything out here."""
    billing = utility.stub(BillingServiceStub)
    window(billing, "JAN", TODAY)
    first = run(billing)
    refused = refusal(lambda: run(billing))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILLING_RUN_UNDER_WAY")
    assert refused.metadata["operation"] == first.name


@pytest.mark.rule("BIL-30", "PLT-26")
def test_a_schedule_runs_the_window_that_is_open_then(
    nightly: Served, billing: BillingServiceStub, database: Database
) -> None:
    """The template names the cycle alone; each time has the window of its day, and a day without one is told."""
    schedules = nightly.stub(schedules_pb2_grpc.SchedulesServiceStub)
    schedule = schedules_pb2.Schedule(code="nightly", cron="0 3 * * *")
    schedule.request.Pack(pb.RunBillingRequest(window="billCycles/NORTH/windows/-"))
    made = schedules.CreateSchedule(schedules_pb2.CreateScheduleRequest(schedule=schedule), timeout=20)
    unpacked = pb.RunBillingRequest()
    assert made.request.Unpack(unpacked)
    assert unpacked.window == "billCycles/NORTH/windows/-"
    started = schedules.RunSchedule(schedules_pb2.RunScheduleRequest(name=made.name), timeout=20)
    operation = longrunning_pb2.Operation(name=started.operation)
    assert response(watched(nightly, operation)[-1]).window == WINDOW
    next_us = made.next_run_time.ToMicroseconds()
    Scheduler(schedulable(nightly.settings), clock_us=lambda: next_us).look(database, Event())
    request = schedules_pb2.ListScheduleRunsRequest(parent=made.name)
    newest = schedules.ListScheduleRuns(request, timeout=20).schedule_runs[0]
    assert newest.reason == "BILL_CYCLE_HAS_NO_OPEN_WINDOW"
