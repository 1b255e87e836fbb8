"""The lock: numbers without gaps, and what is posted of invoices that no bill has posted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from domain.invoicing.batches import store
from domain.invoicing.batches.booking import TAX_ROUNDING
from domain.invoicing.batches.errors import InvoiceBatchTransitionIllegal
from domain.invoicing.batches.states import BatchState
from domain.invoicing.invoices.errors import InvoiceLocked
from domain.invoicing.invoices.states import InvoiceState
from tests.invoicing.batches.house import IN_APRIL, IN_MARCH, House
from tests.invoicing.invoices.office import line, tax

DAYS_31_US = 31 * 86_400_000_000


def closed(house: House, **amounts: int) -> Any:
    """A batch of these invoices, ordered."""
    house.charge(amounts)
    house.now_us = IN_APRIL
    return house.go_on(house.close().batch_id)


@pytest.mark.rule("INV-20")
def test_numbers_follow_on_each_other_from_batch_to_batch(house: House) -> None:
    """In the order of accounts, without a gap, within the year of the day of issue; a new year begins anew."""
    numbers = []
    for month in range(1, 11):
        house.now_us = IN_MARCH + (month - 1) * DAYS_31_US
        house.charge({f"A{month % 3}": 5_000, f"B{month}": 6_000})
        house.now_us = IN_APRIL + (month - 1) * DAYS_31_US
        batch = house.go_on(house.close().batch_id)
        numbers.append((batch.issue_day // 10_000, batch.first_number, batch.number_count))
        if month == 2:
            house.now_us = IN_APRIL + 8 * DAYS_31_US
            break
    assert numbers == [(2026, 1, 2), (2026, 3, 2)]
    house.charge({"C": 5_000})
    house.now_us += 2 * DAYS_31_US
    batch = house.go_on(house.close().batch_id)
    assert (batch.issue_day // 10_000, batch.first_number) == (2027, 1)
    assert sorted(each.number_no for each in house.all_invoices()) == [1, 1, 2, 3, 4]
    issuer = house.database.read(lambda tx: store.issuer_of(tx, batch.batch_id))
    assert issuer["code"] == "ISSUER"
    assert issuer["settings"]["party"]["name"]


@pytest.mark.rule("INV-20", "INV-03")
def test_invoices_without_lines_leave_no_gap_in_the_numbers(house: House) -> None:
    """They close when they are final, and get no number, wherever they stand among the others."""
    house.charge(dict.fromkeys("ABCDEF", 5_000))
    for account in "ACD":
        house.put(house.only(account), final=1)
        house.take_off_all(account)
    house.now_us = IN_APRIL
    batch = house.go_on(house.close().batch_id)
    assert (batch.state, batch.number_count) == (BatchState.ORDERED, 3)
    numbers = {each.account_id: each.number_no for each in house.all_invoices()}
    assert numbers == {"A": 0, "B": 1, "C": 0, "D": 0, "E": 2, "F": 3}


@pytest.mark.rule("INV-04", "INV-12", "INV-17")
def test_a_locked_invoice_takes_no_more_lines(house: House) -> None:
    """Nor is one taken off."""
    closed(house, A=5_000)
    house.now_us = IN_MARCH
    with pytest.raises(InvoiceLocked):
        house.take_off_all("A")
    assert house.only("A").state is InvoiceState.LOCKED


@pytest.mark.rule("INV-16", "INV-20")
def test_what_no_bill_has_made_is_posted_at_the_lock(house: House) -> None:
    """The receivable against the line's code and the tax, for each invoice in balance; nothing of a bill's lines."""
    house.charge({"A": 5_000})
    house.add(line("2", -1_000, "A"), call=house.call)
    bill = [line(f"s{n}", 333, "B", source="billing", distribution_code="", segment_id="s") for n in range(10)]
    house.add(*bill, call=house.call, taxes=[tax("s", 633, "B")])
    house.now_us = IN_APRIL
    house.go_on(house.close().batch_id)
    of = {each.account_id: each.invoice_id for each in house.all_invoices()}
    assert house.posted() == [
        (f"{of['A']}/C/SALES", "SALES", "", -4_000),
        (f"{of['A']}/D", "AR", "", 4_760),
        (f"{of['A']}/T/S-190000", "VAT", "", -760),
    ]


@pytest.mark.rule("INV-16")
def test_the_difference_of_tax_is_posted_as_its_own(house: House) -> None:
    """What bills have rounded, each for itself, and what the invoice comes to: TAX_ROUNDING, either way round."""
    for account, posted in (("A", 7), ("B", 5), ("C", 6)):
        bill = [line(f"s{n}", 15, account, source="billing", distribution_code="", segment_id="s") for n in range(2)]
        house.add(*bill, call=house.call, taxes=[tax("s", posted, account)])
        house.put(house.only(account), final=1)
    house.now_us = IN_APRIL
    house.go_on(house.close().batch_id)
    of = {each.invoice_id: each.account_id for each in house.all_invoices()}
    found = [(of[key.split("/")[0]], key.split("/")[1], code, kind, minor) for key, code, kind, minor in house.posted()]
    assert sorted(found) == [
        ("A", "RC", "VAT", TAX_ROUNDING, 1),
        ("A", "RD", "AR", TAX_ROUNDING, -1),
        ("B", "RC", "VAT", TAX_ROUNDING, -1),
        ("B", "RD", "AR", TAX_ROUNDING, 1),
    ]


@pytest.mark.rule("INV-16")
def test_own_lines_and_bills_of_one_rate_are_rounded_together(house: House) -> None:
    """The tax of both at the lock is the invoice's, and what is posted altogether is that tax."""
    bill = [line("s", 3, "A", source="billing", distribution_code="", segment_id="s")]
    house.add(*bill, line("own", 3, "A"), call=house.call, taxes=[tax("s", 1, "A")])
    house.put(house.only("A"), final=1)
    house.now_us = IN_APRIL
    house.go_on(house.close().batch_id)
    assert house.only("A").tax_minor == 1
    sums: Counter[str] = Counter()
    for _, code, _, minor in house.posted():
        sums[code] += minor
    assert dict(sums) == {"AR": 3, "SALES": -3, "VAT": 0}


