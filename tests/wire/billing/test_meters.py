"""A year of real homes, taken in by the bulk call and billed month by month, to the cent of an independent calculation.

Half-hourly and hourly meters in their own time zones, with up to 18 decimals, duplicates, and days of 23 and 25 hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from countinghouse.billing.v1 import bill_corrections_pb2, bill_segments_pb2, bills_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from server.database.transaction import Database
from tests.billing.shop import NOW_US
from tests.client.command import run
from tests.house.tree import ROOT
from tests.support.server import Served, serving
from tests.wire.billing.meters import FOLDER, METERS, MONTHS, Meter, Month, first_of
from tests.wire.billing.office import Office
from tests.wire.billing.test_corrections import owed

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/meters is not beside the project")
_KINDS = bill_segments_pb2.CalculationLineKind


@pytest.fixture
def served(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with the books of a utility, configured by the example."""
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False, clock_us=lambda: NOW_US) as server:
        gl = server.stub(gl_grpc.GLExtractionServiceStub)
        gl.CreateLedger(reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="BILLING")))
        year = reference_pb2.AccountingPeriod(
            code="2026", start_date=Date(year=2026, month=1, day=1), end_date=Date(year=2026, month=12, day=31)
        )
        gl.CreateAccountingPeriod(
            reference_pb2.CreateAccountingPeriodRequest(parent="ledgers/BILLING", accounting_period=year)
        )
        done = run(server.target, "billing", "configure", str(ROOT / "examples/billing.yaml"))
        assert done.exit_code == 0, done.output
        yield server


@pytest.mark.slow
@pytest.mark.rule("BIL-20", "BIL-21", "BIL-24")
@pytest.mark.parametrize("meter", METERS, ids=[meter.name for meter in METERS])
def test_a_year_of_a_home_is_billed_to_the_cent(database: Database, served: Served, meter: Meter) -> None:
    """Each line, each bill and the books."""
    move_in(served, meter)
    billing, expected = served.stub(BillingServiceStub), meter.months()
    for month in MONTHS:
        made = bill(billing, meter, month)
        (segment,) = made.segments
        assert as_expected(segment, expected[month]), (month, segment)
    total = sum((month.amount for month in expected.values()), Decimal())
    tax = sum((month.tax for month in expected.values()), Decimal())
    energy = sum((month.energy for month in expected.values()), Decimal())
    assert {account: Decimal(minor) / 100 for account, minor in owed(database).items()} == {
        "1200": total,
        "2200": -tax,
        "4000": -energy,
        "4010": -meter.standing * 12,
    }


def move_in(served: Served, meter: Meter) -> None:
    """The home's account, and all that its meter has told."""
    office = Office(served.stub(BillingServiceStub))
    home = {"customer_class_code": "HOME", "currency_code": meter.currency, "time_zone": meter.zone}
    office.account("HOME", bill_cycle_code="", invoice_cycle_code="", **home)
    premise = office.premise("HOUSE", time_zone=meter.zone)
    agreement = office.agreement(
        "POWER",
        "accounts/HOME",
        type_code=meter.agreement_type,
        premise=premise.name,
        start_date={"year": meter.year, "month": 1, "day": 1},
    )
    office.profile("METER", "accounts/HOME", type_code=meter.profile_type, service_agreement=agreement.name)
    done = run(served.target, "billing", "import-usage", str(meter.path), "--profile", "HOME/METER", "--zone", "UTC")
    assert done.exit_code == 0, done.output


def bill(billing: BillingServiceStub, meter: Meter, month: int) -> bills_pb2.GenerateBillResponse:
    """The bill of a month, which is completed."""
    through = first_of(meter.year, month + 1)
    day = Date(year=through.year, month=through.month, day=through.day)
    made = billing.GenerateBill(bills_pb2.GenerateBillRequest(account="accounts/HOME", through_date=day))
    billing.CompleteBill(bill_corrections_pb2.CompleteBillRequest(name=made.bill.name))
    return made


def as_expected(segment: bill_segments_pb2.BillSegmentExplanation, expected: Month) -> bool:
    """Whether every line says what was worked out beside."""
    used = {line.bucket: Decimal(line.quantity.value) for line in segment.lines if line.bucket}
    by_kind: dict[str, Decimal] = {}
    for line in segment.lines:
        kind = _KINDS.Name(line.kind).removeprefix("CALCULATION_LINE_KIND_")
        by_kind[kind] = by_kind.get(kind, Decimal()) + decimal(line.amount)
    return (
        used == expected.used
        and by_kind == {"FIXED": expected.standing, "TIME_OF_USE": expected.energy, "TAX": expected.tax}
        and decimal(segment.segment.amount) == expected.amount
        and decimal(segment.segment.tax) == expected.tax
        and not segment.segment.estimated
    )


def decimal(amount: Money) -> Decimal:
    """An amount in whole units."""
    return Decimal(amount.units) + Decimal(amount.nanos) / 1_000_000_000
