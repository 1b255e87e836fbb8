"""What is wrong is worked off by people: implausible segments pass one by one, also of corrections."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, text

from domain.billing.bills import correcting, recalculating, working_off
from domain.billing.bills.completing import Key
from domain.billing.bills.correcting import Corrected, Correction
from domain.billing.bills.errors import ExceptionNotAcceptable, ExceptionNotResolved, ExceptionTransition
from domain.billing.configuration.model import Plausible
from domain.billing.configuration.registers import AGREEMENT_TYPES, SHELF
from domain.billing.segments.errors import ExceptionNotFound, SegmentNotDeletable, SegmentNotImplausible
from domain.billing.segments.model import BillingException
from domain.billing.segments.states import BillState, ExceptionState, SegmentState
from domain.billing.segments.store import exceptions
from domain.billing.segments.store.exceptions import ExceptionFilter
from domain.kernel.registers import store as registers
from domain.kernel.scopes import Scope
from server.database.transaction import Database
from tests.billing.bills.office import Office, bench_of, complete, generate, on_bill, open_office, posted, read_again
from tests.billing.segments.utility import head_office
from tests.billing.shop import Shop, open_shop

NOTE = "a new oven"


@pytest.fixture
def shop(database: Database) -> Office:
    """A head office and three sites that are billed for January, whose bills may at most double."""
    office = open_office(database)
    limit(office, "POWER")
    return office


def limit(shop: Shop, code: str) -> None:
    """Have a type's segments be plausible from half to twice of what they were."""

    def write(tx: Connection) -> None:
        kind = registers.lock(tx, AGREEMENT_TYPES, code)
        assert kind is not None
        settings = replace(kind.settings, plausible=Plausible(1, Decimal(50), Decimal(200)))
        registers.change(tx, AGREEMENT_TYPES, replace(kind, settings=settings))
        registers.grow_version(tx, SHELF)

    shop.database.write(write)


def rebill(shop: Office, agreement_id: str, **more: Any) -> Corrected:
    (segment,) = (each for each in on_bill(shop, shop.billed) if each.agreement_id == agreement_id)
    return shop.write(correcting.rebill, bench_of(shop), Correction("A", segment.segment_id, "r", **more))


def accept(shop: Office, agreement_id: str, bill: Key) -> Any:
    (segment,) = (each for each in on_bill(shop, bill) if each.agreement_id == agreement_id)
    return shop.write(recalculating.accept, bench_of(shop), ("A", segment.segment_id), note=NOTE)


def listed(shop: Shop, state: ExceptionState = ExceptionState.OPEN) -> list[BillingException]:
    wanted = ExceptionFilter(state=state)
    return shop.database.read(lambda tx: exceptions.page(tx, wanted, after=(), limit=99))


def stand(shop: Office, bill: Key) -> list[tuple[Any, ...]]:
    """The segments of a bill, without names and versions."""
    return [
        (each.agreement_id, each.state, each.reason, each.amount, each.tax, each.worked, each.rebills_id)
        for each in on_bill(shop, bill)
    ]


@pytest.mark.rule("BIL-16", "BIL-13", "BIL-04")
def test_a_single_rebilled_segment_is_accepted_with_what_waits_for_it(shop: Office) -> None:
    """As if the whole had been let pass, but the head office is judged by itself; then the bill is completed."""
    read_again(shop, "S1", "1200")
    done = rebill(shop, "S1")
    bill = Key("A", done.bill.bill_id)
    assert {each.agreement_id: each.reason for each in done.made} == {
        "S1": "IMPLAUSIBLE",
        "HO": "CHARGE_SOURCE_IN_ERROR",
    }
    with pytest.raises(SegmentNotImplausible):
        accept(shop, "HO", bill)
    (before,) = (each for each in done.made if each.agreement_id == "S1")
    passed = accept(shop, "S1", bill)
    assert (passed.segment_id, passed.version) == (before.segment_id, before.version + 1)
    assert (passed.state, passed.accepted, passed.amount) == (SegmentState.FREEZABLE, True, before.amount)
    assert [each.reason for each in on_bill(shop, bill)] == ["", ""]
    assert listed(shop) == []
    (accepted,) = listed(shop, ExceptionState.ACCEPTED)
    assert (accepted.segment_id, accepted.note) == (before.segment_id, NOTE)
    by_one = stand(shop, bill)
    first = next(each for each in on_bill(shop, shop.billed) if each.agreement_id == "S1")
    shop.write(correcting.undo, bench_of(shop), "A", first.segment_id)
    rebill(shop, "S1", accepted=True)
    assert stand(shop, bill) == by_one
    assert complete(shop, bill).state is BillState.COMPLETE
    assert sum(posted(shop).values()) == 0


@pytest.mark.rule("BIL-16", "BIL-13")
def test_each_segment_of_a_correction_is_accepted_by_itself(shop: Office) -> None:
    """Once the site has passed, the head office is far from its history, too; both pass, one after the other."""
    limit(shop, "HEAD_OFFICE")
    read_again(shop, "S1", "4000")
    bill = Key("A", rebill(shop, "S1").bill.bill_id)
    accept(shop, "S1", bill)
    assert {each.agreement_id: each.reason for each in on_bill(shop, bill)} == {"S1": "", "HO": "IMPLAUSIBLE"}
    accept(shop, "HO", bill)
    assert {each.agreement_id: (each.reason, each.accepted) for each in on_bill(shop, bill)} == {
        "S1": ("", True),
        "HO": ("", True),
    }
    complete(shop, bill)


