"""Bills of accounts in the database: made, made again, and one alone however often they are asked for."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest
from sqlalchemy import Connection, text

from domain.billing.segments import generating, reading, regenerating
from domain.billing.segments.errors import NothingToBill, SegmentNotDeletable
from domain.billing.segments.generating import Request
from domain.billing.segments.model import Wanted
from domain.billing.segments.recording import Billed
from domain.billing.segments.states import SegmentState
from domain.billing.segments.store import bills, segments
from domain.kernel.money import Money
from domain.kernel.scopes import EVERYTHING
from server.database.transaction import Database
from tests.billing.segments.utility import head_office, use
from tests.billing.shop import Shop, open_shop

FEBRUARY, MARCH = 20260201, 20260301
TABLES = ("bill", "bill_segment", "billing_exception", "billing_account", "event")


@pytest.fixture
def shop(database: Database) -> Shop:
    """The utility, on either database."""
    return open_shop(database)


def generate(shop: Shop, through_day: int = FEBRUARY) -> Billed:
    """The bill of account A."""
    return shop.write(generating.generate, shop.configurations, Request("A", through_day))


def told(found: Billed) -> dict[str, tuple[str, str]]:
    """Reason and amount of each segment, by agreement."""
    return {each.agreement_id: (each.reason, str(each.amount)) for each in found.segments}


def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All rows that generating could change."""

    def read(tx: Connection) -> dict[str, list[tuple[object, ...]]]:
        return {name: sorted(map(tuple, tx.execute(text(f"SELECT * FROM {name}")))) for name in TABLES}

    return database.read(read)


@pytest.mark.rule("BIL-04", "BIL-05", "BIL-11")
def test_a_head_office_and_its_sites_are_billed_in_order(shop: Shop) -> None:
    """400, 350 and 250 kWh at 0.30 with fees and tax; 1,000 of them at 0.02."""
    shop.database.write(lambda tx: head_office(tx, "400", "350", "250"))
    found = generate(shop)
    assert told(found) == {
        "S1": ("", "157.08 EUR"),
        "S2": ("", "139.23 EUR"),
        "S3": ("", "103.53 EUR"),
        "HO": ("", "20.00 EUR"),
    }
    assert [(each.agreement_id, each.sentence) for each in found.bill.order][-1] == ("HO", "sequence 10")
    bill, total = shop.database.read(lambda tx: reading.get_bill(tx, "A", found.bill.bill_id, EVERYTHING))
    assert bill == found.bill
    assert total == (4, 0, 41984, 6384)
    kept = shop.database.read(lambda tx: segments.of_bills(tx, [("A", bill.bill_id)]))["A"]
    assert tuple(kept) == found.segments, "what is read is what was written"


@pytest.mark.rule("BIL-11")
def test_an_error_has_an_exception_until_it_is_made_again(shop: Shop) -> None:
    """Site 2 without data: it and the head office are in error, and the data that come make both."""
    shop.database.write(lambda tx: head_office(tx, "400", None, "250"))
    found = generate(shop)
    assert {name: reason for name, (reason, _) in told(found).items() if reason} == {
        "S2": "USAGE_MISSING",
        "HO": "CHARGE_SOURCE_IN_ERROR",
    }
    assert open_exceptions(shop) == [("S2", "USAGE_MISSING"), ("HO", "CHARGE_SOURCE_IN_ERROR")]
    shop.database.write(lambda tx: use(tx, "S2", "350", first=date(2026, 1, 1), last=date(2026, 2, 1)))
    (failed,) = [each for each in found.segments if each.agreement_id == "S2"]
    again = shop.write(regenerating.regenerate, shop.configurations, ("A", failed.segment_id))
    assert sorted(each.agreement_id for each in again.made) == ["HO", "S2"]
    assert told(again)["HO"] == ("", "20.00 EUR")
    assert {each.segment_id for each in again.segments} == {each.segment_id for each in found.segments}
    assert open_exceptions(shop) == []


def open_exceptions(shop: Shop) -> list[tuple[str, str]]:
    """Agreements and reasons of what is open."""
    query = "SELECT agreement_id, reason FROM billing_exception WHERE state = 'OPEN' ORDER BY exception_id"
    return shop.database.read(lambda tx: [tuple(row) for row in tx.execute(text(query))])


@pytest.mark.rule("BIL-15")
def test_a_preview_is_the_bill_and_leaves_every_row_as_it_was(shop: Shop) -> None:
    """Before there is a bill, and after."""
    shop.database.write(lambda tx: head_office(tx, "400", None, "250"))
    request = Request("A", FEBRUARY)
    looked = partial(generating.preview, call=shop.call(), configurations=shop.configurations, request=request)
    for is_new in (True, False):
        before = rows(shop.database)
        seen = shop.database.read(looked)
        assert rows(shop.database) == before
        found = generate(shop)
        assert told(seen) == told(found)
        assert [each.worked for each in seen.segments] == [each.worked for each in found.segments]
        assert seen.bill.order == found.bill.order
        assert seen.bill.bill_id == ("" if is_new else found.bill.bill_id)


