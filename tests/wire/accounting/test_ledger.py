"""The money path: what accounting executes reaches the general ledger's file, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details
from server.database.transaction import Database
from tests.support.server import Served, serving
from tests.wire.accounting.desk import EXECUTED, Desk
from tests.wire.accounting.queues import complete
from tests.wire.accounting.samples import Accounting, open_shop
from tests.wire.gl_extraction.samples import Gl
from tests.wire.gl_extraction.test_extraction import Client

NOW_US = 1_780_000_000_000_000  # 2026-05-28


@pytest.fixture
def working(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with its worker and an open shop, whose clients are worked for by hand."""
    with serving(migrated_url, tmp_path, clock_us=lambda: NOW_US) as server:
        open_shop(server.stub(Accounting), server.stub(Gl), clients={"MANUAL": {}})
        yield server


@pytest.mark.rule("ACC-11", "GLX-01", "GLX-16")
def test_what_is_executed_is_extracted_and_nothing_else(working: Served) -> None:
    """An executed credit and its reversal; not what is pending, canceled, or for tracking only."""
    desk, gl = Desk(working.stub(Accounting)), Client(working)
    claim = desk.claim("MANUAL", "150.00 USD", "7.25 USD")
    credit = desk.one(claim, "CREDIT")
    assert desk.one(claim, "CHARGEBACK", "80.00 USD").state == EXECUTED
    desk.cancel(desk.one(claim, "FEE").name)
    desk.execute(claim, "FEE")
    complete(desk, credit.assignment, "paper-1")
    (reversal,) = desk.reverse(credit.name).reversals
    complete(desk, reversal.assignment, "paper-2")
    done = gl.run(origin=details.ORIGIN_FINANCIAL)
    assert done.message_count == 1
    listed = gl.gl.ListAccountingDetails(details.ListAccountingDetailsRequest()).accounting_details
    assert [(each.external_id, each.reversal) for each in listed] == [
        (f"{credit.name.rpartition('/')[2]}/D", False),
        (f"{credit.name.rpartition('/')[2]}/C", False),
        (f"{reversal.name.rpartition('/')[2]}/D", True),
        (f"{reversal.name.rpartition('/')[2]}/C", True),
    ]
    assert {each.subject for each in listed} == {claim}
    assert {each.extraction_batch for each in listed} == {done.extraction_batch}
    (file,) = [each for each in done.data_files if "manifest" not in each.name]
    content = b"".join(piece.content for piece in gl.download(file.name))
    assert content.count(b"150.00") == 4  # an element a side, and as often for the reversal
