"""What is on a bill for good is taken back, rebilled, credited, and all of that undone while it can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection

from domain.billing.accounts.store import unsettle_segments
from domain.billing.bills import completing, correcting, crediting
from domain.billing.bills.completing import Key
from domain.billing.bills.correcting import Corrected, Correction
from domain.billing.bills.crediting import Credit
from domain.billing.bills.errors import (
    AnotherBillPending,
    BillIncomplete,
    BillRouted,
    BillTransition,
    NothingToCredit,
    SegmentTransition,
)
from domain.billing.configuration.model import (
    AgreementType,
    AgreementTypeSettings,
    AlgorithmUse,
    ChargedOn,
    Moment,
    UsageSource,
)
from domain.billing.configuration.registers import AGREEMENT_TYPES, SHELF
from domain.billing.segments import regenerating
from domain.billing.segments.errors import BillNotFound, SegmentNotFound
from domain.billing.segments.model import Segment
from domain.billing.segments.states import BillKind, BillState, SegmentState
from domain.kernel.errors import EtagStale
from domain.kernel.registers import store as registers
from server.database.transaction import Database
from tests.billing.bills.office import (
    Office,
    bench_of,
    complete,
    everything,
    generate,
    of_class,
    of_types,
    on_bill,
    open_office,
    posted,
    read_again,
)
from tests.billing.segments.utility import agree, head_office, use
from tests.billing.shop import Shop, open_shop

FEBRUARY = date(2026, 2, 1)


@pytest.fixture
def shop(database: Database) -> Office:
    """The utility with a head office and three sites, billed for January: 419.84 EUR."""
    return open_office(database)


def by_agreement(shop: Office, key: Key) -> dict[str, Any]:
    """The segments of a bill by agreement."""
    return {each.agreement_id: each for each in on_bill(shop, key)}


def correct(shop: Office, how: Callable[..., Corrected], segment_id: str, **more: Any) -> Corrected:
    """Cancel or rebill a segment of A."""
    return shop.write(how, bench_of(shop), Correction("A", segment_id, "meter read wrong", **more))


@pytest.mark.rule("BIL-13", "BIL-10")
def test_rebilling_a_site_rebills_what_was_charged_on_it_in_order(shop: Office) -> None:
    """Site 2 had 450 kWh, not 350: it and the head office go back and come again, the others stay."""
    key = shop.billed
    before = by_agreement(shop, key)
    read_again(shop, "S2", "450")
    done = correct(shop, correcting.rebill, before["S2"].segment_id)
    assert [(each.agreement_id, each.state, each.stale) for each in done.taken_back] == [
        ("S2", SegmentState.PENDING_CANCEL, True),
        ("HO", SegmentState.PENDING_CANCEL, True),
    ]
    assert [(each.agreement_id, each.rebills_id, str(each.amount)) for each in done.made] == [
        ("S2", before["S2"].segment_id, "174.93 EUR"),
        ("HO", before["HO"].segment_id, "22.00 EUR"),
    ]
    assert posted(shop)["RECEIVABLE"] == 41_984, "nothing has happened to the ledger yet"
    bill = complete(shop, Key("A", done.bill.bill_id))
    assert bill.amount_minor == 17_493 - 13_923 + 2_200 - 2_000
    assert bill.tax_minor == 2_793 - 2_223, "19 % of 147 and of 117"
    assert posted(shop)["RECEIVABLE"] == 41_984 + bill.amount_minor
    assert sum(posted(shop).values()) == 0
    after = by_agreement(shop, key)
    assert {name: each.state for name, each in after.items()} == {
        "S1": SegmentState.FROZEN,
        "S2": SegmentState.CANCELED,
        "S3": SegmentState.FROZEN,
        "HO": SegmentState.CANCELED,
    }
    for name in ("S2", "HO"):
        assert (after[name].amount, after[name].period, after[name].worked) == (
            before[name].amount,
            before[name].period,
            before[name].worked,
        ), "what was posted never changes"


@pytest.mark.rule("BIL-04", "BIL-13")
def test_what_was_charged_on_a_site_through_others_is_rebilled_with_it(database: Database) -> None:
    """A group that is charged on the head office: each is made of what the one before comes to now."""
    shop = open_shop(database)
    sums = (UsageSource("SITES", charged_on=ChargedOn(("HEAD_OFFICE",), "kWh")),)
    settings = AgreementTypeSettings("HEAD_OFFICE", "RECEIVABLE", sequence=20, usage=sums)

    def configure(tx: Connection) -> None:
        registers.create(tx, AGREEMENT_TYPES, AgreementType("GROUP", "", 1, 1, 1, settings))
        registers.grow_version(tx, SHELF)
        head_office(tx, "400", "350")
        agree(tx, "A-GROUP", "GROUP")

    database.write(configure)
    key = generate(shop)
    complete(shop, key)
    before = {each.agreement_id: each for each in on_bill(shop, key)}
    assert str(before["A-GROUP"].amount) == "15.00 EUR"
    read_again(shop, "S2", "450")
    wanted = Correction("A", before["S2"].segment_id, "meter read wrong")
    done = shop.write(correcting.rebill, bench_of(shop), wanted)
    assert [(each.agreement_id, str(each.amount)) for each in done.made] == [
        ("S2", "174.93 EUR"),
        ("HO", "17.00 EUR"),
        ("A-GROUP", "17.00 EUR"),
    ]
    assert [each.agreement_id for each in done.taken_back] == ["S2", "HO", "A-GROUP"]


@pytest.mark.rule("BIL-04", "BIL-13")
def test_what_is_charged_on_a_site_that_was_rebilled_on_the_same_bill_sees_what_stands_now(database: Database) -> None:
    """Site 1 is frozen before the others are read, and was read wrongly: 100 kWh, not 400. Others come as ever."""
    shop = open_shop(database)
    database.write(lambda tx: head_office(tx, "400", None))
    key = generate(shop)
    shop.write(completing.freeze, bench_of(shop), key)
    read_again(shop, "S1", "100")
    done = shop.write(correcting.rebill, bench_of(shop), Correction("A", _of(shop, key, "S1").segment_id, "wrong"))
    assert (done.bill.bill_id, [each.agreement_id for each in done.made]) == (key.bill_id, ["S1"])
    read_again(shop, "S2", "350")
    generate(shop)
    head = _of(shop, key, "HO")
    assert (head.state, str(head.amount)) == (SegmentState.FREEZABLE, "9.00 EUR"), "0.02 for each of 100 and 350 kWh"
    complete(shop, key)
    assert {each.state for each in on_bill(shop, key)} == {SegmentState.FROZEN, SegmentState.CANCELED}


@pytest.mark.rule("BIL-04", "BIL-13")
def test_what_stands_in_place_of_an_earlier_bills_site_is_charged_once(shop: Office) -> None:
    """By the head office that was rebilled with it, and not by that of the next month on the same bill."""
    read_again(shop, "S2", "450")
    correct(shop, correcting.rebill, by_agreement(shop, shop.billed)["S2"].segment_id)

    def february(tx: Connection) -> None:
        for own_id in ("S1", "S2", "S3"):
            use(tx, own_id, "10", first=FEBRUARY, last=date(2026, 3, 1))

    shop.database.write(february)
    key = generate(shop, through=20260301)
    heads = {each.period.start: str(each.amount) for each in on_bill(shop, key) if each.agreement_id == "HO"}
    assert heads == {20260101: "22.00 EUR", 20260201: "0.60 EUR"}


@pytest.mark.rule("BIL-10", "BIL-13")
def test_a_correction_whose_data_have_changed_is_rebilled_again_before_it_is_frozen(shop: Office) -> None:
    """Nothing is frozen on a value that was replaced; what is asked for is said."""
    site = by_agreement(shop, shop.billed)["S2"]
    done = correct(shop, correcting.rebill, site.segment_id)
    key = Key("A", done.bill.bill_id)
    shop.database.write(lambda tx: unsettle_segments(tx, "A"))
    generate(shop)
    shop.write(completing.freeze, bench_of(shop), key)
    assert {each.state for each in on_bill(shop, key)} == {SegmentState.INCOMPLETE}
    assert by_agreement(shop, shop.billed)["S2"].state is SegmentState.PENDING_CANCEL
    with pytest.raises(BillIncomplete, match=r"S2 from 2026-01-01: .*undo the correction, and rebill it again"):
        complete(shop, key)
    shop.write(correcting.undo, bench_of(shop), "A", site.segment_id)
    read_again(shop, "S2", "450")
    correct(shop, correcting.rebill, site.segment_id)
    shop.database.write(lambda tx: unsettle_segments(tx, "A", rebilling=False))
    assert complete(shop, key).amount_minor == 17_493 - 13_923 + 2_200 - 2_000


@pytest.mark.rule("BIL-10", "BIL-11")
def test_making_one_segment_again_makes_all_that_is_incomplete(database: Database) -> None:
    """Else the head office would be made, and could be frozen, of what its sites came to before."""
    shop = open_shop(database)
    database.write(lambda tx: head_office(tx, "400", "350"))
    key = generate(shop)
    database.write(lambda tx: unsettle_segments(tx, "A"))
    head = _of(shop, key, "HO").segment_id
    made = shop.write(regenerating.regenerate, shop.configurations, ("A", head)).made
    assert [each.agreement_id for each in made] == ["S1", "S2", "HO"]


def _of(shop: Shop, key: Key, agreement_id: str) -> Segment:
    """The segment of an agreement that stands on a bill."""
    stands = [each for each in on_bill(shop, key) if each.state is not SegmentState.PENDING_CANCEL]
    (found,) = [each for each in stands if each.agreement_id == agreement_id]
    return found


@pytest.mark.rule("BIL-13")
def test_what_was_rebilled_can_be_rebilled_again(shop: Office) -> None:
    """On what stands now, also when that is spread over bills."""
    first = by_agreement(shop, shop.billed)
    done = correct(shop, correcting.rebill, first["S2"].segment_id)
    complete(shop, Key("A", done.bill.bill_id))
    again = correct(shop, correcting.rebill, first["S3"].segment_id)
    assert [each.agreement_id for each in again.made] == ["S3", "HO"]
    assert [str(each.amount) for each in again.made] == ["103.53 EUR", "20.00 EUR"]
    assert again.made[1].rebills_id == done.made[1].segment_id
    assert complete(shop, Key("A", again.bill.bill_id)).amount_minor == 0


@pytest.mark.rule("BIL-13", "BIL-11")
def test_a_replacement_in_error_keeps_the_bill_from_being_completed_and_the_old_one_in_the_ledger(shop: Office) -> None:
    """Also when algorithms take segments in error off: not those that stand in place of others."""
    first = by_agreement(shop, shop.billed)
    read_again(shop, "S2", None)
    of_types(shop, [AlgorithmUse(Moment.PRE_COMPLETION, 1, "remove-segments-in-error")], "POWER", "HEAD_OFFICE")
    done = correct(shop, correcting.rebill, first["S2"].segment_id)
    assert [each.reason for each in done.made] == ["USAGE_MISSING", "CHARGE_SOURCE_IN_ERROR"]
    with pytest.raises(BillIncomplete):
        complete(shop, Key("A", done.bill.bill_id))
    shop.write(completing.freeze, bench_of(shop), Key("A", done.bill.bill_id))
    assert by_agreement(shop, shop.billed)["S2"].state is SegmentState.PENDING_CANCEL
    assert posted(shop)["RECEIVABLE"] == 41_984


@pytest.mark.rule("BIL-13")
def test_what_is_undone_leaves_all_as_it_was(shop: Office) -> None:
    """The segments, their replacements and the ledger, together with what was rebilled because of it."""
    first = by_agreement(shop, shop.billed)
    done = correct(shop, correcting.rebill, first["S2"].segment_id)
    back = shop.write(correcting.undo, bench_of(shop), "A", first["S2"].segment_id)
    assert sorted(each.agreement_id for each in back.taken_back) == ["HO", "S2"]
    after = by_agreement(shop, shop.billed)
    assert {name: replace(each, version=1) for name, each in after.items()} == {
        name: replace(each, version=1) for name, each in first.items()
    }
    assert on_bill(shop, Key("A", done.bill.bill_id)) == []
    with pytest.raises(SegmentTransition):
        shop.write(correcting.undo, bench_of(shop), "A", first["S2"].segment_id)


@pytest.mark.rule("BIL-13", "BIL-24")
def test_what_was_read_since_is_not_forgotten_by_an_undo(shop: Office) -> None:
    """The site whose data have changed is stale; the head office is charged on what stands again, and is not."""
    first = by_agreement(shop, shop.billed)
    read_again(shop, "S2", "450")
    correct(shop, correcting.rebill, first["S2"].segment_id)
    shop.write(correcting.undo, bench_of(shop), "A", first["S2"].segment_id)
    assert {name: each.stale for name, each in by_agreement(shop, shop.billed).items()} == {
        "S1": False,
        "S2": True,
        "S3": False,
        "HO": False,
    }
    correct(shop, correcting.cancel, first["S2"].segment_id)
    shop.write(correcting.undo, bench_of(shop), "A", first["S2"].segment_id)
    assert by_agreement(shop, shop.billed)["S2"].stale, "as it was"
    read_again(shop, "S2", "350")
    correct(shop, correcting.rebill, first["S2"].segment_id)
    shop.database.write(lambda tx: unsettle_segments(tx, "A"))
    shop.write(correcting.undo, bench_of(shop), "A", first["S2"].segment_id)
    assert by_agreement(shop, shop.billed)["S2"].stale, "something has come since"


@pytest.mark.rule("BIL-13")
def test_a_canceled_segment_is_taken_back_and_its_days_are_billed_again(shop: Office) -> None:
    """On the account's pending bill, by a reversal; only once that is frozen."""
    first = by_agreement(shop, shop.billed)
    done = correct(shop, correcting.cancel, first["HO"].segment_id)
    assert done.made == ()
    bill = complete(shop, Key("A", done.bill.bill_id))
    assert bill.amount_minor == -2_000
    assert posted(shop)["RECEIVABLE"] == 41_984 - 2_000
    again = by_agreement(shop, generate(shop))
    assert list(again) == ["HO"]
    assert again["HO"].reason == "CHARGE_SOURCE_ON_ANOTHER_BILL", "its sites were billed with another bill"


