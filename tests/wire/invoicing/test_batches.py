"""Batches of invoices by a real client: closed, moved on by the engine, held, explained, canceled, refused."""

from __future__ import annotations

import grpc
import pytest

from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from countinghouse.operations.v1 import schedules_pb2, schedules_pb2_grpc
from tests.invoicing.batches.house import IN_APRIL
from tests.invoicing.invoices.office import at
from tests.support.server import refusal
from tests.wire.invoicing.batching import APRIL, CYCLE, MARCH, Batching, instant, word


@pytest.mark.rule("INV-01", "INV-02", "INV-03", "INV-04", "INV-05", "INV-14", "INV-20")
def test_the_example_of_the_rules_by_the_client(batching: Batching) -> None:
    """Two of three invoices close, one moves on; aggregated, locked, numbered, and ordered by one export record."""
    house = batching.house
    house.charge({"A": 5_000, "B": 1_000, "C": 400})
    house.now_us = at("2026-03-31T23:59:59")
    early = batching.close(schedules=[MARCH])
    assert (word(early.state), early.hold.reason) == ("PENDING_CLOSE", "INVOICE_BATCH_NOTHING_ENDED")
    batching.cancel(early.name)
    house.now_us = IN_APRIL
    batch = batching.close(description="March")
    assert (word(batch.state), list(batch.schedules)) == ("CLOSED", [MARCH])
    assert (batch.counts.closed_count, batch.counts.moved_count) == (2, 0)
    assert batching.engine(billing_cycle=CYCLE).started_count == 1
    batch = batching.get(batch.name)
    assert (word(batch.state), batch.counts.moved_count) == ("AGGREGATING", 1)
    assert batching.aggregate(invoice_batch=batch.name) == 2
    batching.engine()
    batch = batching.get(batch.name)
    assert (word(batch.state), batch.first_number, batch.number_count) == ("ORDERED", 1, 2)
    assert (batch.issue_date.year, batch.issue_date.month, batch.issue_date.day) == (2026, 4, 1)
    (total,) = batch.counts.totals
    assert (total.net_amount.units, total.tax_amount.units, total.tax_amount.nanos) == (60, 11, 400_000_000)
    assert batching.states(batch.name) == [
        "PENDING_CLOSE",
        "CLOSING",
        "CLOSED",
        "AGGREGATING",
        "READY_FOR_SENDING",
        "ORDERED",
    ]
    assert house.standing()["C"] == [("RUNNING", "2026-04-01", 400, 1)]
    why = batching.explain(batch.name)
    assert (why.reason, why.facts["pending_exports"]) == ("INVOICE_BATCH_EXPORT_PENDING", 1)
    assert [way.method for way in why.ways] == ["RunInvoiceExportEngine"]


@pytest.mark.rule("INV-18")
def test_a_batch_says_what_it_waits_for_and_who_can_move_it_on(batching: Batching) -> None:
    """At every state, with what was counted."""
    house = batching.house
    house.charge({"A": 5_000})
    batch = batching.create(schedules=[MARCH], close_time=instant(IN_APRIL))
    assert batching.explain(batch.name).reason == "INVOICE_BATCH_TIME_NOT_COME"
    house.now_us = IN_APRIL
    why = batching.explain(batch.name)
    assert (why.reason, [way.method for way in why.ways]) == (
        "INVOICE_BATCH_ENGINE_NEXT",
        ["RunInvoiceBatchEngine", "CancelInvoiceBatch"],
    )
    batching.engine()
    assert batching.engine().held_count == 1
    why = batching.explain(batch.name)
    assert (why.reason, why.facts["unaggregated"], why.ways[0].method) == (
        "INVOICE_BATCH_NOT_AGGREGATED",
        1,
        "AggregateInvoices",
    )
    assert word(batching.cancel(batch.name).state) == "CANCELED"
    assert batching.explain(batch.name).reason == "INVOICE_BATCH_OVER"


