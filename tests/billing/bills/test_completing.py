"""Bills are frozen and completed: the ledger is told, algorithms run, and nothing is done by half."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, text

from domain.billing.accounts.store import unsettle_segments
from domain.billing.algorithms.errors import AlgorithmFailed
from domain.billing.algorithms.model import AddAdjustment, AddMessage, Algorithm, CannotDecide
from domain.billing.algorithms.running import AnswerMissing
from domain.billing.bills import completing
from domain.billing.bills.completion import Answered
from domain.billing.bills.errors import BillEmpty, BillIncomplete, BillTransition, LedgersDiffer
from domain.billing.configuration.model import AlgorithmUse, Moment
from domain.billing.configuration.registers import AGREEMENT_TYPES, SHELF
from domain.billing.segments.errors import BillNotFound, NothingToBill
from domain.billing.segments.states import BillState, SegmentState
from domain.billing.segments.store import bills
from domain.gl_extraction.details.errors import PeriodMissing
from domain.gl_extraction.distribution import service as distribution
from domain.gl_extraction.distribution.model import Distribution
from domain.gl_extraction.reference import service as reference
from domain.gl_extraction.reference.model import LEDGERS
from domain.kernel.errors import EtagStale
from domain.kernel.money import Money
from domain.kernel.registers import store as registers
from domain.kernel.scopes import Scope
from server.database.transaction import Database
from tests.billing.bills.office import (
    bench_of,
    complete,
    everything,
    generate,
    of_class,
    of_types,
    on_bill,
    plugin,
    posted,
)
from tests.billing.segments.utility import agree, head_office, open_account, use
from tests.billing.shop import Shop, open_shop

THROUGH = 20260201
PRE, AFTER, LAST = Moment.PRE_COMPLETION, Moment.COMPLETION, Moment.POST_COMPLETION
CLEARING = {"distribution_code": "REVENUE"}


@pytest.fixture
def shop(database: Database) -> Shop:
    """The utility, on either database."""
    return open_shop(database)


@pytest.mark.rule("BIL-10", "BIL-12")
def test_a_sound_bill_is_completed_and_posted_to_the_cent(shop: Shop) -> None:
    """What the segments come to is owed; due after the days of the class, on a day with work."""
    of_class(shop, due_days=4, routing="post")
    shop.database.write(lambda tx: head_office(tx, "400", "350", "250"))
    key = generate(shop, bill_day=20260203)
    bill = complete(shop, key)
    assert (bill.state, bill.amount_minor, bill.tax_minor) == (BillState.COMPLETE, 41_984, 6_384)
    assert (bill.due_day, bill.routed_by) == (20260209, "post"), "the 7th is a Saturday"
    assert shop.database.read(lambda tx: bills.find(tx, "A", key.bill_id)) == bill
    assert {each.state for each in on_bill(shop, key)} == {SegmentState.FROZEN}
    assert {each.receivable_code for each in on_bill(shop, key)} == {"RECEIVABLE"}
    assert posted(shop) == {"RECEIVABLE": 41_984, "REVENUE": -(41_984 - 6_384), "TAXES": -6_384}


@pytest.mark.rule("BIL-12", "BIL-04")
def test_a_bill_with_errors_is_refused_with_all_of_them_and_stays_as_it_was(shop: Shop) -> None:
    """The site without a read, and the head office that waits for it."""
    shop.database.write(lambda tx: head_office(tx, "400", None, "250"))
    key = generate(shop)
    before = everything(shop)
    with pytest.raises(BillIncomplete) as refused:
        complete(shop, key)
    assert [each.kind for each in refused.value.preconditions] == ["USAGE_MISSING", "CHARGE_SOURCE_IN_ERROR"]
    assert "S2 from 2026-01-01" in str(refused.value)
    assert "HO from 2026-01-01" in str(refused.value)
    assert everything(shop) == before


@pytest.mark.rule("BIL-12")
def test_what_depends_on_a_removed_segment_stays_in_error_until_it_is_made_again(shop: Shop) -> None:
    """The site comes off; the head office still waits for it, so nothing is completed, until it comes off too."""
    remove = AlgorithmUse(PRE, 10, "remove-segments-in-error")
    of_types(shop, [remove], "POWER")
    shop.database.write(lambda tx: head_office(tx, "400", None, "250"))
    key = generate(shop)
    with pytest.raises(BillIncomplete, match="HO from"):
        complete(shop, key)
    assert len(on_bill(shop, key)) == 4
    of_types(shop, [remove], "POWER", "HEAD_OFFICE")
    bill = complete(shop, key)
    assert [each.agreement_id for each in on_bill(shop, key)] == ["S1", "S3"]
    assert bill.amount_minor == 15_708 + 10_353
    query = text("SELECT DISTINCT state FROM billing_exception")
    assert shop.database.read(lambda tx: tx.execute(query).scalars().all()) == ["RESOLVED"]


@pytest.mark.rule("BIL-03", "BIL-12", "BIL-23")
def test_algorithms_run_before_and_after_freezing_and_at_the_end(shop: Shop) -> None:
    """Those of agreements in the processing order, then of the class; what they add is billed and posted."""
    seen: list[tuple[str, str, frozenset[str]]] = []

    def noted(code: str, moment: Moment, *, of_agreements: bool) -> Algorithm:
        def decide(asked: Any) -> tuple[AddMessage, ...]:
            states = frozenset(each.state.value for each in asked.bill.segments)
            seen.append((code, asked.agreement.agreement_id if asked.agreement else "", states))
            return (AddMessage(code),)

        return plugin(code, decide, moment, of_agreements=of_agreements)

    own = [noted("before", PRE, of_agreements=True), noted("after", AFTER, of_agreements=True)]
    own += [noted("class", PRE, of_agreements=False), noted("last", LAST, of_agreements=False)]
    of_types(shop, [AlgorithmUse(PRE, 1, "before"), AlgorithmUse(AFTER, 1, "after")], "POWER", "AT-2")
    minimum = {"amount": "500", "currency": "EUR", "distribution_code": "REVENUE"}
    of_class(
        shop,
        AlgorithmUse(PRE, 1, "class"),
        AlgorithmUse(PRE, 2, "minimum-bill", minimum),
        AlgorithmUse(LAST, 1, "last"),
    )
    shop.database.write(lambda tx: head_office(tx, "400"))
    shop.database.write(lambda tx: agree(tx, "LATER", "AT-2", start_day=20270101))
    key = generate(shop)
    bill = complete(shop, key, *own)
    free, frozen = frozenset({"FREEZABLE"}), frozenset({"FROZEN"})
    assert seen == [
        ("before", "S1", free),
        ("before", "LATER", free),
        ("class", "", free),
        ("after", "S1", frozen),
        ("after", "LATER", frozen),
        ("last", "", frozen),
    ], "an agreement without a segment has its turn too"
    assert bill.messages == ("before", "before", "class", "after", "after", "last")
    assert bill.amount_minor == 50_000
    assert posted(shop)["RECEIVABLE"] == 50_000
    assert sum(posted(shop).values()) == 0


@pytest.mark.rule("BIL-12")
def test_an_algorithm_that_fails_is_named_and_rolls_everything_back(shop: Shop) -> None:
    """Also one that runs after the freezing."""

    def fail(_: object) -> tuple[()]:
        raise CannotDecide("no paper left")

    of_types(shop, [AlgorithmUse(AFTER, 1, "print")], "POWER")
    shop.database.write(lambda tx: head_office(tx, "400"))
    key = generate(shop)
    before = everything(shop)
    with pytest.raises(AlgorithmFailed, match="print for S1: no paper left"):
        complete(shop, key, plugin("print", fail))
    assert everything(shop) == before


@pytest.mark.rule("BIL-23")
def test_an_answer_from_elsewhere_that_is_missing_undoes_all(shop: Shop) -> None:
    """And with it the bill is completed."""
    of_types(shop, [AlgorithmUse(AFTER, 1, "remote")], "POWER")
    shop.database.write(lambda tx: head_office(tx, "400"))
    key, remote = generate(shop), plugin("remote", None)
    before = everything(shop)
    with pytest.raises(AnswerMissing) as missing:
        complete(shop, key, remote)
    assert everything(shop) == before
    said = Answered({missing.value.key: (AddMessage("from afar"),)}, 1, "seed")
    bill = shop.write(completing.complete, bench_of(shop, remote), key, said)
    assert bill.messages == ("from afar",)


@pytest.mark.rule("BIL-10", "BIL-11")
def test_what_is_sound_can_be_frozen_before_and_stays_as_it_is(shop: Shop) -> None:
    """Once: made again is what was in error, and completing posts the rest alone."""
    shop.database.write(lambda tx: head_office(tx, "400", None, "250"))
    key = generate(shop)
    frozen = shop.write(completing.freeze, bench_of(shop), key)
    assert frozen.state is BillState.PENDING
    kept = {each.agreement_id: each for each in on_bill(shop, key) if each.state is SegmentState.FROZEN}
    assert sorted(kept) == ["S1", "S3"]
    assert posted(shop)["RECEIVABLE"] == 15_708 + 10_353
    shop.database.write(lambda tx: use(tx, "S2", "350", first=date(2026, 1, 1), last=date(2026, 2, 1)))
    assert generate(shop) == key
    assert {each.agreement_id: each for each in on_bill(shop, key) if each.agreement_id in kept} == kept
    bill = complete(shop, key)
    assert bill.amount_minor == 41_984
    assert posted(shop)["RECEIVABLE"] == 41_984


@pytest.mark.rule("BIL-13", "PLT-10")
def test_a_complete_bill_does_not_change(shop: Shop) -> None:
    """Neither frozen nor completed again, nor made again."""
    shop.database.write(lambda tx: head_office(tx, "400"))
    key = generate(shop)
    complete(shop, key)
    before = everything(shop)
    with pytest.raises(BillTransition, match="COMPLETE"):
        complete(shop, key)
    with pytest.raises(BillTransition, match="COMPLETE"):
        shop.write(completing.freeze, bench_of(shop), key)
    assert everything(shop) == before


@pytest.mark.rule("BIL-12", "PLT-14")
def test_what_is_not_there_or_was_changed_is_refused(shop: Shop) -> None:
    """By name, etag and scope."""
    shop.database.write(lambda tx: head_office(tx, "400"))
    key = generate(shop)
    for wrong, error in (
        (replace(key, bill_id="none"), BillNotFound),
        (replace(key, account_id="none"), BillNotFound),
        (replace(key, etag="9"), EtagStale),
    ):
        with pytest.raises(error):
            complete(shop, wrong)
    elsewhere = shop.call(Scope(cycles=frozenset({"SOUTH"})))
    with pytest.raises(BillNotFound):
        shop.database.write(lambda tx: completing.complete(tx, elsewhere, bench_of(shop), key))


@pytest.mark.rule("BIL-12")
def test_a_bill_without_a_segment_is_not_completed(shop: Shop) -> None:
    """An algorithm may have taken the last one off."""
    of_types(shop, [AlgorithmUse(PRE, 10, "remove-segments-in-error")], "POWER", "HEAD_OFFICE")
    shop.database.write(lambda tx: head_office(tx, None))
    key = generate(shop)
    with pytest.raises(BillEmpty):
        complete(shop, key)
    assert len(on_bill(shop, key)) == 2


@pytest.mark.rule("BIL-10")
def test_what_the_ledger_cannot_take_is_not_frozen(shop: Shop) -> None:
    """A day without a period, and codes of two ledgers."""
    shop.database.write(lambda tx: head_office(tx, "400"))
    key = generate(shop, accounting_day=20241231)
    before = everything(shop)
    with pytest.raises(PeriodMissing):
        complete(shop, key)
    assert everything(shop) == before

    def other_ledger(tx: Connection) -> None:
        reference.create(tx, shop.call(), LEDGERS, code="OTHER", description="")
        distribution.create(tx, shop.call(), "ELSEWHERE", Distribution("OTHER"))
        open_account(tx, "B")
        agree(tx, "X", "AT-2", account_id="B")
        found = registers.find(tx, AGREEMENT_TYPES, "AT-2")
        assert found is not None
        registers.change(tx, AGREEMENT_TYPES, replace(found, settings=replace(found.settings, receivable="ELSEWHERE")))
        registers.grow_version(tx, SHELF)

    shop.database.write(other_ledger)
    other = generate(shop, "B")
    before = everything(shop)
    with pytest.raises((LedgersDiffer, PeriodMissing)):
        complete(shop, other)
    assert everything(shop) == before


@pytest.mark.rule("BIL-12", "BIL-23")
def test_what_the_ledger_cannot_take_of_an_algorithm_names_it(shop: Shop) -> None:
    """A distribution code that there is not, and one of another ledger; nothing is completed."""

    def other_ledger(tx: Connection) -> None:
        reference.create(tx, shop.call(), LEDGERS, code="OTHER", description="")
        distribution.create(tx, shop.call(), "ELSEWHERE", Distribution("OTHER"))

    shop.database.write(other_ledger)
    of_types(shop, [AlgorithmUse(AFTER, 1, "gift")], "POWER")
    shop.database.write(lambda tx: head_office(tx, "400"))
    key = generate(shop)
    before = everything(shop)
    for code, why in (
        ("NONE", "there is no distribution code NONE"),
        ("ELSEWHERE", "ELSEWHERE feeds the ledger OTHER"),
    ):
        gift = AddAdjustment("S1", "a gift", code, Money(-100, "EUR"))
        with pytest.raises(AlgorithmFailed, match=f"^gift for S1: distribution_code of an adjustment: {why}"):
            complete(shop, key, plugin("gift", lambda _, gift=gift: (gift,)))
        assert everything(shop) == before


@pytest.mark.rule("BIL-10", "BIL-14")
def test_who_makes_a_bill_again_waits_for_who_completes_it(shop: Shop) -> None:
    """And finds it complete: what is frozen by then stays as it is."""
    shop.database.write(lambda tx: head_office(tx, "400"))
    key = generate(shop)
    with ThreadPoolExecutor(1) as pool:

        def complete_slowly(tx: Connection) -> Future[completing.Key]:
            completing.complete(tx, shop.call(), bench_of(shop), key)
            again = pool.submit(generate, shop)
            with pytest.raises(TimeoutError):
                again.result(0.5)
            return again

        again = shop.database.write(complete_slowly)
        with pytest.raises(NothingToBill):
            again.result(30)
    assert {each.state for each in on_bill(shop, key)} == {SegmentState.FROZEN}


@pytest.mark.rule("BIL-14")
def test_month_after_month_goes_on_where_the_last_frozen_segment_ends(shop: Shop) -> None:
    """However many were billed before: none of their days is billed again, and none is left out."""
    shop.database.write(open_account)
    shop.database.write(lambda tx: agree(tx, "FEE", "AT-NONE"))
    periods = []
    for through in (20260201, 20260301, 20260401, 20260601):
        key = generate(shop, through=through)
        complete(shop, key)
        periods += [(each.period.start, each.period.end) for each in on_bill(shop, key)]
    assert periods == [
        (20260101, 20260201),
        (20260201, 20260301),
        (20260301, 20260401),
        (20260401, 20260501),
        (20260501, 20260601),
    ]


@pytest.mark.rule("BIL-23")
def test_what_is_asked_after_an_adjustment_is_the_same_question_at_the_next_try(shop: Shop) -> None:
    """Whatever was added has the same id then, so that the answer is found."""
    minimum = {"amount": "500", "currency": "EUR", "distribution_code": "REVENUE"}
    of_class(shop, AlgorithmUse(PRE, 1, "minimum-bill", minimum))
    of_types(shop, [AlgorithmUse(AFTER, 1, "remote")], "POWER")
    shop.database.write(lambda tx: head_office(tx, "400"))
    key, remote = generate(shop), plugin("remote", None)
    said = Answered.none(shop.now_us)
    with pytest.raises(AnswerMissing) as missing:
        shop.write(completing.complete, bench_of(shop, remote), key, said)
    assert any(each.kind == "ADJUSTMENT" for each in missing.value.asked.bill.segments)
    said = replace(said, answers={missing.value.key: (AddMessage("from afar"),)})
    shop.now_us += 1_000_000
    assert shop.write(completing.complete, bench_of(shop, remote), key, said).messages == ("from afar",)


@pytest.mark.rule("BIL-12", "BIL-10")
def test_what_was_made_of_values_that_have_changed_is_neither_frozen_nor_completed(shop: Shop) -> None:
    """The refusal says what to do."""
    shop.database.write(lambda tx: head_office(tx, "400"))
    key = generate(shop)
    shop.database.write(lambda tx: unsettle_segments(tx, "A"))
    shop.write(completing.freeze, bench_of(shop), key)
    assert {each.state for each in on_bill(shop, key)} == {SegmentState.INCOMPLETE}
    with pytest.raises(BillIncomplete, match=r"S1 from 2026-01-01: .*generate the bill again"):
        complete(shop, key)
    assert generate(shop) == key
    assert complete(shop, key).amount_minor == 15_708 + 800