@pytest.mark.rule("BIL-13", "BIL-14")
def test_corrections_do_not_count_as_the_bill_of_a_period(shop: Office) -> None:
    """The pending bill takes February beside what was rebilled of January."""
    first = by_agreement(shop, shop.billed)
    done = correct(shop, correcting.rebill, first["S1"].segment_id)

    def february(tx: Connection) -> None:
        for site in ("S1", "S2", "S3"):
            use(tx, site, "100", first=FEBRUARY, last=date(2026, 3, 1))

    shop.database.write(february)
    key = generate(shop, through=20260301)
    assert key.bill_id == done.bill.bill_id
    found = on_bill(shop, key)
    assert sorted((each.agreement_id, each.period.start, bool(each.rebills_id)) for each in found) == [
        ("HO", 20260101, True),
        ("HO", 20260201, False),
        ("S1", 20260101, True),
        ("S1", 20260201, False),
        ("S2", 20260201, False),
        ("S3", 20260201, False),
    ]
    charged = {each.period.start: str(each.amount) for each in found if each.agreement_id == "HO"}
    assert charged == {20260101: "20.00 EUR", 20260201: "6.00 EUR"}
    complete(shop, key)


@pytest.mark.rule("BIL-13", "PLT-10")
def test_only_what_is_frozen_is_corrected(shop: Office) -> None:
    """Not what is canceled or about to be, nor what there is not."""
    first = by_agreement(shop, shop.billed)
    correct(shop, correcting.cancel, first["S1"].segment_id)
    before = everything(shop)
    for how in (correcting.cancel, correcting.rebill):
        with pytest.raises(SegmentTransition, match="PENDING_CANCEL"):
            correct(shop, how, first["S1"].segment_id)
        with pytest.raises(SegmentNotFound):
            correct(shop, how, "none")
    assert everything(shop) == before


