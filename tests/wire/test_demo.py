"""`countinghouse demo`: data in it with one command, and every cent found again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import typer

from countinghouse import demo_accounts, demo_invoices, demo_tariffs
from countinghouse.accounting.v1.assignments_pb2 import ListAssignmentsRequest
from countinghouse.accounting.v1.batches_pb2 import ListAccountingBatchesRequest
from countinghouse.accounting.v1.claims_pb2 import CLAIM_STATE_OPEN, CLAIM_STATE_RESOLVED, Claim, ListClaimsRequest
from countinghouse.accounting.v1.operations_pb2 import AccountingOperation
from countinghouse.accounting.v1.operations_pb2 import AccountingOperationState as State
from countinghouse.accounting.v1.overview_pb2 import ListAccountingOperationsRequest
from countinghouse.billing.v1 import bills_pb2
from countinghouse.billing.v1.accounts_pb2 import ListAccountsRequest
from countinghouse.billing.v1.bill_segments_pb2 import BillSegment, ListBillSegmentsRequest
from countinghouse.billing.v1.billing_exceptions_pb2 import ListBillingExceptionsRequest
from countinghouse.cli.settings import Settings as ClientSettings
from countinghouse.client import Client
from countinghouse.demo_claims import BY_SERVICE, HARBOR, SIMULATOR, STORIES
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.invoicing.v1 import invoice_batches_pb2, invoices_pb2
from server.commands import demonstration as demo
from server.commands import demonstration_billing, demonstration_invoicing
from server.settings import Settings
from tests.support.process import free_address
from tests.support.server import QUIET, Served, serving
from tests.support.simulator import simulating
from tests.support.waiting import wait_for

COUNT = 600


def _no_settings() -> Settings:
    raise AssertionError("there is a server")


@pytest.mark.rule("PLT-40", "GLX-18", "PLT-31")
def test_the_demo_makes_extracts_and_finds_every_cent_again(
    server: Served, gl: gl_grpc.GLExtractionServiceStub, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the files hold is what was made, in each bulking group and currency; a second run makes nothing twice."""
    here = ClientSettings(address=server.target)
    demo.run(here, _no_settings, count=COUNT, seed=1)
    shown = capsys.readouterr()
    for currency in ("EUR", "JPY", "USD"):
        assert any(line.startswith(f"{currency}: every cent of ") for line in shown.out.splitlines())
    demo.run(here, _no_settings, count=COUNT, seed=1)
    assert "The details of seed 1 were made before" in capsys.readouterr().err
    (batch,) = gl.ListExtractionBatches(extraction_pb2.ListExtractionBatchesRequest()).extraction_batches
    assert batch.detail_count == COUNT


def test_the_demo_sends_nothing_of_others_along(
    server: Served, gl: gl_grpc.GLExtractionServiceStub, capsys: pytest.CaptureFixture[str]
) -> None:
    """Details that wait to be extracted are somebody's: nothing is made, and nothing sent."""
    here = ClientSettings(address=server.target)
    demo.run(here, _no_settings, count=COUNT, seed=1)
    page = gl.ListAccountingDetails(details_pb2.ListAccountingDetailsRequest(page_size=1))
    detail = page.accounting_details[0]
    theirs = details_pb2.AccountingDetail(
        source="theirs",
        external_id="1",
        origin=detail.origin,
        ledger_code=detail.ledger_code,
        accounting_date=detail.accounting_date,
        debit=detail.debit if detail.HasField("debit") else detail.credit,
    )
    gl.BatchCreateAccountingDetails(details_pb2.BatchCreateAccountingDetailsRequest(accounting_details=[theirs]))
    capsys.readouterr()
    with pytest.raises(typer.Exit) as refused:
        demo.run(here, _no_settings, count=COUNT, seed=2)
    assert refused.value.exit_code == 5
    assert capsys.readouterr().err.startswith(f"Using the server at {server.target}.\n1 details wait")


