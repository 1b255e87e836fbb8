"""Drafts that were made by a configuration of before are made again before they are on a bill for good (BIL-10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from countinghouse.billing.v1 import bill_segments_pb2 as segments_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from domain.billing.usage import clock
from domain.kernel.quantities import ATTOS
from server.database.transaction import Database
from tests.billing.shop import ZONE
from tests.billing.usage.samples import keep_intervals
from tests.support.server import Served, refusal
from tests.wire.billing.office import Office
from tests.wire.billing.registry import Registry
from tests.wire.billing.tariffs import Tariffs, number, stepped
from tests.wire.billing.test_corrections import Desk
from tests.wire.billing.till import amount, site, used

FREEZABLE = segments_pb2.BILL_SEGMENT_STATE_FREEZABLE
FROZEN = segments_pb2.BILL_SEGMENT_STATE_FROZEN
INCOMPLETE = segments_pb2.BILL_SEGMENT_STATE_INCOMPLETE
DEARER = stepped({"price": number("0.60")})
FEBRUARY = {"year": 2026, "month": 2, "day": 1}


@pytest.fixture
def desk(utility: Served, office: Office, database: Database) -> Desk:
    """A site of 400 kWh and its head office, to be billed for January: 157.08 and 8 EUR."""
    office.account()
    site(office, "S1")
    office.agreement("HO", type_code="HEAD_OFFICE")
    used(database, "S1", "400")
    return Desk(utility.stub(BillingServiceStub))


@pytest.mark.rule("BIL-10", "BIL-12", "BIL-20")
def test_a_draft_by_a_version_that_holds_no_more_is_made_again(desk: Desk, tariffs: Tariffs) -> None:
    """With what is charged on it; refused by name until then, and billed by the new version."""
    bill = desk.bill().bill
    tariffs.version("POWER", DEARER)
    refused = refusal(lambda: desk.complete(bill.name))
    assert refused.reason == "BILL_HAS_ERRORS"
    for words in ("S1 from 2026-01-01", "HO from 2026-01-01", "what it was made of has changed", "generate the bill"):
        assert words in refused.message
    desk.freeze(bill.name)
    assert {each.state for each in desk.by_agreement(bill.name).values()} == {INCOMPLETE}
    assert desk.bill().bill.name == bill.name
    assert desk.complete(bill.name).amount == amount(24_000 + 800)


CHANGES: dict[str, Callable[[Tariffs, Registry], object]] = {
    "a version of later days": lambda tariffs, _: tariffs.version("POWER", DEARER, effective_date=FEBRUARY),
    "another rate": lambda tariffs, _: tariffs.version("GREEN", DEARER),
    "words": lambda tariffs, _: tariffs.change_type("POWER", "description", description="For homes"),
    "another type": lambda tariffs, _: tariffs.change_type("AT-1", "processingSequence", processing_sequence=5),
    "there and back": lambda tariffs, _: [
        tariffs.change_type("POWER", "processingSequence", **given) for given in ({"processing_sequence": 3}, {})
    ],
}


@pytest.mark.rule("BIL-10", "BIL-20")
@pytest.mark.parametrize("change", list(CHANGES))
def test_what_does_not_concern_a_draft_leaves_it_as_it_is(
    desk: Desk, tariffs: Tariffs, registry: Registry, change: str
) -> None:
    """It is completed as it was made."""
    bill = desk.bill().bill
    CHANGES[change](tariffs, registry)
    assert desk.complete(bill.name).amount == amount(15_708 + 800)


@pytest.mark.rule("BIL-01", "BIL-10", "BIL-12")
def test_a_draft_by_what_its_type_or_scheme_said_before_is_made_again(
    desk: Desk, office: Office, tariffs: Tariffs, registry: Registry, database: Database
) -> None:
    """Each with what is charged on it: others of the account stay."""
    site(office, "T1", "HOURLY", type_code="POWER_BY_TIME")
    data = dict.fromkeys(clock.begins(ZONE, 3_600, 20260101, 20260201), ATTOS)
    database.write(lambda tx: keep_intervals(tx, "A-1", "T1", data))
    bill = desk.bill().bill
    rows = [{"bucket": "PEAK", "start_time": {"hours": 10}, "end_time": {"hours": 14}}]
    registry.update("TimeOfUseScheme", "timeOfUseSchemes/DAY_NIGHT", rows=rows)
    desk.freeze(bill.name)
    found = {key: each.state for key, each in desk.by_agreement(bill.name).items()}
    assert found == {"S1": FROZEN, "T1": INCOMPLETE, "HO": INCOMPLETE}
    desk.bill()
    tariffs.change_type("HEAD_OFFICE", "processingSequence", processing_sequence=12)
    desk.freeze(bill.name)
    found = {key: each.state for key, each in desk.by_agreement(bill.name).items()}
    assert found == {"S1": FROZEN, "T1": FROZEN, "HO": INCOMPLETE}
    desk.bill()
    desk.freeze(bill.name)
    assert desk.by_agreement(bill.name)["HO"].state == FROZEN


@pytest.mark.rule("BIL-10", "BIL-13")
def test_a_correction_by_a_configuration_of_before_is_undone_and_made_anew(desk: Desk, tariffs: Tariffs) -> None:
    """Making the bill again does not make it again; what it would have taken back stays as it is until then."""
    first = desk.bill().bill
    desk.complete(first.name)
    frozen = desk.by_agreement(first.name)["S1"]
    correction = desk.rebill(frozen.name)
    tariffs.version("POWER", DEARER)
    refused = refusal(lambda: desk.complete(correction.bill.name))
    assert refused.reason == "BILL_HAS_ERRORS"
    assert "undo the correction, and rebill it again" in refused.message
    desk.undo(frozen.name)
    again = desk.rebill(frozen.name)
    assert {each.state for each in again.made} == {FREEZABLE}
    assert desk.complete(again.bill.name).amount == amount(24_000 - 15_708)
