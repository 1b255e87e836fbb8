"""Invoices are credited: once, numbered and posted at once, and out by a batch of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.invoicing.batches.hooks import Decision, Hookpoint
from domain.invoicing.batches.model import Facts
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.transitions import move
from domain.invoicing.crediting.choosing import Part
from domain.invoicing.crediting.errors import (
    CreditNoteNotCredited,
    InvoiceNotLocked,
    LineCredited,
    LinePartTooLarge,
    LineWithoutQuantity,
    NothingLeftToCredit,
)
from domain.invoicing.invoices.errors import InvoiceNotFound, LineNotFound
from domain.invoicing.invoices.model import ShownState
from domain.invoicing.invoices.states import InvoiceKind, InvoiceState
from domain.invoicing.invoices.store import reading
from domain.kernel import scopes
from domain.kernel.call import Call
from domain.kernel.errors import DomainError, Invalid
from server.database.transaction import Database
from tests.invoicing.crediting.desk import CreditDesk, total
from tests.invoicing.invoices.office import at, line

FULL, REDUCED = 190_000, 70_000
LINES = {"goods": (1_003, FULL), "fee": (502, FULL), "book": (2_001, REDUCED)}


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> CreditDesk:
    """A house that exports, on either database."""
    return CreditDesk(database, tmp_path / "files")


@pytest.mark.rule("INV-17", "INV-20", "INV-16")
def test_what_is_given_back_is_numbered_and_posted_at_once(desk: CreditDesk) -> None:
    """By rate the tax is rounded once; the books are what was invoiced less what was given back."""
    of = desk.locked(LINES)
    before = desk.owes()
    assert before == total(of)
    shown = desk.credit(of, 1, 3, reason="never delivered")
    (note,) = desk.notes()
    assert shown.invoice == note
    assert (note.kind, note.state, note.slot) == (InvoiceKind.CREDIT_NOTE, InvoiceState.LOCKED, note.invoice_id)
    assert (note.credits_id, note.reason, note.aggregated) == (of.invoice_id, "never delivered", True)
    assert (note.net_minor, note.tax_minor) == (3_004, 191 + 140)
    assert [(each.tax_ppm, each.net_minor, each.tax_minor) for each in shown.taxes] == [
        (REDUCED, 2_001, 140),
        (FULL, 1_003, 191),
    ]
    assert (shown.number, shown.issue_day) == ("C2026-00000001", 20260401)
    assert desk.credited_lines() == [(f"{of.invoice_id}/1", 1_003), (f"{of.invoice_id}/3", 2_001)]
    assert desk.owes() == before - total(note)
    assert all(minor == 0 for _, minor in desk.totals()), "each posting balances"
    mine = [each for each in desk.posted() if each[0].startswith(note.invoice_id)]
    assert [(external_id.partition("/")[2], code, minor) for external_id, code, _, minor in mine] == [
        ("C/SALES", "SALES", 3_004),
        ("D", "AR", -3_335),
        ("T/S-190000", "VAT", 191),
        ("T/S-70000", "VAT", 140),
    ]
    assert desk.invoice() == of, "the invoice stays as it is"


@pytest.mark.rule("INV-17", "PLT-10")
def test_all_that_is_left_is_given_back_and_then_nothing_is(desk: CreditDesk) -> None:
    """Over several notes each line goes once."""
    of = desk.locked(LINES)
    desk.credit(of, 2)
    desk.credit(of)
    assert sorted(desk.credited_lines()) == [
        (f"{of.invoice_id}/{at_}", net) for at_, net in enumerate((1_003, 502, 2_001), start=1)
    ]
    assert [each.number_no for each in desk.notes()] == [1, 2]
    with pytest.raises(NothingLeftToCredit):
        desk.credit(of)
    assert len(desk.notes()) == 2


@pytest.mark.rule("INV-17", "INV-16", "INV-20")
def test_a_line_is_given_back_part_by_part_until_nothing_is_left(desk: CreditDesk) -> None:
    """Each part with the tax of its category, rounded once on its note; books and documents agree after each."""
    of = desk.locked(LINES)
    before = desk.owes()
    shown = desk.credit(of, 2, parts={1: Part(301), 3: Part(1_000)})
    assert (shown.invoice.net_minor, shown.invoice.tax_minor) == (301 + 502 + 1_000, 153 + 70)
    assert [(each.tax_ppm, each.net_minor, each.tax_minor) for each in shown.taxes] == [
        (REDUCED, 1_000, 70),
        (FULL, 803, 153),
    ]
    desk.credit(of, parts={1: Part(2)})
    desk.credit(of, 1)
    with pytest.raises(LineCredited):
        desk.credit(of, parts={1: Part(1)})
    desk.credit(of)
    with pytest.raises(NothingLeftToCredit):
        desk.credit(of)
    assert sorted(desk.credited_lines()) == [
        (f"{of.invoice_id}/{key}", net)
        for key, net in [("1/1", 301), ("1/2", 2), ("1/3", 700), ("2", 502), ("3/1", 1_000), ("3/2", 1_001)]
    ]
    notes = desk.notes()
    assert [each.number_no for each in notes] == [1, 2, 3, 4]
    assert sum(each.net_minor for each in notes) == of.net_minor
    assert desk.owes() == before - sum(map(total, notes))
    assert all(minor == 0 for _, minor in desk.totals())


@pytest.mark.rule("INV-17", "INV-16")
def test_a_quantity_is_given_back_at_its_price_and_the_last_of_it_comes_to_what_is_left(desk: CreditDesk) -> None:
    """Three thirds of a cent more than the whole would be: never more than was invoiced."""
    desk.told = {"gas": {"quantity": "3", "unit_code": "MTQ", "price": "0.335"}}
    of = desk.locked({"gas": (101, FULL), "fee": (500, FULL)})
    seen = []
    for _ in range(3):
        note = desk.credit(of, parts={1: Part(quantity="1")}).invoice
        (told,) = desk.lines_of(note)
        seen.append((told.net_minor, told.quantity, told.unit_code, told.price))
    assert seen == [(34, "1", "MTQ", "0.335"), (34, "1", "MTQ", "0.335"), (33, "", "", "")]
    with pytest.raises(LineCredited):
        desk.credit(of, parts={1: Part(quantity="1")})


@pytest.mark.rule("INV-17", "PLT-07")
def test_parts_that_are_none_are_refused_and_nothing_is_done(desk: CreditDesk) -> None:
    """More than is left, nothing, the other way round, a quantity of what tells none."""
    desk.told = {"gas": {"quantity": "2", "unit_code": "MTQ", "price": "5"}}
    of = desk.locked({"gas": (1_000, FULL), "fee": (500, FULL), "back": (-300, FULL)})
    desk.credit(of, parts={1: Part(100), 3: Part(-100)})
    before = (desk.posted(), desk.credited_lines(), len(desk.invoices()))
    for part in (Part(901), Part(0), Part(-1), Part(quantity="2.1"), Part(quantity="-1"), Part(quantity="0")):
        with pytest.raises(LinePartTooLarge, match=r"at most what is left: 9\.00 EUR"):
            desk.credit(of, parts={1: part})
    with pytest.raises(LinePartTooLarge, match=r"left: -2\.00 EUR"):
        desk.credit(of, parts={3: Part(100)})
    with pytest.raises(LineWithoutQuantity):
        desk.credit(of, parts={2: Part(quantity="1")})
    with pytest.raises(LineNotFound):
        desk.credit(of, parts={9: Part(1)})
    assert (desk.posted(), desk.credited_lines(), len(desk.invoices())) == before


@pytest.mark.rule("INV-17", "PLT-07", "PLT-14")
def test_what_cannot_be_credited_is_refused_with_its_reason_and_nothing_is_done(desk: CreditDesk) -> None:
    """No number is lost by it either."""
    of = desk.locked(LINES)
    desk.credit(of, 2)
    (note,) = desk.notes()
    desk.add(line("later", 100, "A"), call=desk.call)
    running = next(each for each in desk.invoices() if each.state is InvoiceState.RUNNING)
    before = (desk.posted(), desk.credited_lines(), len(desk.invoices()))
    elsewhere = Call("ada", "test/Test", "", desk.now_us, scope=scopes.of_one("cycles", "OTHER"))
    cases: list[tuple[type[DomainError], Callable[[], object]]] = [
        (LineCredited, lambda: desk.credit(of, 1, 2)),
        (LineNotFound, lambda: desk.credit(of, 1, 9)),
        (InvoiceNotLocked, lambda: desk.credit(running, 1)),
        (CreditNoteNotCredited, lambda: desk.credit(note)),
        (InvoiceNotFound, lambda: desk.credit(of, 1, call=elsewhere)),
        (Invalid, lambda: desk.credit(of, 1, reason="\x00")),
    ]
    for kind, refused in cases:
        with pytest.raises(kind):
            refused()
    assert (desk.posted(), desk.credited_lines(), len(desk.invoices())) == before
    desk.credit(of, 1)
    assert [each.number_no for each in desk.notes()] == [1, 2]


@pytest.mark.rule("INV-17", "INV-20")
def test_an_empty_invoice_without_a_number_has_nothing_to_be_credited(desk: CreditDesk) -> None:
    """A final one without lines is locked, and nobody has it."""
    of = desk.locked(LINES)
    desk.put(of, number_no=0)
    with pytest.raises(InvoiceNotLocked):
        desk.credit(of)


@pytest.mark.rule("INV-05", "INV-06", "INV-07", "INV-08", "INV-15", "INV-20")
def test_credit_notes_go_out_by_a_batch_of_their_own(desk: CreditDesk) -> None:
    """Through hook and order, export and publishing; several of an account in chunks that do not meet."""
    invoices = desk.all_locked({"A": LINES, "B": LINES, "C": LINES})
    desk.receive("A", "B", "C")
    for line_no in (1, 2, 3):
        desk.credit(invoices["A"], line_no)
    desk.credit(invoices["B"])
    desk.credit(invoices["C"], 1, 2)
    (batch,) = desk.collecting()
    assert (batch.state, batch.number_count, batch.first_number) == (BatchState.READY_FOR_SENDING, 5, 1)
    notes = [each for account in "ABC" for each in desk.notes(account)]
    told = {"net": sum(each.net_minor for each in notes), "tax": sum(each.tax_minor for each in notes)}
    assert batch.counts["totals"] == {"EUR": told}
    desk.engine()
    assert desk.batch(batch.batch_id).state is BatchState.ORDERED
    desk.export()
    assert desk.batch(batch.batch_id).state is BatchState.READY_FOR_PUBLISH
    files = desk.shown(batch.batch_id)
    numbers = sorted(f"C2026-0000000{number}" for number in range(1, 6))
    assert sorted({each.file_name.rpartition(".")[0] for each in files[:-1]}) == numbers
    document = json.loads(
        next((desk.folder / each.path).read_bytes() for each in files if each.file_name.endswith("1.json"))
    )
    assert (document["kind"], document["preceding"]["number"]) == ("CREDIT_NOTE", "2026-00000001")
    marked = {name for name, is_marked in desk.invoiced().items() if is_marked}
    assert not any(name.startswith(notes[0].invoice_id) for name in marked)
    assert desk.publish(batch.batch_id).state is BatchState.PUBLISHED
    marked = {name for name, is_marked in desk.invoiced().items() if is_marked}
    ids = {each.invoice_id for each in notes}
    assert {name for name in desk.invoiced() if name.partition("/")[0] in ids} <= marked
    assert desk.states(batch.batch_id) == [
        BatchState.READY_FOR_SENDING,
        BatchState.ORDERED,
        BatchState.READY_FOR_PUBLISH,
        BatchState.PUBLISHED,
    ]


@pytest.mark.rule("INV-20", "INV-05")
def test_a_batch_collects_the_notes_of_one_day_and_issuer_until_it_goes_on(desk: CreditDesk) -> None:
    """What comes later goes into another, also beside one that came back by a retry; the series goes on."""
    of = desk.locked({f"l{at_}": (1_000, FULL) for at_ in range(6)})
    desk.credit(of, 1)
    desk.credit(of, 2)
    (first,) = desk.collecting()
    desk.now_us = at("2026-04-02T08:00")
    desk.credit(of, 3)
    second, again = desk.collecting()
    assert again == first
    assert (second.issue_day, first.issue_day) == (20260402, 20260401)
    facts = Facts(failure="BROKEN", failed_state=BatchState.READY_FOR_SENDING)
    desk.do(lambda tx: move(tx, desk.call, second, BatchState.ERROR, facts, reason="BROKEN"))
    desk.credit(of, 6)
    assert desk.retry(second.batch_id).state is BatchState.READY_FOR_SENDING, "beside the one that collects now"
    desk.credit(of, 4)
    assert [each.number_count for each in desk.collecting()] == [2, 1, 2], "one that has been in ERROR collects no more"
    desk.engine()
    assert {each.state for each in desk.collecting()} == {BatchState.ORDERED}
    desk.credit(of, 5)
    assert len(desk.collecting()) == 4, "one that has gone on is not collected into"
    assert [each.number_no for each in desk.notes()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.rule("INV-10", "INV-05")
def test_a_hook_holds_credit_notes_and_more_of_them_join_meanwhile(desk: CreditDesk) -> None:
    """It is asked again at the engine's next run."""
    of = desk.locked(LINES)
    desk.put_cycle(hookpoint="key")
    answers = [Decision(goes_on=False, message="not yet"), Decision(goes_on=True)]
    desk.hooks["key"] = Hookpoint("key", "", lambda _asked: answers.pop(0))
    desk.credit(of, 1)
    desk.engine()
    (batch,) = desk.collecting()
    assert batch.held is not None
    assert batch.state is BatchState.READY_FOR_SENDING
    desk.credit(of, 2)
    desk.engine()
    (batch,) = desk.collecting()
    assert (batch.state, batch.number_count) == (BatchState.ORDERED, 2)


@pytest.mark.rule("INV-17")
def test_a_published_invoice_is_credited_and_its_note_is_seen_when_it_is_published(desk: CreditDesk) -> None:
    """The recipient is that of now."""
    of = desk.locked(LINES)
    desk.receive("A")
    desk.export()
    assert desk.publish(of.batch_id).state is BatchState.PUBLISHED
    shown = desk.credit(of, 1)
    assert shown.state is ShownState.LOCKED
    assert (of.recipient_version, shown.invoice.recipient_version) == (0, 1)
    sums = desk.database.read(lambda tx: reading.credited(tx, [("A", of.invoice_id)]))
    assert sums == {("A", of.invoice_id): 1_003 + 191}
    assert desk.shown_to_readers(of).credited_minor == 0, "until the note is published"


@pytest.mark.rule("INV-20")
def test_credit_notes_and_invoices_are_numbered_apart(desk: CreditDesk) -> None:
    """A series for each issuer, year and kind."""
    of = desk.locked(LINES)
    desk.credit(of, 1)
    desk.now_us = at("2027-01-02T08:00")
    desk.credit(of, 2)
    assert [each.number_no for each in desk.notes()] == [1, 1]
    assert of.number_no == 1
