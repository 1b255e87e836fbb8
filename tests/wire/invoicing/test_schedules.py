"""Schedules of billing cycles by the client."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from countinghouse.client.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from countinghouse.invoicing.v1 import invoice_schedules_pb2 as pb
from domain.invoicing.configuration import schedules
from domain.kernel.call import Call
from server.database.transaction import Database
from tests.wire.invoicing.conftest import NOW_US
from tests.wire.invoicing.desk import Desk, refused, wrong

MARCH = {"start_time": "2026-02-28T23:00:00Z", "end_time": "2026-03-31T21:59:59Z"}
"""March in Berlin, with the last second as its end."""

CALL = Call(caller="engine", method="", request_id="", now_us=NOW_US)


@pytest.fixture
def open_desk(desk: Desk) -> Desk:
    """A desk with a cycle."""
    desk.issuer()
    desk.cycle()
    return desk


def spans(desk: Desk) -> list[tuple[str, str, str]]:
    """The schedules of the cycle with their starts and ends."""
    return [(each.code, each.start_time.ToJsonString(), each.end_time.ToJsonString()) for each in desk.schedules()]


@pytest.mark.rule("INV-02", "PLT-08")
def test_schedules_are_added_one_behind_the_other(open_desk: Desk) -> None:
    """The last second of an end is held whole; what is not told follows from the cycle, summer time included."""
    march = open_desk.schedule("march", **MARCH)
    assert (march.state, march.made, march.invoice_batch) == (pb.INVOICE_SCHEDULE_STATE_OPEN, False, "")
    open_desk.schedule("april")
    open_desk.schedule("february", start_time="2026-01-31T23:00:00Z", end_time="2026-02-28T23:00:00Z")
    assert spans(open_desk) == [
        ("february", "2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"),
        ("march", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
        ("april", "2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"),
    ]
    found = open_desk.client.invoicing.get_schedule(pb.GetInvoiceScheduleRequest(name=march.name))
    assert found == march


@pytest.mark.rule("INV-02", "PLT-07")
@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"start_time": "2026-04-01T00:00:00Z"}, "start_time", "SCHEDULE_GAP"),
        ({"start_time": "2026-03-31T21:59:59Z"}, "start_time", "SCHEDULE_OVERLAP"),
        ({"end_time": "2026-03-01T00:00:00Z"}, "end_time", "SCHEDULE_ENDS_BEFORE_START"),
        ({"start_time": "1969-12-31T00:00:00Z"}, "start_time", "INSTANT_OUT_OF_RANGE"),
    ],
)
def test_gaps_and_overlaps_are_refused(open_desk: Desk, given: dict[str, Any], field: str, reason: str) -> None:
    """Each with its reason, and nothing is added."""
    open_desk.schedule("march", **MARCH)
    assert wrong(partial(open_desk.schedule, "april", **given)) == [(f"invoice_schedule.{field}", reason)]
    assert len(open_desk.schedules()) == 1


@pytest.mark.rule("INV-02", "PLT-10")
def test_the_end_of_the_last_schedule_is_moved_and_it_is_deleted(open_desk: Desk) -> None:
    """With its etag."""
    march = open_desk.schedule("march", **MARCH)
    april = open_desk.schedule("april")
    moved = open_desk.update("schedule", april, end_time="2026-05-15T21:59:59.5Z")
    assert moved.end_time.ToJsonString() == "2026-05-15T22:00:00Z"
    refused(partial(open_desk.update, "schedule", april, end_time="2026-05-01T00:00:00Z"), Aborted)
    assert wrong(partial(open_desk.update, "schedule", march, end_time="2026-03-20T00:00:00Z")) == [
        ("invoice_schedule.end_time", "SCHEDULE_GAP")
    ]
    unchanged = open_desk.update("schedule", moved, "*")
    assert (unchanged.start_time, unchanged.end_time) == (moved.start_time, moved.end_time)
    delete = open_desk.client.invoicing.delete_schedule
    refused(lambda: delete(pb.DeleteInvoiceScheduleRequest(name=april.name)), InvalidArgument)
    delete(pb.DeleteInvoiceScheduleRequest(name=april.name, etag=unchanged.etag))
    assert [each.code for each in open_desk.schedules()] == ["march"]
    get = pb.GetInvoiceScheduleRequest(name=april.name)
    refused(lambda: open_desk.client.invoicing.get_schedule(get), NotFound)


@pytest.mark.rule("INV-02", "PLT-10")
def test_what_is_in_a_batch_or_closed_stays(open_desk: Desk, database: Database) -> None:
    """A clear refusal, with what holds it."""
    open_desk.schedule("march", **MARCH)

    for change, reason in (
        (partial(schedules.hold, batch="B1"), "INVOICE_SCHEDULE_IN_BATCH"),
        (schedules.close, "INVOICE_SCHEDULE_CLOSED"),
    ):
        locked = database.write(lambda tx: schedules.lock_named(tx, "MONTHLY", ["march"]))
        database.write(lambda tx, c=change, found=locked: c(tx, CALL, found))  # type: ignore[misc]
        (found,) = open_desk.schedules()
        assert found.invoice_batch == "invoiceBatches/B1"
        move = partial(open_desk.update, "schedule", found, end_time="2026-05-01T00:00:00Z")
        assert refused(move, FailedPrecondition).reason == reason
        assert (found.state == pb.INVOICE_SCHEDULE_STATE_CLOSED) == (change is schedules.close)


@pytest.mark.rule("INV-11")
def test_what_was_made_is_told_as_made(open_desk: Desk, database: Database) -> None:
    """And its code is its first day."""
    database.write(lambda tx: schedules.covering(tx, CALL, "MONTHLY", NOW_US))
    (made,) = open_desk.schedules()
    assert (made.code, made.made) == ("2026-04-01", True)
    assert refused(partial(open_desk.schedule, "2026-04-01"), AlreadyExists).reason == "CODE_TAKEN"


@pytest.mark.rule("PLT-07")
def test_a_cycle_that_there_is_not_is_not_found(open_desk: Desk) -> None:
    """For its schedules too."""
    parent = "billingCycles/NONE"
    refused(partial(open_desk.schedule, "march", parent=parent), NotFound)
    refused(partial(open_desk.schedules, parent), NotFound)