@pytest.mark.rule("BIL-13", "BIL-12")
def test_a_credit_note_gives_a_bill_back(shop: Office) -> None:
    """All of it, or what is named; complete at once, without the algorithms of SA types."""
    of_types(shop, [AlgorithmUse(Moment.PRE_COMPLETION, 1, "unknown-here")], "POWER", "HEAD_OFFICE")
    first = by_agreement(shop, shop.billed)
    one = [first["S1"].segment_id]
    note = shop.write(crediting.credit, bench_of(shop), Credit(shop.billed, tuple(one), "goodwill"))
    assert (note.kind, note.state, note.amount_minor) == (BillKind.CREDIT_NOTE, BillState.COMPLETE, -15_708)
    rest = shop.write(crediting.credit, bench_of(shop), Credit(shop.billed, (), "goodwill"))
    assert rest.amount_minor == -(41_984 - 15_708)
    assert posted(shop) == {"RECEIVABLE": 0, "REVENUE": 0, "TAXES": 0}
    assert {each.state for each in on_bill(shop, shop.billed)} == {SegmentState.CANCELED}
    with pytest.raises(NothingToCredit):
        shop.write(crediting.credit, bench_of(shop), Credit(shop.billed, (), ""))
    with pytest.raises(SegmentTransition):
        shop.write(crediting.credit, bench_of(shop), Credit(shop.billed, tuple(one), ""))


