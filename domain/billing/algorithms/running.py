"""Algorithms run one after another, each on the bill as those before have left it (BIL-03, BIL-12, BIL-23).

Nothing is done here: what comes of it is the bill as it would be, and the effects that make it so. What is asked over
the network is asked before the transaction: `run` stops at the first answer that is missing, and is called again with
it. An answer is known by what was asked, so one to a bill that has changed since is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from domain.billing.algorithms.actions import action_fault
from domain.billing.algorithms.errors import AlgorithmFailed
from domain.billing.algorithms.model import (
    Action,
    AddAdjustment,
    AddMessage,
    AgreementView,
    Algorithm,
    Asked,
    BillView,
    CannotDecide,
    RemoveSegment,
    SegmentView,
)
from domain.billing.configuration.model import AlgorithmUse, Moment
from domain.billing.ordering.model import Item, Place
from domain.billing.ordering.sequence import turns as in_order
from domain.billing.segments.states import DELETABLE, SegmentKind, SegmentState
from domain.kernel.documents import to_text
from domain.kernel.money import Money
from domain.kernel.structures import document_of

ACTIONS_MAX = 1_000
"""How many actions one algorithm may ask for at once."""

Answers = Mapping[str, Sequence[Action]]
"""What algorithms over the network have answered, by the key of what they were asked."""


@dataclass(frozen=True, slots=True)
class Turn:
    """When an algorithm runs; `agreement` None for one of the customer class."""

    use: AlgorithmUse
    agreement: AgreementView | None


@dataclass(frozen=True, slots=True)
class Effect:
    """An action, and which turn asked for it."""

    turn: Turn
    action: Action


@dataclass(frozen=True, slots=True)
class Ran:
    """The bill as it would be, and what makes it so, in that order.

    Segments that are added have ids that begin with `+`: they get their own when they are stored.
    """

    bill: BillView
    effects: tuple[Effect, ...] = ()


class AnswerMissing(Exception):
    """An algorithm has to be asked over the network; `key` is what its answer is known by."""

    def __init__(self, algorithm: str, asked: Asked, key: str) -> None:
        super().__init__(algorithm)
        self.algorithm = algorithm
        self.asked = asked
        self.key = key


def turns_of_agreements(
    places: Sequence[Place],
    agreements: Mapping[str, AgreementView],
    uses: Mapping[str, Sequence[AlgorithmUse]],
    moment: Moment,
) -> tuple[Turn, ...]:
    """The turns of SA types' algorithms at a moment: by agreement in its order, then by sequence, then by code.

    `uses` are by SA type. Cost: O(n log n) in turns.
    """
    by_item: dict[tuple[str, str], AlgorithmUse] = {}
    items = []
    for place in places:
        agreement = agreements[place.agreement.id]
        for use in uses.get(agreement.type_code, ()):
            if use.moment is moment:
                by_item[agreement.agreement_id, use.algorithm] = use
                items.append(Item(agreement.agreement_id, use.sequence, use.algorithm))
    return tuple(
        Turn(by_item[turn.item.agreement_id, turn.item.id], agreements[turn.item.agreement_id])
        for turn in in_order(places, items)
    )


def turns_of_class(uses: Sequence[AlgorithmUse], moment: Moment) -> tuple[Turn, ...]:
    """The turns of a customer class's algorithms at a moment: by sequence, then by code."""
    chosen = sorted((use for use in uses if use.moment is moment), key=lambda use: (use.sequence, use.algorithm))
    return tuple(Turn(use, None) for use in chosen)


def run(bill: BillView, turns: Sequence[Turn], algorithms: Mapping[str, Algorithm], answers: Answers) -> Ran:
    """Run the algorithms of these turns on a bill.

    Raises: AlgorithmFailed, which names the one that cannot go on; AnswerMissing.
    """
    effects: list[Effect] = []
    for turn in turns:
        for action in _actions(turn, bill, algorithms, answers):
            bill = _applied(bill, turn, action, number=len(effects))
            effects.append(Effect(turn, action))
    return Ran(bill, tuple(effects))


def key_of(algorithm: str, asked: Asked) -> str:
    """What an answer is known by: all that was asked, so that another bill is another question."""
    return sha256(f"{algorithm}\0{to_text(document_of(asked))}".encode()).hexdigest()


def _actions(turn: Turn, bill: BillView, algorithms: Mapping[str, Algorithm], answers: Answers) -> Sequence[Action]:
    code = turn.use.algorithm
    algorithm = algorithms.get(code)
    if algorithm is None:
        raise _failed(turn, "this server does not have it")
    asked = Asked(bill, turn.agreement, turn.use.parameters, turn.use.moment)
    if algorithm.decide is not None:
        try:
            actions = tuple(algorithm.decide(asked))
        except CannotDecide as error:
            raise _failed(turn, str(error)) from error
    else:
        key = key_of(code, asked)
        if key not in answers:
            raise AnswerMissing(code, asked, key)
        actions = tuple(answers[key])
    if len(actions) > ACTIONS_MAX:
        raise _failed(turn, f"it asks for {len(actions):,} actions, at most {ACTIONS_MAX:,} are possible")
    if fault := next(filter(None, map(action_fault, actions)), ""):
        raise _failed(turn, fault)
    return actions


def _applied(bill: BillView, turn: Turn, action: Action, *, number: int) -> BillView:
    match action:
        case RemoveSegment(segment_id):
            found = next((each for each in bill.segments if each.segment_id == segment_id), None)
            if found is None:
                raise _failed(turn, f"the bill has no segment {segment_id}")
            if found.state not in DELETABLE:
                raise _failed(turn, f"segment {segment_id} is {found.state}: it stays on the bill")
            if found.rebills:
                raise _failed(turn, f"segment {segment_id} is in place of one that is taken back: it stays on the bill")
            return replace(bill, segments=tuple(each for each in bill.segments if each is not found))
        case AddMessage(text):
            return replace(bill, messages=(*bill.messages, text))
        case AddAdjustment():
            return replace(bill, segments=(*bill.segments, _adjustment(bill, turn, action, number)))


def _adjustment(bill: BillView, turn: Turn, action: AddAdjustment, number: int) -> SegmentView:
    if action.amount.currency != bill.currency:
        raise _failed(turn, f"an adjustment is in {action.amount.currency}, the bill in {bill.currency}")
    if not action.amount.minor:
        raise _failed(turn, "an adjustment comes to nothing")
    if all(each.agreement_id != action.agreement_id for each in bill.agreements):
        raise _failed(turn, f"the account has no agreement {action.agreement_id}")
    return SegmentView(
        f"+{number}",
        action.agreement_id,
        SegmentKind.ADJUSTMENT,
        SegmentState.FREEZABLE,
        bill.bill_day,
        bill.bill_day,
        action.amount,
        Money(0, bill.currency),
    )


def _failed(turn: Turn, why: str) -> AlgorithmFailed:
    return AlgorithmFailed(turn.use.algorithm, turn.agreement.agreement_id if turn.agreement else "", why)