@pytest.mark.rule("BIL-16", "BIL-13")
def test_an_accepted_segment_passes_only_as_long_as_it_comes_to_the_same(shop: Office) -> None:
    """Its data changed while somebody looked at it: it is judged anew, and its exception says the new amount."""
    read_again(shop, "S1", "1200")
    bill = Key("A", rebill(shop, "S1").bill.bill_id)
    read_again(shop, "S1", "5000")
    assert accept(shop, "S1", bill).reason == "IMPLAUSIBLE"
    assert sorted(each.reason for each in listed(shop)) == ["CHARGE_SOURCE_IN_ERROR", "IMPLAUSIBLE"]


@pytest.mark.rule("BIL-11", "BIL-16")
def test_an_exception_is_accepted_by_its_name(shop: Office) -> None:
    """As its segment is; only one of an implausible segment, and once."""
    read_again(shop, "S1", "1200")
    rebill(shop, "S1")
    by_reason = {each.reason: ("A", each.exception_id) for each in listed(shop)}
    with pytest.raises(ExceptionNotAcceptable):
        shop.write(working_off.accept, bench_of(shop), by_reason["CHARGE_SOURCE_IN_ERROR"], note=NOTE)
    key = by_reason["IMPLAUSIBLE"]
    done = shop.write(working_off.accept, bench_of(shop), key, note=NOTE)
    assert (done.state, done.note, done.closed_by) == (ExceptionState.ACCEPTED, NOTE, "ada")
    assert listed(shop) == []
    for close in (working_off.accept, working_off.resolve):
        with pytest.raises(ExceptionTransition) as refused:
            shop.write(close, bench_of(shop), key, note=NOTE)
        assert refused.value.details["state"] == "ACCEPTED"


@pytest.mark.rule("BIL-11", "BIL-31")
def test_an_exception_is_resolved_by_making_its_segment_again(database: Database) -> None:
    """While its cause is there it is refused, and nothing changes; then what depends on it is made again, too."""
    shop = Office(open_shop(database).database)
    database.write(lambda tx: head_office(tx, "400", None, "250"))
    bill = generate(shop)
    by_reason = {each.reason: ("A", each.exception_id) for each in listed(shop)}
    key, before = by_reason["USAGE_MISSING"], stand(shop, bill)
    with pytest.raises(ExceptionNotResolved, match="in error all the same") as refused:
        shop.write(working_off.resolve, bench_of(shop), key, note=NOTE)
    assert refused.value.details["error"] == "USAGE_MISSING"
    assert stand(shop, bill) == before
    read_again(shop, "S2", "350")
    done = shop.write(working_off.resolve, bench_of(shop), key, note="read by hand")
    assert (done.state, done.note, done.closed_by) == (ExceptionState.RESOLVED, "read by hand", "ada")
    assert {each.reason for each in on_bill(shop, bill)} == {""}
    assert listed(shop) == []
    complete(shop, bill)


@pytest.mark.rule("BIL-13", "BIL-11")
def test_an_exception_of_a_correction_is_resolved_likewise(shop: Office) -> None:
    """The data came: what stands in the other's place is calculated, with what is charged on it."""
    read_again(shop, "S2", None)
    bill = Key("A", rebill(shop, "S2").bill.bill_id)
    (key,) = (("A", each.exception_id) for each in listed(shop) if each.reason == "USAGE_MISSING")
    read_again(shop, "S2", "300")
    shop.write(working_off.resolve, bench_of(shop), key, note=NOTE)
    assert [each.reason for each in on_bill(shop, bill)] == ["", ""]
    assert listed(shop) == []
    complete(shop, bill)


@pytest.mark.rule("BIL-31", "PLT-14", "PLT-11")
def test_an_exception_of_an_account_is_closed_because_a_person_says_so(shop: Office) -> None:
    """There is nothing to make again; the note says what was done; outside the scope there is none."""
    query = (
        "INSERT INTO billing_exception (account_id, exception_id, cycle_code, reason, message, state, created_us)"
        " VALUES ('A', '1', 'NORTH', 'ACCOUNT_NOT_BILLED', 'm', 'OPEN', 1)"
    )
    shop.database.write(lambda tx: tx.execute(text(query)))
    with pytest.raises(ExceptionNotAcceptable):
        shop.write(working_off.accept, bench_of(shop), ("A", "1"), note=NOTE)
    south = shop.call(Scope(None, None, frozenset({"SOUTH"})))
    for close in (working_off.accept, working_off.resolve):
        with pytest.raises(ExceptionNotFound):
            shop.database.write(lambda tx, close=close: close(tx, south, bench_of(shop), ("A", "1"), note=NOTE))  # type: ignore[misc]
    done = shop.write(working_off.resolve, bench_of(shop), ("A", "1"), note="billed with the next")
    assert (done.state, done.note) == (ExceptionState.RESOLVED, "billed with the next")
    told = shop.database.read(
        lambda tx: tx.execute(text("SELECT count(*) FROM event WHERE type = 'billing_exception.resolved'")).scalar_one()
    )
    assert told == 1


@pytest.mark.rule("BIL-10", "BIL-13")
def test_what_is_frozen_is_not_made_again_by_an_exception(shop: Office) -> None:
    """It is on the bill for good."""
    frozen = on_bill(shop, shop.billed)[0]
    with pytest.raises(SegmentNotDeletable):
        shop.write(recalculating.recalculate, bench_of(shop), ("A", frozen.segment_id))
