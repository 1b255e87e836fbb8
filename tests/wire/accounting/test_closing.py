"""Closing a period of the books while operations in it wait to be carried out."""

from __future__ import annotations

import grpc
import pytest
from google.type.date_pb2 import Date

from countinghouse.accounting.v1 import operations_pb2
from countinghouse.gl_extraction.v1 import reference_pb2 as pb
from tests.support.server import Served, refusal
from tests.wire.accounting.desk import Desk
from tests.wire.accounting.samples import Accounting
from tests.wire.gl_extraction.samples import Gl


def number(day: Date) -> int:
    """As yyyymmdd."""
    return day.year * 10_000 + day.month * 100 + day.day


@pytest.mark.rule("GLX-04", "PLT-07")
def test_open_assignments_stand_in_the_way_of_closing(shop: Served) -> None:
    """Refused with their number, and nothing is closed; by force, or once nothing is open, it closes."""
    desk, gl = Desk(shop.stub(Accounting)), shop.stub(Gl)
    waiting = desk.one(desk.claim("MANUAL"), "CREDIT")
    day = waiting.accounting_date
    (period,) = [
        each
        for each in gl.ListAccountingPeriods(pb.ListAccountingPeriodsRequest(parent="ledgers/MAIN")).accounting_periods
        if (each.start_date.month, each.start_date.day)
        <= (day.month, day.day)
        <= (each.end_date.month, each.end_date.day)
    ]
    close = pb.CloseAccountingPeriodRequest(name=period.name)
    refused = refusal(lambda: gl.CloseAccountingPeriod(close))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PERIOD_HAS_OPEN_ASSIGNMENTS")
    assert (refused.metadata["resource_name"], refused.metadata["open_count"]) == (period.name, "1")
    assert gl.GetAccountingPeriod(pb.GetAccountingPeriodRequest(name=period.name)) == period
    desk.call(
        "CancelAccountingOperation",
        operations_pb2.CancelAccountingOperationRequest(name=waiting.name, reason="not needed"),
    )
    assert gl.CloseAccountingPeriod(close).state == pb.ACCOUNTING_PERIOD_STATE_CLOSED


@pytest.mark.rule("GLX-04")
def test_by_force_it_closes_all_the_same(shop: Served) -> None:
    """With a reason."""
    desk, gl = Desk(shop.stub(Accounting)), shop.stub(Gl)
    desk.one(desk.claim("MANUAL"), "CREDIT")
    for period in gl.ListAccountingPeriods(pb.ListAccountingPeriodsRequest(parent="ledgers/MAIN")).accounting_periods:
        close = pb.CloseAccountingPeriodRequest(name=period.name, force=True, reason="year end")
        assert gl.CloseAccountingPeriod(close).state == pb.ACCOUNTING_PERIOD_STATE_CLOSED