@pytest.mark.rule("INV-01", "INV-14", "INV-21", "PLT-10")
def test_what_a_batch_is_refused_for(batching: Batching) -> None:
    """Each with its own reason."""
    house = batching.house
    house.charge({"A": 5_000})
    refused = refusal(batching.create)
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVOICE_BATCH_NOTHING_TO_CLOSE")
    house.now_us = IN_APRIL
    batch = batching.close(invoice_batch_id="march")
    assert batch.name == "invoiceBatches/march"
    refused = refusal(lambda: batching.create(schedules=[MARCH]))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVOICE_SCHEDULE_CLOSED")
    house.charge({"B": 5_000})
    refused = refusal(lambda: batching.create(schedules=[APRIL], invoice_batch_id="march"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "INVOICE_BATCH_TAKEN")
    assert refusal(lambda: batching.create(invoice_batch_id="-")).violations == [("invoice_batch_id", "STRING_PATTERN")]
    refused = refusal(lambda: batching.create(schedules=["billingCycles/OTHER/schedules/X"]))
    assert refused.violations == [("schedules[0]", "INVOICE_SCHEDULE_OF_OTHER_CYCLE")]
    assert refusal(lambda: batching.create(schedules=[f"{CYCLE}/schedules/NONE"])).code is grpc.StatusCode.NOT_FOUND
    assert refusal(lambda: batching.create(billing_cycle="billingCycles/NONE")).code is grpc.StatusCode.NOT_FOUND
    refused = refusal(lambda: batching.get("invoiceBatches/none"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "INVOICE_BATCH_NOT_FOUND")
    retry = pb.RetryInvoiceBatchRequest(name=batch.name)
    refused = refusal(lambda: batching.stub.RetryInvoiceBatch(retry, timeout=20))
    assert (refused.reason, refused.metadata["state"]) == ("INVOICE_BATCH_TRANSITION_ILLEGAL", "CLOSED")
    refused = refusal(lambda: batching.aggregate(invoice_batch=batch.name))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVOICE_BATCH_NOT_AGGREGATING")
    batching.engine()
    batching.aggregate()
    batching.engine()
    cancel = pb.CancelInvoiceBatchRequest(name=batch.name)
    refused = refusal(lambda: batching.stub.CancelInvoiceBatch(cancel, timeout=20))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "INVOICE_BATCH_TRANSITION_ILLEGAL",
    )
    assert (refused.metadata["state"], refused.metadata["wanted"]) == ("ORDERED", "CANCELED")


@pytest.mark.rule("INV-13", "PLT-26")
def test_engine_and_aggregation_run_by_schedule(batching: Batching) -> None:
    """They are the same operations, started by the scheduler."""
    house = batching.house
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    batch = batching.close()
    schedules = batching.served.stub(schedules_pb2_grpc.SchedulesServiceStub)
    for code, request in (
        ("engine", pb.RunInvoiceBatchEngineRequest(billing_cycle=CYCLE)),
        ("aggregate", pb.AggregateInvoicesRequest()),
        ("again", pb.RunInvoiceBatchEngineRequest()),
    ):
        schedule = schedules_pb2.Schedule(code=code, cron="*/5 * * * *")
        schedule.request.Pack(request)
        made = schedules.CreateSchedule(schedules_pb2.CreateScheduleRequest(schedule=schedule), timeout=20)
        run = schedules.RunSchedule(schedules_pb2.RunScheduleRequest(name=made.name), timeout=20)
        batching.done(run.operation)
        batching.done(batching.get(batch.name).operation)
    assert word(batching.get(batch.name).state) == "ORDERED"


@pytest.mark.rule("INV-01", "PLT-06")
def test_a_batch_is_created_once_however_often_it_is_asked_for(batching: Batching) -> None:
    """The same request id gives the same batch; validate_only makes none."""
    batching.house.charge({"A": 5_000})
    batching.house.now_us = IN_APRIL
    batching.create(validate_only=True)
    assert not batching.all()
    first = batching.create(request_id="close-march")
    assert batching.create(request_id="close-march") == first
    assert [each.name for each in batching.all(billing_cycle=CYCLE)] == [first.name]
    assert not batching.all(states=[pb.INVOICE_BATCH_STATE_PUBLISHED])
