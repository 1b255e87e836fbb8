"""Credit notes over the wire: asked for of an invoice or of a bill, one document comes of it, and the books agree."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from sqlalchemy import text

from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from countinghouse.client import aio, connect
from countinghouse.client.errors import CountinghouseError, FailedPrecondition, InvalidArgument, NotFound
from countinghouse.invoicing.v1 import credit_notes_pb2 as pb
from countinghouse.invoicing.v1 import invoice_lines_pb2, invoices_pb2
from server.database.transaction import Database
from tests.billing.shop import ZONE, open_shop
from tests.client.command import run
from tests.support.server import serving
from tests.wire.billing.office import Office
from tests.wire.billing.test_corrections import FROZEN
from tests.wire.billing.test_corrections import Desk as Correcting
from tests.wire.billing.till import own_id, site, used
from tests.wire.invoicing.batching import word
from tests.wire.invoicing.desk import refused, wrong
from tests.wire.invoicing.exporting import Exporting, exporting
from tests.wire.invoicing.test_published_bills import Clock, Utility

KWH = {"S1": "400.1", "S2": "350.1", "S3": "250.1"}
"""Of sites, so that the tax of their segments rounded one by one is not that of the invoice."""


class Notes:
    """What is asked of credit notes."""

    def __init__(self, at_work: Exporting) -> None:
        self.client = at_work.client.invoicing

    def credit(self, invoice: str, *line_nos: int, **more: Any) -> invoices_pb2.Invoice:
        """Give lines back, or all that is left."""
        lines = [f"{invoice}/lines/{each}" for each in line_nos]
        fields = {"invoice": invoice, "lines": lines, "reason": "wrong", **more}
        return self.client.create_credit_note(pb.CreateCreditNoteRequest(**fields))

    def get(self, name: str) -> invoices_pb2.Invoice:
        return self.client.get_invoice(invoices_pb2.GetInvoiceRequest(name=name))

    def found(self, **wanted: Any) -> list[invoices_pb2.Invoice]:
        request = invoices_pb2.ListInvoicesRequest(filter=invoices_pb2.InvoiceFilter(**wanted), page_size=2)
        return list(self.client.list_invoices(request))

    def lines(self, name: str) -> list[invoice_lines_pb2.InvoiceLine]:
        return list(self.client.list_lines(invoice_lines_pb2.ListInvoiceLinesRequest(parent=name)))


def minor(money: Any) -> int:
    """An amount in hundredths."""
    units, nanos = int(money.units), int(money.nanos)
    return units * 100 + nanos // 10_000_000


def owes(at_work: Exporting, account: str) -> int:
    """What the books say that an account owes: debits less credits on receivables, in hundredths."""
    return sum(
        minor(each.debit) - minor(each.credit)
        for each in at_work.details(subject=f"accounts/{account}")
        if each.distribution_account in {"AR", "RECEIVABLE"}
    )


# Lines that no bill has made


@pytest.fixture
def at_work(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Exporting]:
    """A server that carries everything out, on either database."""
    with exporting(database, migrated_url, tmp_path) as found:
        yield found


@pytest.mark.rule("INV-17", "INV-16", "PLT-07")
def test_a_part_of_a_line_is_given_back_by_amount(at_work: Exporting) -> None:
    """By call and by command; what is no part is told by its field; what is left goes with the line."""
    notes, batch = Notes(at_work), at_work.ready()
    at_work.publish(batch.name)
    (found,) = notes.found(account="accounts/A")
    line, before = f"{found.name}/lines/1", owes(at_work, "A")

    def credit(**part: Any) -> invoices_pb2.Invoice:
        given = {"invoice": found.name, "reason": "less", "parts": [{"line": line, **part}]}
        return notes.client.create_credit_note(ParseDict(given, pb.CreateCreditNoteRequest()))

    note = credit(net_amount={"currency_code": "EUR", "units": "10", "nanos": 10_000_000})
    assert (minor(note.net_amount), minor(note.tax_amount), minor(note.total_amount)) == (1_001, 190, 1_191)
    assert owes(at_work, "A") == before - 1_191
    (told,) = notes.lines(note.name)
    assert (told.credited_line, minor(told.net_amount)) == (line, 1_001)
    for part, field, reason in (
        ({"net_amount": {"currency_code": "EUR", "nanos": 1}}, "net_amount", "AMOUNT_FINER_THAN_MINOR_UNIT"),
        ({"quantity": {"value": "x"}}, "quantity", "QUANTITY_MALFORMED"),
        ({"line": "accounts/B/invoices/x/lines/1", "quantity": {"value": "1"}}, "line", "LINE_OF_OTHER_INVOICE"),
    ):
        assert wrong(partial(credit, **part)) == [(f"parts[0].{field}", reason)]
    francs = partial(credit, net_amount={"currency_code": "CHF", "units": "1"})
    assert wrong(francs) == [("parts.net_amount", "LINE_CURRENCY_DIFFERS")]
    both = {"lines": [line], "parts": [{"line": line, "quantity": {"value": "1"}}]}
    twice = ParseDict({"invoice": found.name, "reason": "x", **both}, pb.CreateCreditNoteRequest())
    assert wrong(lambda: notes.client.create_credit_note(twice)) == [("parts[0].line", "LINE_NAMED_TWICE")]
    for part, reason in (
        ({"quantity": {"value": "1"}}, "LINE_WITHOUT_QUANTITY"),
        ({"net_amount": {"currency_code": "EUR", "units": "40"}}, "LINE_PART_TOO_LARGE"),
    ):
        assert refused(partial(credit, **part), FailedPrecondition).reason == reason
    by_command = ("invoicing", "credit", found.name, "--reason", "less", "-o", "json", "--line", "1")
    shown = run(at_work.served.target, *by_command, "--amount", "0.99")
    assert json.loads(shown.stdout)["netAmount"] == {"currencyCode": "EUR", "nanos": 990_000_000}
    assert run(at_work.served.target, *by_command, "--amount", "1", "--quantity", "1").exit_code != 0
    assert minor(notes.credit(found.name, 1).net_amount) == 5_000 - 1_001 - 99
    assert minor(notes.get(found.name).credited_amount) == 1_191 + 118 + 4_641


@pytest.mark.rule("INV-17", "INV-20", "PLT-10")
def test_an_invoice_is_given_back_and_tells_so(at_work: Exporting) -> None:
    """By line, then all that is left; a call that is made again gives the same note; readers see it once published."""
    notes, batch = Notes(at_work), at_work.ready()
    at_work.publish(batch.name)
    (found,) = notes.found(account="accounts/A")
    before = owes(at_work, "A")
    dry = notes.credit(found.name, validate_only=True)
    assert (dry.number, notes.found(credited_invoice=found.name)) == ("C2026-00000001", [])
    note = notes.credit(found.name, 1, request_id="once")
    assert notes.credit(found.name, 1, request_id="once") == note
    assert note == notes.get(note.name)
    assert (note.kind, note.state) == (invoices_pb2.INVOICE_KIND_CREDIT_NOTE, invoices_pb2.INVOICE_STATE_LOCKED)
    assert (note.credited_invoice, note.reason, note.number) == (found.name, "wrong", "C2026-00000001")
    assert (minor(note.total_amount), minor(note.net_amount)) == (5_950, 5_000)
    assert owes(at_work, "A") == before - 5_950 == 0
    assert notes.found(credited_invoice=found.name) == [note]
    assert notes.found(kinds=[invoices_pb2.INVOICE_KIND_CREDIT_NOTE], billing_cycle=found.billing_cycle) == [note]
    assert minor(notes.get(found.name).credited_amount) == 5_950
    (line,) = notes.lines(note.name)
    assert (line.credited_line, line.source) == (f"{found.name}/lines/1", "credit")
    assert not any(each.name == note.name or each.HasField("credited_amount") for each in at_work.published())
    at_work.engine()
    at_work.export()
    at_work.publish(note.invoice_batch)
    seen = {each.name: each for each in at_work.published()}
    assert (word(at_work.get(note.invoice_batch).state), note.name in seen) == ("PUBLISHED", True)
    assert minor(seen[found.name].credited_amount) == 5_950
    assert all(at_work.invoiced(subject="accounts/A"))


@pytest.mark.rule("INV-15", "INV-20")
def test_credit_notes_are_exported_in_every_format(at_work: Exporting, tmp_path: Path) -> None:
    """Each names the invoice that it credits."""
    notes, batch = Notes(at_work), at_work.ready()
    (found,) = notes.found(account="accounts/A", invoice_batch=batch.name)
    note = notes.credit(found.name)
    at_work.engine()
    at_work.export()
    files = at_work.download(note.invoice_batch, tmp_path / "got")
    assert {name for name in files if name.startswith(note.number)} == {
        f"{note.number}.{suffix}" for suffix in ("pdf", "xml", "json")
    }
    assert json.loads(files[f"{note.number}.json"])["preceding"]["number"] == found.number
    assert found.number.encode() in files[f"{note.number}.xml"]
    assert b"CreditNote" in files[f"{note.number}.xml"][:300]
    assert files[f"{note.number}.pdf"].startswith(b"%PDF")


@pytest.mark.rule("INV-17", "PLT-07", "PLT-14")
def test_what_is_wrong_with_a_request_is_told(at_work: Exporting) -> None:
    """Each with its own reason."""
    notes, batch = Notes(at_work), at_work.ordered()
    mine, other, _ = notes.found(invoice_batch=batch.name)
    note = notes.credit(mine.name)
    at_work.house.charge({"A": 100})
    (running,) = notes.found(account="accounts/A", states=[invoices_pb2.INVOICE_STATE_RUNNING])
    cases: list[tuple[type[CountinghouseError], str, Any]] = [
        (FailedPrecondition, "INVOICE_CREDITED", lambda: notes.credit(mine.name)),
        (FailedPrecondition, "LINE_CREDITED", lambda: notes.credit(mine.name, 1)),
        (FailedPrecondition, "INVOICE_NOT_LOCKED", lambda: notes.credit(running.name)),
        (FailedPrecondition, "CREDIT_NOTE_NOT_CREDITED", lambda: notes.credit(note.name)),
        (NotFound, "NOT_FOUND", lambda: notes.credit(other.name, 2)),
        (NotFound, "NOT_FOUND", lambda: notes.credit("accounts/A/invoices/none")),
        (
            InvalidArgument,
            "LINE_OF_OTHER_INVOICE",
            lambda: notes.credit(other.name, lines=[f"{mine.name}/lines/1"]),
        ),
        (InvalidArgument, "STRING_MIN_LEN", lambda: notes.credit(other.name, reason="")),
        (
            InvalidArgument,
            "INVOICE_OF_OTHER_ACCOUNT",
            lambda: notes.found(account="accounts/B", credited_invoice=mine.name),
        ),
    ]
    for kind, reason, call in cases:
        assert refused(call, kind).reason == reason
    assert notes.found(credited_invoice=other.name) == []


@pytest.mark.rule("PLT-25", "INV-17")
def test_credit_notes_from_the_command_line_and_without_waiting(at_work: Exporting) -> None:
    """What is shown can be gone on with."""
    notes, batch = Notes(at_work), at_work.ordered()
    mine, other, _ = notes.found(invoice_batch=batch.name)
    target = at_work.served.target
    short = f"A/{mine.name.rpartition('/')[2]}"
    done = run(target, "invoicing", "credit", short, "--line", "1", "--reason", "never delivered")
    assert done.exit_code == 0, done.output
    assert "C2026-00000001" in done.stdout
    listed = run(target, "invoicing", "invoices", "--credits", short, "-o", "json")
    assert "never delivered" in listed.stdout
    shown = run(target, "invoicing", "show", short)
    assert "given back" in shown.stdout
    again = run(target, "invoicing", "credit", short, "--reason", "again")
    assert again.exit_code != 0
    assert "nothing of" in again.output

    async def later() -> invoices_pb2.Invoice:
        async with aio.connect(target) as client:
            return await client.invoicing.create_credit_note(
                pb.CreateCreditNoteRequest(invoice=other.name, reason="wrong")
            )

    assert asyncio.run(later()).number == "C2026-00000002"


# Lines of bills


@pytest.fixture
def utility(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Utility]:
    """A head office and three sites of account A-1, billed for January and on its running invoice."""
    open_shop(database)
    clock = Clock()
    with (
        serving(migrated_url, tmp_path, clock_us=lambda: clock.now_us, business_time_zone=ZONE) as served,
        connect(served.target) as client,
    ):
        billing = served.stub(BillingServiceStub)
        office = Office(billing)
        office.account()
        office.agreement("HO", type_code="HEAD_OFFICE")
        for agreement_id, kwh in KWH.items():
            site(office, agreement_id)
            used(database, agreement_id, kwh)
        at_work = Exporting(served, clock, client)  # type: ignore[arg-type]
        yield Utility(at_work, office, Correcting(billing), clock)


def all_agree(utility: Utility, notes: Notes) -> None:
    """The books of the account are its invoices less its credit notes, to the cent; whatever is posted balances."""
    total = 0
    for each in notes.found(account="accounts/A-1"):
        sign = -1 if each.kind == invoices_pb2.INVOICE_KIND_CREDIT_NOTE else 1
        total += sign * (minor(each.total_amount) if each.aggregated else minor(each.net_amount))
    assert owes(utility.at_work, "A-1") == total
    balance = sum(minor(each.debit) - minor(each.credit) for each in utility.at_work.details())
    assert balance == 0


@pytest.mark.rule("INV-17", "BIL-13", "INV-16")
def test_a_line_of_a_bill_gives_its_segment_back_with_all_its_lines(utility: Utility) -> None:
    """Billing's credit note takes the segment back, one document names its lines; the rest goes once."""
    at_work, bills, notes = utility.at_work, utility.bills, Notes(utility.at_work)
    bill = bills.complete(bills.bill().bill.name)
    batch = utility.month()
    (found,) = notes.found(account="accounts/A-1")
    all_agree(utility, notes)
    lines = notes.lines(found.name)
    segment = next(each.bill_segment for each in lines if "S2" in each.description)
    mine = [int(own_id(each.name)) for each in lines if each.bill_segment == segment]
    assert len(mine) > 1
    amount = {"currency_code": "EUR", "nanos": 10_000_000}
    part = ParseDict({"line": f"{found.name}/lines/{mine[0]}", "net_amount": amount}, pb.LineToCredit())
    assert refused(lambda: notes.credit(found.name, parts=[part]), FailedPrecondition).reason == "LINE_PART_OF_BILL"
    note = notes.credit(found.name, mine[-1])
    assert sorted(own_id(each.credited_line) for each in notes.lines(note.name)) == sorted(map(str, mine))
    canceled = [each.name for each in bills.segments(bill=bill.name) if each.state != FROZEN]
    assert canceled == [segment], "the others stand"
    all_agree(utility, notes)
    assert refused(lambda: notes.credit(found.name, mine[0]), FailedPrecondition).reason == "LINE_CREDITED"
    rest = notes.credit(found.name)
    assert rest.line_count + note.line_count == found.line_count
    all_agree(utility, notes)
    with pytest.raises(grpc.RpcError, match="frozen"):
        bills.credit(bill.name)
    assert len(notes.found(account="accounts/A-1")) == 3, "no running invoice has lines of it"
    at_work.publish(batch)
    at_work.engine()
    at_work.export()
    at_work.publish(note.invoice_batch)
    assert all(at_work.invoiced())
    roundings = [each for each in at_work.details() if each.category == "TAX_ROUNDING"]
    assert any(each.grouping == own_id(found.name) for each in roundings)
    assert any(each.reversal and each.grouping in {own_id(note.name), own_id(rest.name)} for each in roundings)


