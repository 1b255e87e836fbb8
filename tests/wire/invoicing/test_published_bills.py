"""Bills on published invoices: what stands behind their segments is invoiced, and what was sent stays sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import delete

from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from countinghouse.client import connect
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb
from domain.billing.tables import interval_data
from server.database.transaction import Database
from tests.billing.shop import NOW_US, ZONE, open_shop
from tests.invoicing.batches.house import House
from tests.invoicing.invoices.office import at
from tests.support.server import serving
from tests.wire.billing.office import Office
from tests.wire.billing.test_corrections import Desk as Correcting
from tests.wire.billing.till import own_id, site, used
from tests.wire.invoicing.batching import word
from tests.wire.invoicing.exporting import Exporting

IN_DECEMBER = at("2026-12-01T08:00")
MONTHLY = "billingCycles/MONTHLY"


@dataclass
class Clock:
    """The server's clock, which is set."""

    now_us: int = NOW_US


@dataclass
class Utility:
    """A server of a utility that bills, invoices and exports, and what is called on it."""

    at_work: Exporting
    office: Office
    bills: Correcting
    clock: Clock

    def month(self) -> str:
        """The month is over, its running invoices locked and exported; the name of their batch."""
        self.clock.now_us = IN_DECEMBER
        at_work = self.at_work
        batch = at_work.close(billing_cycle=MONTHLY)
        at_work.engine()
        at_work.aggregate(invoice_batch=batch.name)
        at_work.engine()
        at_work.receive("A-1")
        assert at_work.export() == pb.RunInvoiceExportEngineResponse(started_count=1)
        assert word(at_work.get(batch.name).state) == "READY_FOR_PUBLISH", at_work.failures(batch.name)
        return batch.name

    def extract(self) -> extraction_pb2.GenerateAccountingMessageResponse:
        """Send what is to be sent to the general ledger."""
        request = extraction_pb2.GenerateAccountingMessageRequest(origin=details_pb.ORIGIN_FINANCIAL)
        return self.at_work.client.gl.generate_accounting_message(request).wait(60)


@pytest.fixture
def utility(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Utility]:
    """Account A-1 with a site that used 400 kWh in January, billed and on its running invoice."""
    open_shop(database)
    clock = Clock()
    with (
        serving(migrated_url, tmp_path, clock_us=lambda: clock.now_us, business_time_zone=ZONE) as served,
        connect(served.target) as client,
    ):
        billing = served.stub(BillingServiceStub)
        at_work = Exporting(served, cast("House", clock), client)  # of a house only its clock is asked for here
        yield Utility(at_work, Office(billing), Correcting(billing), clock)


@pytest.mark.rule("INV-08", "GLX-16")
def test_both_sides_of_segments_and_their_reversals_are_invoiced_and_stamps_stay(
    utility: Utility, database: Database
) -> None:
    """A site is billed, sent to the ledger, and rebilled: all of it stands behind one invoice. Nobody else's does."""
    at_work, bills = utility.at_work, utility.bills
    utility.office.account()
    site(utility.office, "S1")
    used(database, "S1", "400")
    bill = bills.complete(bills.bill().bill.name)
    sent = utility.extract()
    assert sent.detail_count == 3
    database.write(lambda tx: tx.execute(delete(interval_data)))
    used(database, "S1", "450")
    (segment,) = bills.segments(bill=bill.name)
    corrected = bills.rebill(segment.name)
    (made,) = corrected.made
    bills.complete(corrected.bill.name)
    utility.office.account("B-1", invoice_cycle_code="")
    utility.office.agreement("S2", "accounts/B-1", type_code="AT-2")
    bills.complete(bills.bill("accounts/B-1").bill.name)
    name = utility.month()
    before = {each.name: each for each in at_work.details()}
    assert not any(each.invoiced for each in before.values())
    at_work.publish(name)
    after = {each.name: each for each in at_work.details()}
    segments = {own_id(segment.name), own_id(made.name)}
    assert {each.grouping for each in after.values() if each.invoiced and each.source == "billing"} == segments
    assert {each.subject for each in after.values() if not each.invoiced} == {"accounts/B-1"}
    assert sorted(
        each.external_id.partition("/")[2] for each in after.values() if each.grouping == own_id(segment.name)
    ) == [
        "C/REVENUE",
        "C/TAXES",
        "D",
        "RC/REVENUE",
        "RC/TAXES",
        "RD",
    ]
    stamps = [(each.name, each.extraction_batch, each.extraction_time) for each in before.values()]
    assert stamps == [(each.name, each.extraction_batch, each.extraction_time) for each in after.values()]
    assert sum(bool(each.extraction_batch) for each in after.values()) == 3
    assert utility.extract().detail_count == len(after) - 3, "what was sent is not sent again for its mark"