@pytest.mark.rule("BIL-13")
def test_a_complete_bill_is_opened_again_until_it_went_out(shop: Office) -> None:
    """One that is pending meanwhile is in the way; what is frozen stays so."""
    opened = shop.write(crediting.reopen, bench_of(shop), shop.billed, "one more thing")
    assert (opened.state, opened.amount_minor, opened.due_day) == (BillState.PENDING, 0, 0)
    with pytest.raises(BillTransition):
        shop.write(crediting.reopen, bench_of(shop), shop.billed, "")
    with pytest.raises(BillTransition, match="PENDING"):
        shop.write(crediting.credit, bench_of(shop), Credit(shop.billed, (), ""))
    of_class(shop, routing="post")
    assert complete(shop, shop.billed).amount_minor == 41_984
    assert posted(shop)["RECEIVABLE"] == 41_984, "nothing is posted twice"
    with pytest.raises(BillRouted, match="post"):
        shop.write(crediting.reopen, bench_of(shop), shop.billed, "")


@pytest.mark.rule("BIL-13")
def test_a_bill_is_not_opened_beside_another_nor_when_it_was_changed(shop: Office) -> None:
    """An account has one pending bill."""
    correct(shop, correcting.cancel, by_agreement(shop, shop.billed)["S1"].segment_id)
    for wrong, error in (
        (shop.billed, AnotherBillPending),
        (replace(shop.billed, etag="0"), EtagStale),
        (replace(shop.billed, bill_id="none"), BillNotFound),
    ):
        with pytest.raises(error):
            shop.write(crediting.reopen, bench_of(shop), wrong, "")