def test_without_a_server_the_demo_starts_one_of_its_own(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the database of the settings, whoever may call there; an address that was asked for must not be silent."""
    nowhere = free_address()
    with pytest.raises(typer.Exit):
        demo.run(ClientSettings(address=nowhere), _no_settings, count=COUNT, seed=1)
    monkeypatch.setattr(demo, "ADDRESS", nowhere)
    any_file = tmp_path / "any.pem"
    any_file.touch()
    identity = dict.fromkeys(["token_file", "jwt_keys_file", "tls_certificate_file", "tls_key_file"], any_file)
    values = {"database_url": migrated_url, "data_files_folder": tmp_path / "files", **QUIET, **identity}
    demo.run(ClientSettings(address=nowhere), lambda: Settings(**values), count=COUNT, seed=1)
    assert "every cent of" in capsys.readouterr().out


@pytest.mark.rule("PLT-40", "ACC-07", "ACC-11", "ACC-33", "ACC-40", "ACC-57")
def test_the_demo_leaves_claims_in_every_state(server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """Operations in every state, reversals, a batch, what is overdue, a claim that is resolved; twice is once."""
    here = ClientSettings(address=server.target)
    demo.run(here, _no_settings, count=COUNT, seed=1, claims=len(STORIES) * 2)
    shown = capsys.readouterr().out
    assert all(story.told in shown for story in STORIES)
    with here.connect() as client:
        before = _world(client)
        states = {operation.state for _, operations in before.values() for operation in operations}
        assert states == set(State.values()) - {State.ACCOUNTING_OPERATION_STATE_UNSPECIFIED}
        assert any(operation.reversed_by for _, operations in before.values() for operation in operations)
        assert {claim.state for claim, _ in before.values()} == {CLAIM_STATE_OPEN, CLAIM_STATE_RESOLVED}
        (batch,) = client.accounting.list_batches(ListAccountingBatchesRequest(parent="clients/CARDS"))
        assert batch.operation_count == 4
        overdue = ListAssignmentsRequest(parent="claims/-", client="clients/DESK", overdue=True)
        wait_for(lambda: len(list(client.accounting.list_assignments(overdue))) == 2, what="what is overdue")
        demo.run(here, _no_settings, count=COUNT, seed=1, claims=len(STORIES) * 2)
        assert "claims of seed 1 were made before" in capsys.readouterr().err
        assert _world(client) == before


@pytest.mark.rule("PLT-40", "BIL-04", "BIL-20", "BIL-21", "BIL-24", "BIL-30")
def test_the_demo_leaves_bills_in_every_state(
    server: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is completed, in error, estimated, rebilled and given back; told again after it was cut short, and twice."""
    here, count = ClientSettings(address=server.target), len(demo_accounts.STORIES)
    with monkeypatch.context() as cut:
        cut.setattr(demonstration_billing, "_give_back", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            demo.run(here, _no_settings, count=2, seed=1, accounts=count)
    demo.run(here, _no_settings, count=2, seed=1, accounts=count)
    shown = capsys.readouterr().out
    assert all(story.told in shown for story in demo_accounts.STORIES)
    with here.connect() as client:
        before = _billed(client)
        kinds = Counter((bill.kind, bill.state) for bills, _ in before.values() for bill in bills)
        assert kinds == {
            (bills_pb2.BILL_KIND_REGULAR, bills_pb2.BILL_STATE_COMPLETE): 3 * count - 2 + 1,  # and the correction
            (bills_pb2.BILL_KIND_REGULAR, bills_pb2.BILL_STATE_PENDING): 2,
            (bills_pb2.BILL_KIND_CREDIT_NOTE, bills_pb2.BILL_STATE_COMPLETE): 1,
        }
        segments = [segment for _, segments in before.values() for segment in segments]
        assert {segment.reason for segment in segments} == {
            "",
            "USAGE_MISSING",
            "CHARGE_SOURCE_IN_ERROR",
            "IMPLAUSIBLE",
        }
        assert [segment.estimated for segment in segments].count(True) == 1
        assert len(list(client.billing.list_exceptions(ListBillingExceptionsRequest(parent="accounts/-")))) == 3
        assert any(bill.messages for bills, _ in before.values() for bill in bills)
        (garage,) = (bills for bills, segments in before.values() if segments[0].rate_code == demo_tariffs.GARAGE)
        assert {(bill.amount.units, bill.amount.nanos) for bill in garage} == {(12, 0)}
        demo.run(here, _no_settings, count=2, seed=1, accounts=count)
        assert "The accounts were made before" in capsys.readouterr().err
        assert _billed(client) == before


@pytest.mark.rule("PLT-40", "INV-03", "INV-08", "INV-13", "INV-18")
def test_the_demo_leaves_invoices_published_and_waiting(
    server: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One batch is published, one says who cannot be sent his; told again after it was cut short, and twice."""
    here, count = ClientSettings(address=server.target), 2 * len(demo_accounts.STORIES)
    for point in ("_close", "_take_on"):
        with monkeypatch.context() as cut:
            cut.setattr(demonstration_invoicing, point, _interrupted)
            with pytest.raises(KeyboardInterrupt):
                demo.run(here, _no_settings, count=2, seed=1, accounts=count)
    demo.run(here, _no_settings, count=2, seed=1, accounts=count)
    assert "countinghouse invoicing why demo-businesses" in capsys.readouterr().out
    cases = list(demo_accounts.cases(count))
    business = [case.account_id for case in cases if demo_invoices.cycle_of(case) == demo_tariffs.BUSINESSES]
    with here.connect() as client:
        board = list(client.invoicing.list_batches(invoice_batches_pb2.ListInvoiceBatchesRequest()))
        assert {batch.name: (batch.state, batch.hold.reason) for batch in board} == {
            "invoiceBatches/demo-homes": (invoice_batches_pb2.INVOICE_BATCH_STATE_PUBLISHED, ""),
            "invoiceBatches/demo-businesses": (invoice_batches_pb2.INVOICE_BATCH_STATE_ORDERED, "EXPORT_INCOMPLETE"),
        }
        (waiting,) = (batch for batch in board if batch.hold.reason)
        assert f"recipients/{business[0]} " in waiting.hold.message
        before = list(client.invoicing.list_invoices(invoices_pb2.ListInvoicesRequest()))
        states = Counter(invoice.state for invoice in before)
        assert states == {
            invoices_pb2.INVOICE_STATE_PUBLISHED: count - len(business) - 2,
            invoices_pb2.INVOICE_STATE_LOCKED: len(business),
            invoices_pb2.INVOICE_STATE_RUNNING: 2,
        }
        demo.run(here, _no_settings, count=2, seed=1, accounts=count)
        assert list(client.invoicing.list_invoices(invoices_pb2.ListInvoicesRequest())) == before


@pytest.mark.rule("PLT-40", "ACC-10", "ACC-20")
def test_a_simulated_system_of_record_is_made_use_of(
    migrated_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the servers know one by the name `simulator`, a client of its own has its operations posted there."""
    connections = tmp_path / "systems_of_record.toml"
    stories = len(STORIES) + len(BY_SERVICE)
    with simulating() as simulator:
        connections.write_text(
            f'[[systems_of_record]]\nname = "{SIMULATOR}"\nkind = "grpc"\ntarget = "{simulator.target}"\ntls = false\n'
        )
        chosen: dict[str, Any] = {"systems_of_record_file": connections, "systems_of_record_loopback": True}
        with serving(migrated_url, tmp_path, **chosen) as served:
            demo.run(ClientSettings(address=served.target), _no_settings, count=2, seed=1, claims=stories)
            wait_for(lambda: len(simulator.postings(HARBOR)) == len(BY_SERVICE), what="what is posted")
    shown = capsys.readouterr().out
    assert all(story.told in shown for story in BY_SERVICE)


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def _billed(client: Client) -> dict[str, tuple[list[bills_pb2.Bill], list[BillSegment]]]:
    """Bills and segments of every account."""
    billing = client.billing
    return {
        account.name: (
            list(billing.list_bills(bills_pb2.ListBillsRequest(parent=account.name))),
            list(billing.list_segments(ListBillSegmentsRequest(parent=account.name))),
        )
        for account in billing.list_accounts(ListAccountsRequest())
    }


def _world(client: Client) -> dict[str, tuple[Claim, list[AccountingOperation]]]:
    """Every claim with its operations."""
    accounting = client.accounting
    return {
        claim.name: (claim, list(accounting.list_operations(ListAccountingOperationsRequest(parent=claim.name))))
        for claim in accounting.list_claims(ListClaimsRequest())
    }