@pytest.mark.rule("BIL-13", "INV-17", "INV-16")
def test_a_bill_that_is_credited_gives_its_invoice_back_by_one_document(utility: Utility) -> None:
    """Two of its segments, then the others; nothing of it goes on the running invoice, and nothing goes twice."""
    bills, notes = utility.bills, Notes(utility.at_work)
    bill = bills.complete(bills.bill().bill.name)
    utility.month()
    (found,) = notes.found(account="accounts/A-1")
    some = [each.name for each in bills.segments(bill=bill.name)][:2]
    credit = bills.credit(bill.name, bill_segments=some, reason="never used")
    (note,) = notes.found(credited_invoice=found.name)
    assert {each.bill_segment for each in notes.lines(note.name)} == set(some)
    assert (note.reason, note.state) == ("never used", invoices_pb2.INVOICE_STATE_LOCKED)
    assert minor(credit.amount) < 0
    all_agree(utility, notes)
    bills.credit(bill.name, reason="neither")
    assert len(notes.found(account="accounts/A-1")) == 3
    all_agree(utility, notes)
    assert owes(utility.at_work, "A-1") == sum(
        (1 if each.kind == invoices_pb2.INVOICE_KIND_INVOICE else -1) * minor(each.total_amount)
        for each in notes.found(account="accounts/A-1")
    )
    assert refused(lambda: notes.credit(found.name), FailedPrecondition).reason == "INVOICE_CREDITED"


