"""Lines come by stream and one by one, each once; what is wrong with one is told by field and reason."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from countinghouse.client import CountinghouseError
from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc, invoice_lines_pb2
from countinghouse.operations.v1 import audit_pb2
from tests.support.server import Served
from tests.wire.invoicing.desk import Desk, refused, told, wrong
from tests.wire.invoicing.lines import CYCLE, LINE, SCHEDULE, Till, amounts, euros, line


@pytest.fixture
def till(desk: Desk, migrated_url: str) -> Till:
    """A billing cycle whose invoices take lines."""
    desk.issuer()
    desk.cycle()
    return Till(desk, migrated_url)


@pytest.mark.rule("INV-11", "PLT-06")
def test_lines_by_stream_are_there_once_however_often_they_are_sent(till: Till) -> None:
    """New ones come on the running invoice of the schedule that holds their arrival."""
    rows = [line(external_id=str(n), account=f"accounts/{account}") for account in "AB" for n in range(3)]
    totals = till.send(*rows)
    assert (totals.received_count, totals.created_count, totals.unchanged_count) == (6, 6, 0)
    again = till.send(*rows, line(external_id="9"))
    assert (again.created_count, again.unchanged_count, again.refused_count) == (1, 6, 0)
    found = till.only()
    assert (found.invoice_schedule, found.line_count) == (SCHEDULE, 4)
    assert amounts([found]) == [(102, 0)]
    assert [each.external_id for each in till.lines(found.name)] == ["0", "1", "2", "9"]


@pytest.mark.rule("INV-16", "PLT-01", "PLT-07")
def test_bad_lines_of_a_stream_are_refused_each_with_its_reasons(till: Till) -> None:
    """By row and field; the sound ones beside them are taken."""
    rows = [
        line(external_id="sound"),
        line(net_amount={"currency_code": "EUR", "units": "1", "nanos": 5_000_000}),
        line(net_amount={"currency_code": "EUR", "units": "99999999999999"}),
        line(net_amount={"currency_code": "XYZ", "units": "1"}),
        line(net_amount=None),
        line(tax_category="Q"),
        line(tax_category="E"),
        line(tax_percent=None),
        line(tax_percent={"value": "19.00001"}),
        line(tax_percent={"value": "100.5"}),
        line(tax_percent={"value": "-1"}),
        line(distribution_code=None),
        line(distribution_code="NOWHERE"),
        line(source="billing"),
        line(account="A", external_id=None, description="\x00"),
        line(external_id="x" * 129),
        line(quantity={"value": "1"}),
        line(unit_code="KWH"),
        line(quantity={"value": "3"}, price={"value": "8.6"}),
        line(quantity={"value": "-25.5"}, price={"value": "-1"}, unit_code="KWHR"),
        line(quantity={"value": "many"}, price={"value": "0.0000000000000000001"}),
        line(start_date={"year": 2026, "month": 2, "day": 30}),
        line(end_date={"year": 2026, "month": 3, "day": 1}),
        line(end_date=None),
        line(external_id="other", net_amount={"currency_code": "CHF", "units": "1"}),
        line(external_id="untaxed", tax_category="L"),
    ]
    assert till.refused(*rows) == [
        (1, "net_amount", "AMOUNT_FINER_THAN_MINOR_UNIT"),
        (2, "net_amount", "AMOUNT_TOO_LARGE"),
        (3, "net_amount", "CURRENCY_UNKNOWN"),
        (4, "net_amount", "FIELD_REQUIRED"),
        (5, "tax_category", "TAX_CATEGORY_UNKNOWN"),
        (6, "tax_percent", "TAX_RATE_WITHOUT_TAX"),
        (7, "tax_percent", "TAX_RATE_MISSING"),
        (8, "tax_percent", "TAX_RATE_TOO_FINE"),
        (9, "tax_percent", "TAX_RATE_TOO_HIGH"),
        (10, "tax_percent", "TAX_RATE_MALFORMED"),
        (11, "distribution_code", "DISTRIBUTION_CODE_MISSING"),
        (12, "distribution_code", "DISTRIBUTION_CODE_UNKNOWN"),
        (13, "source", "SOURCE_RESERVED"),
        (14, "account", "FIELD_MALFORMED"),
        (14, "external_id", "FIELD_REQUIRED"),
        (14, "description", "CHARACTER_REFUSED"),
        (15, "external_id", "FIELD_TOO_LONG"),
        (16, "price", "QUANTITY_WITHOUT_PRICE"),
        (17, "quantity", "QUANTITY_WITHOUT_PRICE"),
        (18, "net_amount", "LINE_AMOUNT_DIFFERS"),
        (19, "unit_code", "UNIT_CODE_UNKNOWN"),
        (19, "price", "PRICE_NEGATIVE"),
        (20, "quantity", "QUANTITY_MALFORMED"),
        (20, "price", "QUANTITY_FINER_THAN_18"),
        (21, "start_date", "DATE_INVALID"),
        (22, "end_date", "END_NOT_AFTER_START"),
        (23, "end_date", "PERIOD_HALF_GIVEN"),
        (24, "net_amount", "LINE_CURRENCY_DIFFERS"),
        (25, "tax_category", "TAX_CODE_MISSING"),
    ]
    assert till.only().line_count == 1


@pytest.mark.rule("INV-16", "PLT-07")
def test_what_is_not_subject_to_vat_stands_on_an_invoice_of_its_own(till: Till) -> None:
    """Beside others no e-invoice could be of it (BR-O-11): refused as it arrives, in bulk, one by one and by name."""
    mixed = [(1, "tax_category", "TAX_CATEGORIES_MIXED")]
    outside: dict[str, Any] = {"tax_category": "O", "tax_percent": None}
    assert till.refused(line(), line(external_id="o", **outside)) == mixed
    assert till.refused(line(external_id="o", **outside)) == [(0, *mixed[0][1:])]
    till.send(line(external_id="o", account="accounts/B", **outside))
    assert till.refused(line(account="accounts/B")) == [(0, *mixed[0][1:])]
    till.send(line(external_id="p", account="accounts/B", **outside))


@pytest.mark.rule("PLT-06")
def test_a_line_under_a_known_id_with_other_content_is_refused(till: Till) -> None:
    """Nothing of it changes."""
    till.send(line())
    assert till.refused(line(net_amount=euros("1"))) == [(0, "external_id", "LINE_DIFFERS")]
    assert amounts([till.only()]) == [(25, 500_000_000)]


@pytest.mark.rule("INV-16")
def test_an_invoice_beyond_all_sizes_is_refused(till: Till) -> None:
    """What could not be posted is not taken."""
    rows = [line(external_id=str(n), net_amount=euros("4000000000000")) for n in range(2)]
    assert till.refused(*rows) == [(n, "net_amount", "INVOICE_TOO_LARGE") for n in range(2)]


@pytest.mark.rule("PLT-09")
def test_a_stream_names_its_billing_cycle_once(till: Till, books: Served) -> None:
    """In its first message; one that there is not is not found."""
    stub = books.stub(invoice_batch_service_pb2_grpc.InvoiceBatchServiceStub)
    named = invoice_lines_pb2.IngestInvoiceLinesRequest(billing_cycle=CYCLE, invoice_lines=[line()])
    bare = invoice_lines_pb2.IngestInvoiceLinesRequest(invoice_lines=[line(external_id="2")])
    assert stub.IngestInvoiceLines(iter([named, bare])).created_count == 2
    for messages in ([bare], [named, named]):
        with pytest.raises(grpc.RpcError) as error:
            stub.IngestInvoiceLines(iter(messages))
        assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    missing = refused(lambda: till.send(line(), cycle="billingCycles/NONE"))
    assert missing.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("INV-11", "PLT-06")
def test_one_line_comes_for_an_account(till: Till) -> None:
    """It is told as it was sent; again it is the same line, and other content under its request id is refused."""
    made = till.create(request={"request_id": "r1"})
    assert told(made) == {
        **LINE,
        "account": "accounts/A",
        "price": {"value": "10.2"},
    }
    assert made.name == f"{till.only().name}/lines/1"
    assert till.create(request={"request_id": "r1"}) == made
    assert till.create() == made
    assert refused(lambda: till.create(request={"request_id": "r1"}, external_id="2")).reason == "REQUEST_ID_REUSED"
    till.create(request={"validate_only": True}, external_id="3")
    assert till.only().line_count == 1
    assert wrong(lambda: till.create(description="other")) == [("invoice_line.external_id", "LINE_DIFFERS")]
    assert wrong(lambda: till.create(external_id="2", tax_category="Q", source="")) == [
        ("invoice_line.source", "FIELD_REQUIRED"),
        ("invoice_line.tax_category", "TAX_CATEGORY_UNKNOWN"),
    ]


@pytest.mark.rule("INV-12")
def test_a_fee_comes_on_a_named_invoice_until_its_batch_is_locked(till: Till) -> None:
    """On one that is closed too, which is not aggregated then; once it is locked, never."""
    till.create()
    name = till.only().name
    till.batch("B1", "AGGREGATING", locked_us=0)
    till.put(name, state="CLOSED", batch_id="B1", aggregated=1)
    fee = till.create(name, external_id="fee", quantity=None, **_plain("5"))
    assert fee.name == f"{name}/lines/2"
    found = till.get(name)
    assert (found.line_count, found.aggregated) == (2, False)
    assert amounts([found]) == [(30, 500_000_000)]
    assert till.create(name, external_id="fee", quantity=None, **_plain("5")) == fee
    till.set_batch("B1", locked_us=1)
    for state in ("CLOSED", "LOCKED"):
        till.put(name, state=state)
        late = refused(lambda: till.create(name, external_id="late"))
        assert (late.code, late.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVOICE_LOCKED")
        assert refused(lambda: till.delete(fee.name)).reason == "INVOICE_LOCKED"
    assert till.get(name).line_count == 2


@pytest.mark.rule("INV-12", "INV-16")
def test_a_fee_is_refused_as_other_lines_are(till: Till) -> None:
    """By its form, its distribution code, and what the invoice is."""
    till.create()
    name = till.only().name

    def reasons(**changes: Any) -> list[tuple[str, str]]:
        return wrong(lambda: till.create(name, external_id="fee", **changes))

    chf = {"net_amount": {"currency_code": "CHF", "units": "25", "nanos": 500_000_000}}
    assert reasons(**chf) == [("invoice_line.net_amount", "LINE_CURRENCY_DIFFERS")]
    assert reasons(tax_category="M") == [("invoice_line.tax_category", "TAX_CODE_MISSING")]
    assert reasons(distribution_code="NOWHERE") == [("invoice_line.distribution_code", "DISTRIBUTION_CODE_UNKNOWN")]
    assert reasons(distribution_code="") == [("invoice_line.distribution_code", "DISTRIBUTION_CODE_MISSING")]
    assert wrong(lambda: till.create(name, description="x")) == [("invoice_line.external_id", "LINE_DIFFERS")]
    huge = {"net_amount": euros("5000000000000"), "quantity": {"value": "5000000000000"}, "price": {"value": "1"}}
    assert reasons(**huge) == [("invoice_line.net_amount", "INVOICE_TOO_LARGE")]
    till.put(name, last_line_no=1_000_000)
    assert reasons() == [("invoice_line.account", "INVOICE_LINES_TOO_MANY")]
    till.put(name, state="MERGED", merged_into="older")
    merged = refused(lambda: till.create(name, external_id="fee"))
    assert (merged.reason, merged.metadata["merged_into"]) == ("INVOICE_MERGED", "accounts/A/invoices/older")
    assert refused(lambda: till.create("accounts/A/invoices/none")).code is grpc.StatusCode.NOT_FOUND


def test_a_billing_cycle_is_named_for_accounts_alone(till: Till) -> None:
    """And an account only as the parent says it."""
    till.create()
    name = till.only().name
    both = {"request": {"billing_cycle": CYCLE}}
    assert wrong(lambda: till.create(name, **both)) == [("billing_cycle", "BILLING_CYCLE_OF_INVOICE")]
    assert wrong(lambda: till.create(request={"billing_cycle": ""})) == [("billing_cycle", "FIELD_REQUIRED")]
    assert wrong(lambda: till.create(account="accounts/B")) == [("invoice_line.account", "FIELD_IMMUTABLE")]


@pytest.mark.rule("INV-12", "PLT-11")
def test_a_line_is_taken_off_and_may_come_again(till: Till) -> None:
    """Its number is not given again; what comes from a bill goes with its bill alone."""
    made = till.create(request={"request_id": "r1"})
    name = till.only().name
    till.delete(made.name, request_id="d1")
    till.delete(made.name, request_id="d1")
    assert (till.get(name).line_count, amounts([till.get(name)])) == (0, [(0, 0)])
    assert refused(lambda: till.delete(made.name)).code is grpc.StatusCode.NOT_FOUND
    assert till.create(net_amount=euros("51"), quantity={"value": "5"}).name == f"{name}/lines/2"
    kinds = audit_pb2.ListAuditEntriesRequest(resource=name)
    assert [each.type for each in till.desk.client.audit.list_entries(kinds)] == ["invoice.lines_taken_off"]


@pytest.mark.rule("INV-16")
def test_a_line_of_a_bill_is_not_taken_off_by_hand(till: Till) -> None:
    """Reopening the bill, or crediting it, does so."""
    from sqlalchemy import update

    from domain.invoicing.tables import invoice_line
    from tests.wire.invoicing.lines import opened

    made = till.create()
    with opened(till.url) as database:
        database.write(lambda tx: tx.execute(update(invoice_line).values(source="billing", segment_id="S")))
    error = refused(lambda: till.delete(made.name))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LINE_OF_BILL")
    (found,) = till.lines(till.only().name)
    assert found.bill_segment == "accounts/A/billSegments/S"


def _plain(units: str) -> dict[str, Any]:
    """What makes a line one without a price of one unit."""
    return {"net_amount": euros(units), "price": None, "unit_code": None}


def test_the_client_refuses_what_no_message_can_carry(till: Till) -> None:
    """Without sending it."""
    huge = ParseDict({**LINE, "account": "accounts/A", "description": "x" * (2 << 20)}, invoice_lines_pb2.InvoiceLine())
    assert till.refused(line(), huge) == [(1, "", "ROW_TOO_LARGE")]
    with pytest.raises(CountinghouseError):
        till.get("accounts/A/invoices/none")
