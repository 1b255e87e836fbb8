"""Algorithms: plug-ins that are asked as a bill is completed, and answer what to do (BIL-12, BIL-23).

An algorithm has no effects of its own. It is shown the bill and gives actions; the bill is changed by these, and shown
to the next one as it is then. So a built-in one, one of another package and one that is asked over the network are the
same thing, and what they do can be told before it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.billing.configuration.model import Moment
from domain.billing.segments.states import SegmentKind, SegmentState
from domain.kernel.amounts import Fault
from domain.kernel.money import Money

# What an algorithm is shown


@dataclass(frozen=True, slots=True)
class AgreementView:
    """A service agreement of the bill's account; days are yyyymmdd, `end_day` 0 for none."""

    agreement_id: str
    type_code: str
    master_id: str = ""
    start_day: int = 0
    end_day: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment of the bill. `totals` has what was used by unit of measure, in attos; `reason` is that of an error.

    One that `rebills` stands in place of another, which is taken back with it: it stays on the bill.
    """

    segment_id: str
    agreement_id: str
    kind: SegmentKind
    state: SegmentState
    start_day: int
    end_day: int
    amount: Money
    tax: Money
    reason: str = ""
    totals: Mapping[str, int] = field(default_factory=dict)
    rebills: bool = False

    @property
    def counts(self) -> bool:
        """Whether its amount is part of the bill."""
        return self.state in {SegmentState.FREEZABLE, SegmentState.FROZEN}


@dataclass(frozen=True, slots=True)
class BillView:
    """A bill as it stands: all agreements of its account in the processing order, and its segments in that order."""

    account_id: str
    bill_id: str
    customer_class: str
    currency: str
    bill_day: int
    attributes: Mapping[str, str]
    agreements: tuple[AgreementView, ...]
    segments: tuple[SegmentView, ...]
    messages: tuple[str, ...] = ()

    @property
    def amount(self) -> Money:
        """What its sound segments come to."""
        return Money(sum(each.amount.minor for each in self.segments if each.counts), self.currency)

    def of(self, agreement_id: str) -> tuple[SegmentView, ...]:
        """The segments of one agreement."""
        return tuple(each for each in self.segments if each.agreement_id == agreement_id)


# What it answers


@dataclass(frozen=True, slots=True)
class RemoveSegment:
    """Take a segment off that is not frozen."""

    segment_id: str


@dataclass(frozen=True, slots=True)
class AddMessage:
    """Print a text on the bill."""

    text: str


@dataclass(frozen=True, slots=True)
class AddAdjustment:
    """Add an amount that no usage comes to, as a segment of an agreement; below zero it is a credit."""

    agreement_id: str
    description: str
    distribution_code: str
    amount: Money


Action = RemoveSegment | AddMessage | AddAdjustment


# What it is


@dataclass(frozen=True, slots=True)
class Parameter:
    """What can be set of an algorithm's use; given as text. `is_code`: it names a distribution code."""

    name: str
    description: str
    required: bool = True
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What an algorithm is asked about: the bill and, unless it is one of the customer class, the agreement."""

    bill: BillView
    agreement: AgreementView | None
    parameters: Mapping[str, str]
    moment: Moment


Faults = Iterator[tuple[str, Fault]]
"""What is wrong with parameters, by their names."""


def no_faults(parameters: Mapping[str, str]) -> Faults:  # noqa: ARG001 - what others look at
    """Nothing beyond what is wrong with any: missing and unknown ones."""
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """A plug-in, which configuration calls by its `code`, such as `minimum-bill`; it never changes.

    `moments` are those at which it can be used: by SA types, and asked about each agreement, if it is `of_agreements`,
    else by customer classes. `decide` says what is to be done, or raises CannotDecide; None for one that is asked over
    the network, whose answers are there before (`running.Answers`). `faults` is what is wrong with given parameters
    beyond missing and unknown ones.
    """

    code: str
    description: str
    moments: frozenset[Moment]
    of_agreements: bool
    decide: Callable[[Asked], Iterable[Action]] | None
    parameters: tuple[Parameter, ...] = ()
    faults: Callable[[Mapping[str, str]], Faults] = no_faults


class CannotDecide(Exception):
    """An algorithm cannot do what it is for; its text says why, and nothing is completed."""