@pytest.mark.rule("BIL-13", "INV-12")
def test_a_bill_whose_invoice_is_not_out_yet_gives_back_by_lines_below_zero(utility: Utility) -> None:
    """They meet on the running invoice; once that is out, none of both is credited any more."""
    bills, notes = utility.bills, Notes(utility.at_work)
    bill = bills.complete(bills.bill().bill.name)
    (segment, *_) = bills.segments(bill=bill.name)
    bills.credit(bill.name, bill_segments=[segment.name])
    (running,) = notes.found(account="accounts/A-1")
    on_both = [each for each in notes.lines(running.name) if each.bill_segment == segment.name]
    assert sum(minor(each.net_amount) for each in on_both) == 0
    assert len(on_both) > 1
    utility.month()
    all_agree(utility, notes)
    line_no = int(own_id(on_both[0].name))
    assert refused(lambda: notes.credit(running.name, line_no), FailedPrecondition).reason == "BILL_SEGMENT_TRANSITION"
    note = notes.credit(running.name)
    assert not {each.bill_segment for each in notes.lines(note.name)} & {segment.name}
    all_agree(utility, notes)


@pytest.mark.rule("BIL-13", "INV-17", "PLT-10")
def test_of_bill_and_invoice_that_are_credited_at_once_one_is(utility: Utility) -> None:
    """Whoever is later is told so; there is one document, and the money went back once."""
    bills, notes = utility.bills, Notes(utility.at_work)
    bill = bills.complete(bills.bill().bill.name)
    utility.month()
    (found,) = notes.found(account="accounts/A-1")

    def told(call: Callable[[], object]) -> bool:
        try:
            call()
        except (CountinghouseError, grpc.RpcError):
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        asked = [lambda: bills.credit(bill.name), lambda: notes.credit(found.name)] * 2
        done = list(pool.map(told, asked))
    assert done.count(True) == 1
    (note,) = notes.found(credited_invoice=found.name)
    assert note.line_count == found.line_count
    assert owes(utility.at_work, "A-1") == minor(found.total_amount) - minor(note.total_amount)
    all_agree(utility, notes)


@pytest.mark.rule("BIL-13", "INV-17")
def test_who_is_on_no_billing_cycle_any_more_gets_the_document_too(utility: Utility, database: Database) -> None:
    """It is a matter of the invoice, not of where the account's next lines go."""
    bills, notes = utility.bills, Notes(utility.at_work)
    bill = bills.complete(bills.bill().bill.name)
    utility.month()
    database.write(lambda tx: tx.execute(text("UPDATE billing_account SET invoice_cycle_code = ''")))
    bills.credit(bill.name)
    (found, _) = notes.found(account="accounts/A-1")
    assert [each.line_count for each in notes.found(credited_invoice=found.name)] == [found.line_count]
    all_agree(utility, notes)
