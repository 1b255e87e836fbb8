"""What accounts are billed together is what each is billed by itself, to the last byte (decision 34)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from domain.billing.bills.booking import Charge, Charges
from domain.billing.runs import billing
from domain.billing.runs.alike import deciding
from domain.billing.runs.deciding import Decided, Desk
from domain.billing.runs.jobs import ChunkSizes
from domain.billing.runs.model import Order
from domain.billing.segments import generating
from domain.flows.billing import Billed
from domain.flows.post import AlreadyPosted
from domain.gl_extraction.tables import CODED_COLUMNS
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices import adding
from domain.invoicing.invoices.model import NewLine
from domain.invoicing.tables import invoice, invoice_line, invoice_reckoned_tax
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.registers import store as registers
from server.database.transaction import Database
from tests.billing.runs.letterboxes import join
from tests.billing.runs.neighbours import add_types, settle
from tests.billing.runs.night import Night
from tests.billing.runs.test_running import FEBRUARY, JANUARY, forget_bills
from tests.billing.segments.utility import agree, head_office, meter, open_account, use
from tests.billing.shop import NOW_US, open_shop

CALL = Call("ada", "billing/Run", "", NOW_US, operation_id="run")
ORDER = Order("NORTH", "JAN", 20260301, 20260303, 20260304, freeze=True, complete=True)
_DETAIL = (
    "source, external_id, content_hash, description, subject, grouping, reversal, distribution_account, ledger_code,"
    " accounting_date, transaction_date, accounting_period_code, currency, debit_minor, credit_minor, maker,"
    f" operation_id, created_us, coded_mask, {CODED_COLUMNS[0]}"
)
_INVOICE = ", ".join(each.name for each in invoice.columns if each.name != "invoice_id")
_ITS_INVOICE = "JOIN invoice i ON i.account_id = d.account_id AND i.invoice_id = d.invoice_id"
_OF_LINE, _OF_TAX = (
    ", ".join(f"d.{each.name}" for each in table.columns if each.name != "invoice_id")
    for table in (invoice_line, invoice_reckoned_tax)
)
_QUERIES = {
    "bill": "SELECT * FROM bill ORDER BY account_id, bill_id",
    "bill_segment": "SELECT * FROM bill_segment ORDER BY account_id, segment_id",
    "billing_exception": (
        "SELECT account_id, bill_id, segment_id, reason, message FROM billing_exception ORDER BY 1, 2, 3, 4, 5"
    ),
    "accounting_detail": f"SELECT {_DETAIL} FROM accounting_detail ORDER BY source, external_id",
    "accounting_detail_pending": "SELECT count(*) FROM accounting_detail_pending",
    "event": (
        "SELECT owner, sequence, type, at_us, caller, method, operation_id, audit, payload, scope_id FROM event"
        " WHERE type NOT IN ('accounting_details.posted', 'invoice_lines.added') ORDER BY owner, sequence"
    ),
    "invoice": f"SELECT {_INVOICE} FROM invoice ORDER BY account_id, schedule_code, slot",
    "invoice_line": f"SELECT i.schedule_code, {_OF_LINE} FROM invoice_line d {_ITS_INVOICE} ORDER BY 1, 2, 3",
    "invoice_reckoned_tax": (
        f"SELECT i.schedule_code, {_OF_TAX} FROM invoice_reckoned_tax d {_ITS_INVOICE} ORDER BY 1, 2, 3, 4"
    ),
}


class _Undone(Exception):
    """All was looked at; nothing is to be kept."""


class Street:
    """A world that is billed one way or another, and is not changed by it."""

    def __init__(self, night: Night) -> None:
        self.night = night
        self.together = 0

    def desk(self, order: Order) -> Desk:
        """Where accounts are billed by an order."""
        return Desk(self.night.bench, order, f"run {order.through_day}", lambda *_: None)

    def billed(
        self, seed: int, order: Order, *, together: bool, before: bool = False
    ) -> tuple[Document, dict[str, list[Any]]]:
        """The counts, and all rows; `before`: accounts were billed for January already."""
        found: list[tuple[Document, dict[str, list[Any]]]] = []
        account_ids: list[str] = []

        def bill(tx: Connection) -> None:
            account_ids.extend(settle(tx, seed))
            desk = self.desk(order)
            if before:
                first = self.desk(replace(order, through_day=20260201))
                with pytest.MonkeyPatch.context() as patched:
                    patched.setattr(deciding, "ALIKE_FROM", 1_000)
                    billing.bill(tx, CALL, first, account_ids, one_by_one=False)
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(deciding, "ALIKE_FROM", 2 if together else 1_000)
                if together:
                    batches, _ = deciding.decide(tx, CALL, desk, account_ids, lock=True)
                    self.together += sum(len(each.members) for each in batches)
                counts = billing.bill(tx, CALL, desk, account_ids, one_by_one=False)
            found.append((counts, {name: list(map(tuple, tx.execute(text(q)).all())) for name, q in _QUERIES.items()}))
            raise _Undone

        with pytest.raises(_Undone):
            self.night.shop.database.write(bill)
        return found[0]


@pytest.fixture
def street(database: Database) -> Street:
    night = Night(open_shop(database))
    database.write(add_types)
    return Street(night)


WINDOWS = st.sampled_from([(True, True), (True, True), (True, False), (False, False)])


@pytest.mark.rule("BIL-12", "BIL-15", "BIL-16", "BIL-20", "BIL-32", "INV-11", "INV-16")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), window=WINDOWS, before=st.booleans())
def test_who_is_billed_together_is_billed_as_if_by_itself(
    street: Street, seed: int, window: tuple[bool, bool], *, before: bool
) -> None:
    """Bills, segments with their documents, exceptions, invoices, the ledger and the audit trail; ids, too."""
    freeze, complete = window
    order = Order("NORTH", "JAN", 20260301, 20260303, 20260304, freeze=freeze, complete=complete)
    counts, rows = street.billed(seed, order, together=True, before=before)
    alone_counts, alone = street.billed(seed, order, together=False, before=before)
    for name, found in rows.items():
        assert found == alone[name], name
    assert counts == alone_counts


@pytest.mark.rule("BIL-11", "BIL-32")
def test_whoever_lacks_something_is_left_to_be_billed_by_itself(database: Database) -> None:
    """A site that nobody has read, a pending bill, and an invoice cycle: the others are together all the same."""
    shop = open_shop(database)
    night = Night(shop)

    def look(tx: Connection) -> tuple[list[str], list[str]]:
        for number in range(8):
            head_office(tx, "400", None if number == 2 else f"{number}.5", account_id=f"A{number}")
        tx.execute(text("UPDATE billing_account SET invoice_cycle_code = 'MONTHLY' WHERE account_id = 'A5'"))
        generating.generate(tx, CALL, shop.configurations, generating.Request("A4", 20260201))
        desk = Desk(night.bench, replace(ORDER, through_day=20260201), "run", lambda *_: None)
        together, left = deciding.decide(tx, CALL, desk, [f"A{number}" for number in range(9)], lock=True)
        return [member.account_id for batch in together for member in batch.members], left

    assert database.write(look) == (["A0", "A1", "A3", "A6", "A7"], ["A2", "A4", "A5", "A8"])


@pytest.mark.rule("BIL-16", "BIL-20", "BIL-32")
def test_who_has_in_common_what_conditions_read_is_alike_and_limits_leave_out_the_implausible(street: Street) -> None:
    """One who used ten times as much as before is told so by itself; attributes nobody reads make no difference."""
    ids = [f"A{number:02}" for number in range(14)]

    def look(tx: Connection) -> tuple[list[list[str]], list[str]]:
        for number, account_id in enumerate(ids):
            open_account(tx, account_id)
            attributes = {"size": "L" if number < 8 else "S", "colour": account_id}
            for name, kind in (("P", "PICKY"), ("Q", "LIMITED")):
                agree(tx, name, kind, account_id=account_id, attributes=attributes)
                meter(tx, name, account_id=account_id)
                for month, kwh in ((JANUARY, "100"), (FEBRUARY, "1000" if number == 3 else f"{80 + number}")):
                    end = (month + timedelta(days=31)).replace(day=1)
                    use(tx, name, kwh, first=month, last=end, account_id=account_id)
        desk = street.desk(replace(ORDER, through_day=20260201))
        assert billing.bill(tx, CALL, desk, ids, one_by_one=False)["completed"] == len(ids)
        together, left = deciding.decide(tx, CALL, street.desk(ORDER), ids, lock=True)
        return [[member.account_id for member in batch.members] for batch in together], left

    assert street.night.shop.database.write(look) == ([[*ids[:3], *ids[4:8]], ids[8:]], ["A03"])


@pytest.mark.rule("BIL-15", "BIL-30", "BIL-31")
def test_a_run_in_which_accounts_are_alike_is_as_each_online(database: Database) -> None:
    """Its rows and its figures, and what a preview told before; run again, it bills nothing more."""
    shop = open_shop(database)
    night = Night(shop, sizes=ChunkSizes(8, 8))
    night.window()

    def open_accounts(tx: Connection) -> None:
        for number in range(20):
            unread = number == 9
            head_office(tx, f"{100 + number}", None if unread else "5.25", account_id=f"A{number:02}")

    database.write(open_accounts)
    preview = night.run(preview=True)
    assert night.bills() == []
    run = night.run()
    told = ("accounts", "bills", "segments", "completed", "exceptions", "errors", "minor")
    assert {name: preview.counts[name] for name in told} == {name: run.counts[name] for name in told}
    assert run.counts["completed"] == 19
    by_run = night.rows()
    assert night.run().counts["completed"] == 0
    assert night.rows()["accounting_detail"] == by_run["accounting_detail"]
    database.write(forget_bills)
    for number in range(20):
        night.bill_online(f"A{number:02}")
    assert night.rows() == by_run


class _Moody(Billed):
    """A ledger that refuses, as it is told, what it has let pass: a period may have been closed in between."""

    def post(self, tx: Connection, call: Call, charges: Sequence[Charge], *, alike: Sequence[Charges] = ()) -> None:
        if alike:
            raise AlreadyPosted
        super().post(tx, call, charges)


@pytest.mark.rule("BIL-31")
def test_what_is_refused_as_it_is_done_together_is_done_one_after_another(database: Database) -> None:
    """Nothing is half done, and nobody is left out."""
    shop = open_shop(database)
    night = Night(shop)

    def bill(tx: Connection) -> Document:
        for number in range(6):
            head_office(tx, "400", f"{number}.5", account_id=f"A{number}")
        bench = replace(night.bench, ledger=_Moody())
        desk = Desk(bench, replace(ORDER, through_day=20260201), "run", lambda *_: None)
        return billing.bill(tx, CALL, desk, [f"A{number}" for number in range(6)], one_by_one=False)

    assert database.write(bill)["completed"] == 6
    assert [each.account_id for each in night.bills()] == [f"A{number}" for number in range(6)]
    assert len(night.rows()["accounting_detail"]) == 6 * 8


@pytest.mark.rule("BIL-31", "BIL-32", "INV-11")
def test_whose_invoice_refuses_is_billed_by_itself_and_the_others_together(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has an invoice in another currency: its bill says so, and it alone goes a way of its own."""
    night = Night(open_shop(database))
    real, alone = billing._alone, []

    def told(tx: Connection, call: Call, desk: Desk, account_id: str) -> list[Decided]:
        alone.append(account_id)
        return real(tx, call, desk, account_id)

    def bill(tx: Connection) -> Document:
        for number in range(8):
            head_office(tx, "400", f"{number}.5", account_id=f"A{number}")
            join(tx, f"A{number}", "MONTHLY")
        cycle = registers.find(tx, CYCLES, "MONTHLY")
        assert cycle is not None
        adding.add(tx, CALL, cycle, [NewLine("A3", "shop", "1", "CHF", 100, "Z", 0)])
        desk = Desk(night.bench, replace(ORDER, through_day=20260201), "run", lambda *_: None)
        return billing.bill(tx, CALL, desk, [f"A{number}" for number in range(8)], one_by_one=False)

    monkeypatch.setattr(billing, "_alone", told)
    counts = database.write(bill)
    assert alone == ["A3"]
    assert (counts["completed"], counts["errors"]) == (7, {"BILL_NOT_INVOICEABLE": 1})
    assert len(night.rows()["invoice_line"]) == 7 * 5 + 1
    assert [each.account_id for each in night.open_exceptions()] == ["A3"]
