"""WatchBillingRun by a real client: how a run goes, taken up where it was lost, paused, failed, canceled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2 as longrunning_pb2
from google.longrunning import operations_pb2_grpc as longrunning_grpc
from google.rpc import code_pb2

from countinghouse.billing.v1 import billing_runs_pb2 as pb
from countinghouse.billing.v1 import interval_data_sets_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from countinghouse.operations.v1 import operations_pb2, operations_pb2_grpc
from server.database.transaction import Database
from tests.billing.shop import NOW_US, ZONE, open_shop
from tests.support.server import Served, refusal, serving
from tests.wire.billing.test_runs import TODAY, WINDOW, response, run, watched, window
from tests.wire.billing.till import amount

WAIT_S = 20


@pytest.fixture
def billing(nightly: Served) -> BillingServiceStub:
    """Somebody who bills, with a window that is open today."""
    billing: BillingServiceStub = nightly.stub(BillingServiceStub)
    window(billing, "JAN", TODAY)
    return billing


def watch(billing: BillingServiceStub, name: str, after: int = 0) -> Iterator[pb.WatchBillingRunResponse]:
    """The events of a run."""
    request = pb.WatchBillingRunRequest(name=name, after_sequence=after)
    return iter(billing.WatchBillingRun(request, timeout=60))


@pytest.mark.rule("BIL-31", "PLT-21")
def test_a_watch_tells_how_a_run_goes_and_what_it_came_to(nightly: Served, billing: BillingServiceStub) -> None:
    """Stages, errors by reason, amounts by currency; its end is what every other watch tells."""
    begun = run(billing)
    events = list(watch(billing, begun.name))
    sequences = [each.sequence for each in events]
    assert sequences == sorted(set(sequences))
    assert [each.billing_run.done for each in events] == [False] * (len(events) - 1) + [True]
    last = events[-1].billing_run
    assert (last.name, last.metadata.window) == (begun.name, WINDOW)
    assert [(each.stage, each.items_done, each.done) for each in last.metadata.progress.stages] == [("bill", 3, True)]
    figures = last.metadata.figures
    assert [(each.reason, each.count) for each in figures.errors] == [("USAGE_MISSING", 1)]
    assert list(figures.amounts) == [amount(41_984 + round(4_200 * 1.19))]
    assert last.response == response(watched(nightly, begun)[-1])
    assert last.response.figures == figures


@pytest.mark.rule("PLT-21")
def test_a_watch_is_taken_up_where_it_was_lost(billing: BillingServiceStub) -> None:
    """Only what comes after the sequence that was seen; a sequence that there has not been is refused."""
    begun = run(billing)
    events = list(watch(billing, begun.name))
    last = events[-1].sequence
    assert list(watch(billing, begun.name, last - 1)) == events[-1:]
    assert not list(watch(billing, begun.name, last))
    refused = refusal(lambda: list(watch(billing, begun.name, last + 1)))
    assert (refused.code, refused.reason) == (grpc.StatusCode.OUT_OF_RANGE, "WATCH_CURSOR_AHEAD")


@pytest.mark.rule("BIL-31", "PLT-24")
def test_watchers_are_told_of_a_pause_and_of_the_end_by_canceling(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """Paused, resumed and paused before anybody carries it out, then canceled, which another server does."""
    open_shop(database)
    with serving(migrated_url, tmp_path, jobs=False, clock_us=lambda: NOW_US, business_time_zone=ZONE) as idle:
        billing, own = idle.stub(BillingServiceStub), idle.stub(operations_pb2_grpc.OperationsServiceStub)
        window(billing, "JAN", TODAY)
        begun = run(billing)
        events = watch(billing, begun.name)
        seen = [next(events)]
        pause = operations_pb2.PauseOperationRequest(name=begun.name)
        resume = operations_pb2.ResumeOperationRequest(name=begun.name)
        moves: tuple[Callable[[], object], ...] = (
            lambda: own.PauseOperation(pause, timeout=WAIT_S),
            lambda: own.ResumeOperation(resume, timeout=WAIT_S),
            lambda: own.PauseOperation(pause, timeout=WAIT_S),
        )
        for move in moves:
            move()
            seen.append(next(events))
        states = [operations_pb2.OperationState.Name(each.billing_run.metadata.progress.state) for each in seen]
        assert [each.removeprefix("OPERATION_STATE_") for each in states] == ["QUEUED", "PAUSED", "QUEUED", "PAUSED"]
        assert refusal(lambda: run(billing)).reason == "BILLING_RUN_UNDER_WAY"
        standard = idle.stub(longrunning_grpc.OperationsStub)
        standard.CancelOperation(longrunning_pb2.CancelOperationRequest(name=begun.name), timeout=WAIT_S)
        with serving(migrated_url, tmp_path, clock_us=lambda: NOW_US):
            last = list(events)[-1].billing_run
        assert (last.done, last.WhichOneof("result"), last.error.code) == (True, "error", code_pb2.CANCELLED)


@pytest.mark.rule("BIL-31", "PLT-07")
def test_only_runs_are_watched_so(billing: BillingServiceStub) -> None:
    """Another operation, and none at all, are not found, each with its reason."""
    asked = interval_data_sets_pb2.CreateIntervalDataRequest(bill_cycle="billCycles/NORTH")
    asked.end_date.year, asked.end_date.month, asked.end_date.day = 2026, 2, 1
    other = billing.CreateIntervalData(asked, timeout=WAIT_S)
    for name, reason in ((other.name, "BILLING_RUN_NOT_FOUND"), ("operations/0", "OPERATION_NOT_FOUND")):
        refused = refusal(lambda name=name: list(watch(billing, name)))  # type: ignore[misc]
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, reason)
