"""Algorithms run in order, each on the bill as those before have left it, and change nothing themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from domain.billing.algorithms.errors import AlgorithmFailed
from domain.billing.algorithms.model import (
    Action,
    AddAdjustment,
    AddMessage,
    AgreementView,
    Algorithm,
    Asked,
    BillView,
    RemoveSegment,
    SegmentView,
)
from domain.billing.algorithms.registry import Algorithms
from domain.billing.algorithms.running import (
    ACTIONS_MAX,
    AnswerMissing,
    Turn,
    run,
    turns_of_agreements,
    turns_of_class,
)
from domain.billing.configuration.model import AlgorithmUse, Moment
from domain.billing.ordering.model import Agreement
from domain.billing.ordering.sequence import processing_order
from domain.billing.segments.states import SegmentKind, SegmentState
from domain.kernel.money import Money

PRE = Moment.PRE_COMPLETION


def eur(minor: int) -> Money:
    """An amount of euros."""
    return Money(minor, "EUR")


def segment(number: int, agreement: str, state: SegmentState = SegmentState.FREEZABLE, minor: int = 0) -> SegmentView:
    """A segment of March."""
    return SegmentView(f"s{number}", agreement, SegmentKind.USAGE, state, 20260301, 20260401, eur(minor), eur(0))


MASTER = AgreementView("M", "HEAD")
SUB = AgreementView("S", "SITE", master_id="M")
BILL = BillView(
    account_id="A",
    bill_id="b",
    customer_class="HOME",
    currency="EUR",
    bill_day=20260402,
    attributes={},
    agreements=(MASTER, SUB),
    segments=(segment(1, "M", minor=1_000), segment(2, "S", minor=500), segment(3, "S", SegmentState.ERROR)),
)
ALGORITHMS = Algorithms().by_code


def use(algorithm: str, sequence: int = 10, moment: Moment = PRE, **parameters: str) -> AlgorithmUse:
    """A use before completion."""
    return AlgorithmUse(moment, sequence, algorithm, parameters)


def plugin(decide: object, code: str = "ours") -> Algorithm:
    """An algorithm of SA types that decides so; None: it is asked over the network."""
    return Algorithm(
        code=code,
        description="",
        moments=frozenset({PRE}),
        of_agreements=True,
        decide=decide,  # type: ignore[arg-type]
    )


@pytest.mark.rule("BIL-12")
def test_segments_in_error_come_off_and_those_of_others_stay() -> None:
    """Of the agreement that is asked about alone."""
    remove = use("remove-segments-in-error")
    assert run(BILL, [Turn(remove, MASTER)], ALGORITHMS, {}).effects == ()
    ran = run(BILL, [Turn(remove, SUB)], ALGORITHMS, {})
    assert [each.segment_id for each in ran.bill.segments] == ["s1", "s2"]
    assert [each.action for each in ran.effects] == [RemoveSegment("s3")]


@pytest.mark.rule("BIL-12", "BIL-23")
def test_a_sub_owes_nothing_once_its_master_owes_it() -> None:
    """Two adjustments that come to nothing together; the bill stays what it was."""
    transfer = use("transfer-to-master", distribution_code="CLEARING")
    ran = run(BILL, [Turn(transfer, SUB)], ALGORITHMS, {})
    assert sum(each.amount.minor for each in ran.bill.of("S") if each.counts) == 0
    assert sum(each.amount.minor for each in ran.bill.of("M")) == 1_500
    assert ran.bill.amount == BILL.amount
    assert run(ran.bill, [Turn(transfer, SUB), Turn(transfer, MASTER)], ALGORITHMS, {}).effects == ()


@pytest.mark.rule("BIL-12", "BIL-23")
@pytest.mark.parametrize(("minimum", "rest"), [("15.01", 1), ("20", 500), ("15", None), ("14.99", None)])
def test_a_bill_is_lifted_to_its_minimum(minimum: str, rest: int | None) -> None:
    """By what is missing to the cent, once."""
    lift = Turn(use("minimum-bill", amount=minimum, currency="EUR", distribution_code="FEES"), None)
    ran = run(BILL, [lift, lift], ALGORITHMS, {})
    assert [each.action for each in ran.effects] == (
        [] if rest is None else [AddAdjustment("M", "Rest to the minimum", "FEES", eur(rest))]
    )
    assert run(replace(BILL, segments=()), [lift], ALGORITHMS, {}).effects == ()


@pytest.mark.rule("BIL-12", "BIL-23")
@pytest.mark.parametrize(("credit", "off"), [("5", 500), ("15.00", 1_500), ("99.99", 1_500), ("", None)])
def test_a_credit_comes_off_as_far_as_the_bill_goes(credit: str, off: int | None) -> None:
    """Never below nothing, so that a second one finds nothing left; without a credit there is none."""
    apply = Turn(use("apply-credit", attribute="credit", distribution_code="CREDITS"), None)
    ran = run(replace(BILL, attributes={"credit": credit}), [apply], ALGORITHMS, {})
    assert [each.action for each in ran.effects] == (
        [] if off is None else [AddAdjustment("M", "Credit", "CREDITS", eur(-off))]
    )
    assert ran.bill.amount.minor == 1_500 - (off or 0) >= 0
    given_back = replace(BILL, attributes={"credit": "5"}, segments=(segment(1, "M", minor=-1),))
    assert run(given_back, [apply], ALGORITHMS, {}).effects == ()


@pytest.mark.rule("BIL-12", "BIL-23")
@pytest.mark.parametrize("credit", ["much", "-5", "0", "0.001", "NaN"])
def test_a_credit_that_is_no_amount_is_never_passed_over(credit: str) -> None:
    """The bill is not completed, and the algorithm named."""
    apply = Turn(use("apply-credit", attribute="credit", distribution_code="CREDITS"), None)
    with pytest.raises(AlgorithmFailed, match=r"^apply-credit: the account's credit is no amount above zero of EUR"):
        run(replace(BILL, attributes={"credit": credit}), [apply], ALGORITHMS, {})


@pytest.mark.rule("BIL-23")
@pytest.mark.parametrize(
    ("condition", "printed"), [("", True), ("bill.amount_minor > 1499", True), ("bill.segments > 3", False)]
)
def test_a_message_is_printed_where_its_condition_holds(condition: str, *, printed: bool) -> None:
    """Without one on all bills."""
    turn = Turn(use("bill-message", text="Thank you", condition=condition), None)
    assert run(BILL, [turn], ALGORITHMS, {}).bill.messages == (("Thank you",) if printed else ())


@pytest.mark.rule("BIL-03", "BIL-12")
def test_algorithms_run_by_agreement_and_within_it_by_sequence() -> None:
    """In the processing order of the account; those of a class by sequence, then by code."""
    agreements = [Agreement("X", "A", 5), Agreement("M", "A", 20), Agreement("S", "A", 1, master_id="M")]
    views = {each.id: AgreementView(each.id, "T", each.master_id or "") for each in agreements}
    uses = {"T": [use("b", 2), use("a", 10), use("c", 2), use("late", 1, Moment.COMPLETION)]}
    found = turns_of_agreements(processing_order(agreements), views, uses, PRE)
    assert [(turn.agreement.agreement_id, turn.use.algorithm) for turn in found if turn.agreement] == [
        (agreement, code) for agreement in ("X", "M", "S") for code in ("b", "c", "a")
    ]
    assert [turn.use.algorithm for turn in turns_of_class(uses["T"], PRE)] == ["b", "c", "a"]
    assert [turn.use.algorithm for turn in turns_of_class(uses["T"], Moment.COMPLETION)] == ["late"]


@pytest.mark.rule("BIL-12")
@pytest.mark.parametrize(
    ("action", "why"),
    [
        (RemoveSegment("s9"), "no segment s9"),
        (RemoveSegment("frozen"), "stays on the bill"),
        (AddAdjustment("S", "x", "C", Money(1, "USD")), "in USD"),
        (AddAdjustment("S", "x", "C", eur(0)), "comes to nothing"),
        (AddAdjustment("Z", "x", "C", eur(1)), "no agreement Z"),
        (AddAdjustment("S", "", "C", eur(1)), "the description of an adjustment has from 1 to 512 characters"),
        (AddAdjustment("S", "x", "a b", eur(1)), "the distribution code of an adjustment is letters"),
        (AddAdjustment("S", "x", "C", eur(10**16)), "the amount of an adjustment is too large"),
        (AddMessage("a\x01"), r"a message must not hold the character U\+0001"),
        (AddMessage("x" * 1_001), "a message has from 1 to 1,000 characters"),
        ("remove all", "it asks for str, which is no action"),
    ],
)
def test_what_cannot_be_done_fails_and_names_the_algorithm(action: Action, why: str) -> None:
    """And the agreement that it was asked about; whatever a plug-in of others gives."""
    frozen = replace(segment(4, "M", SegmentState.FROZEN), segment_id="frozen")
    bill = replace(BILL, segments=(*BILL.segments, frozen))
    with pytest.raises(AlgorithmFailed, match=f"ours for S: .*{why}"):
        run(bill, [Turn(use("ours"), SUB)], {"ours": plugin(lambda _: (action,))}, {})


@pytest.mark.rule("BIL-12", "BIL-23")
def test_an_algorithm_that_is_not_there_or_asks_for_too_much_fails() -> None:
    """It is never passed over."""
    with pytest.raises(AlgorithmFailed, match="does not have it"):
        run(BILL, [Turn(use("ours"), SUB)], {}, {})
    many = plugin(lambda _: [AddMessage("x")] * (ACTIONS_MAX + 1))
    with pytest.raises(AlgorithmFailed, match="at most"):
        run(BILL, [Turn(use("ours"), SUB)], {"ours": many}, {})


@pytest.mark.rule("BIL-23")
def test_what_is_asked_over_the_network_is_asked_before_and_again_when_the_bill_has_changed() -> None:
    """An answer to another bill is none."""
    asked: list[Asked] = []

    def answer(missing: AnswerMissing) -> Iterable[Action]:
        asked.append(missing.asked)
        return (AddMessage(f"for {missing.asked.bill.amount.minor}"),)

    turns = [Turn(use("remove-segments-in-error"), SUB), Turn(use("ours"), SUB), Turn(use("theirs"), SUB)]
    algorithms = ALGORITHMS | {"ours": plugin(None), "theirs": plugin(None, "theirs")}
    answers: dict[str, tuple[Action, ...]] = {}
    for _ in range(2):
        with pytest.raises(AnswerMissing) as missing:
            run(BILL, turns, algorithms, answers)
        answers[missing.value.key] = tuple(answer(missing.value))
    ran = run(BILL, turns, algorithms, answers)
    assert [len(each.bill.segments) for each in asked] == [2, 2]
    assert asked[1].bill.messages == ("for 1500",)
    assert ran.bill.messages == ("for 1500", "for 1500")
    changed = replace(BILL, segments=BILL.segments[1:])
    with pytest.raises(AnswerMissing) as again:
        run(changed, turns, algorithms, answers)
    assert again.value.algorithm == "ours"


@pytest.mark.rule("BIL-23")
def test_the_same_algorithm_is_asked_anew_at_another_moment() -> None:
    """What it answers may depend on it."""
    keys = set()
    for moment in (PRE, Moment.COMPLETION):
        with pytest.raises(AnswerMissing) as missing:
            run(BILL, [Turn(use("ours", moment=moment), SUB)], {"ours": plugin(None)}, {})
        assert missing.value.asked.moment is moment
        keys.add(missing.value.key)
    assert len(keys) == 2