@pytest.mark.rule("INV-09", "INV-16")
def test_a_missing_tax_code_fails_the_batch_until_it_is_mended(house: House) -> None:
    """It is in ERROR with the reason; a retry goes on where it failed, with the same numbers."""
    house.charge({"A": 5_000})
    house.put_cycle(taxes={})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    house.aggregate()
    house.engine()
    failed = house.batch(batch.batch_id)
    assert (failed.state, failed.failed_state) == (BatchState.ERROR, BatchState.AGGREGATING)
    assert failed.held is not None
    assert failed.held.reason == "INVOICE_TAX_CODE_MISSING"
    house.put_cycle(taxes={"S": "VAT"})
    assert house.retry(batch.batch_id).state is BatchState.AGGREGATING
    house.engine()
    done = house.batch(batch.batch_id)
    assert (done.state, done.first_number, house.only("A").number_no) == (BatchState.ORDERED, 1, 1)
    assert house.states(batch.batch_id)[-4:] == [
        BatchState.ERROR,
        BatchState.AGGREGATING,
        BatchState.READY_FOR_SENDING,
        BatchState.ORDERED,
    ]


@pytest.mark.rule("INV-20", "INV-21")
def test_a_batch_whose_numbers_are_reserved_is_not_canceled(house: House) -> None:
    """Neither in ERROR nor once it is retried, although no invoice has its number yet."""
    house.charge({"A": 5_000})
    house.put_cycle(taxes={})
    house.now_us = IN_APRIL
    failed = house.go_on(house.close().batch_id)
    assert (failed.state, failed.number_count) == (BatchState.ERROR, 1)
    with pytest.raises(InvoiceBatchTransitionIllegal):
        house.cancel(failed.batch_id)
    assert house.retry(failed.batch_id).state is BatchState.AGGREGATING
    with pytest.raises(InvoiceBatchTransitionIllegal):
        house.cancel(failed.batch_id)


@pytest.mark.rule("INV-21")
def test_a_canceled_batch_lets_go_of_its_invoices(house: House) -> None:
    """They run, and are of no batch."""
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    assert house.cancel(house.close().batch_id).state is BatchState.CANCELED
    found = house.only("A")
    assert (found.state, found.batch_id, found.aggregated) == (InvoiceState.RUNNING, "", False)