@pytest.mark.rule("BIL-14")
def test_what_is_frozen_stays_and_is_not_billed_twice(shop: Shop) -> None:
    """The rest is deleted and made again; later days follow on what is frozen."""
    shop.database.write(lambda tx: head_office(tx, "400", "350"))
    first = generate(shop)
    (one, *_) = first.segments
    freeze = text("UPDATE bill_segment SET state = 'FROZEN', frozen_us = 1 WHERE segment_id = :one")
    shop.database.write(lambda tx: tx.execute(freeze, {"one": one.segment_id}))
    for name in ("S1", "S2"):
        shop.database.write(partial(use, agreement_id=name, kwh="1", first=date(2026, 2, 1), last=date(2026, 3, 1)))
    second = generate(shop, MARCH)
    assert [(each.agreement_id, each.period.start, each.state) for each in second.segments] == [
        ("S1", 20260101, SegmentState.FROZEN),
        ("S1", FEBRUARY, SegmentState.FREEZABLE),
        ("S2", 20260101, SegmentState.FREEZABLE),
        ("S2", FEBRUARY, SegmentState.FREEZABLE),
        ("HO", 20260101, SegmentState.FREEZABLE),
        ("HO", FEBRUARY, SegmentState.FREEZABLE),
    ]
    assert [each.amount for each in second.segments[-2:]] == [Money(1500, "EUR"), Money(4, "EUR")]
    assert second.bill.bill_id == first.bill.bill_id
    with pytest.raises(SegmentNotDeletable):
        shop.write(regenerating.regenerate, shop.configurations, ("A", one.segment_id))


@pytest.mark.rule("BIL-14", "BIL-30")
def test_many_accounts_at_once_are_billed_as_one_by_one(shop: Shop) -> None:
    """In as few statements; what has nothing to bill has no bill."""
    names = [f"A{number}" for number in range(5)]

    def fill(tx: Connection) -> None:
        for number, name in enumerate(names[:-1]):
            head_office(tx, str(number), str(2 * number), account_id=name)
        head_office(tx, account_id=names[-1])

    shop.database.write(fill)
    alone = {}
    for name in names[:-1]:
        request = Request(name, FEBRUARY)
        looked = partial(generating.preview, call=shop.call(), configurations=shop.configurations, request=request)
        alone[name] = told(shop.database.read(looked))
    wanted = dict.fromkeys([*names, "NOBODY"], Wanted(20260131, 20260131, 20260131))
    assert shop.write(generating.generate_many, shop.configurations, wanted) == {}
    wanted = dict.fromkeys([*names[:-1], "NOBODY"], Wanted(FEBRUARY, FEBRUARY, FEBRUARY, "JAN"))
    for _ in range(2):
        found = shop.write(generating.generate_many, shop.configurations, wanted)
        assert {name: told(each) for name, each in found.items()} == alone
    everything = shop.database.read(lambda tx: bills.page(tx, bills.BillFilter(), after=(), limit=10))
    assert [(each.account_id, each.window_code) for each in everything] == [(name, "JAN") for name in names[:-1]]


@pytest.mark.rule("BIL-11")
def test_nothing_due_makes_no_bill(shop: Shop) -> None:
    """The month is not over."""
    shop.database.write(lambda tx: head_office(tx, "1"))
    with pytest.raises(NothingToBill):
        generate(shop, 20260131)
    assert rows(shop.database)["bill"] == []


@pytest.mark.rule("BIL-16")
def test_history_is_what_an_agreement_was_billed_lately(shop: Shop) -> None:
    """So many of its last frozen segments, their days and amounts."""
    shop.database.write(lambda tx: head_office(tx, "100"))
    shop.database.write(partial(use, agreement_id="S1", kwh="1", first=date(2026, 2, 1), last=date(2026, 3, 1)))
    generate(shop, MARCH)
    shop.database.write(lambda tx: tx.execute(text("UPDATE bill_segment SET state = 'FROZEN'")))
    for wanted, expected in ((1, (1464, 28, 1)), (2, (1464 + 4998, 59, 2)), (9, (1464 + 4998, 59, 2))):
        found = shop.database.read(lambda tx: segments.spent(tx, {("A", "S1"): wanted}))  # noqa: B023
        assert found == {("A", "S1"): expected}
    assert shop.database.read(lambda tx: segments.spent(tx, {("A", "S9"): 1})) == {}


@pytest.mark.rule("BIL-11", "BIL-30")
def test_a_bill_of_a_window_that_is_made_again_online_stays_of_it(shop: Shop) -> None:
    """With the days of the run, unless others are given."""
    shop.database.write(lambda tx: head_office(tx, "400"))
    wanted = {"A": Wanted(FEBRUARY, 20260203, 20260204, "JAN")}
    shop.write(generating.generate_many, shop.configurations, wanted)
    again = shop.write(generating.generate, shop.configurations, Request("A")).bill
    assert (again.through_day, again.bill_day, again.accounting_day) == (FEBRUARY, 20260203, 20260204)
    other = shop.write(generating.generate, shop.configurations, Request("A", bill_day=20260205)).bill
    assert (other.through_day, other.bill_day, other.accounting_day) == (FEBRUARY, 20260205, 20260205)
    assert again.window_code == other.window_code == "JAN"
