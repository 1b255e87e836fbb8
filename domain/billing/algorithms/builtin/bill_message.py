"""A text is printed on bills, if a condition on them holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from domain.billing.algorithms.actions import TEXT_MAX
from domain.billing.algorithms.model import Action, AddMessage, Algorithm, Asked, CannotDecide, Faults, Parameter
from domain.billing.configuration.model import Moment
from domain.kernel.characters import REASON, character_fault
from domain.kernel.conditions.errors import ConditionFailed
from domain.kernel.conditions.expressions import Expression, compile_condition
from domain.kernel.conditions.shapes import Kind, Shape, Values
from domain.kernel.errors import Invalid

SHAPE = Shape(
    {
        "bill": {
            "amount_minor": Kind.INTEGER,
            "currency": Kind.TEXT,
            "day": Kind.INTEGER,
            "customer_class": Kind.TEXT,
            "segments": Kind.INTEGER,
        }
    }
)
"""What a condition reads; `bill.day` is yyyymmdd, `bill.segments` how many there are."""


def _faults(parameters: Mapping[str, str]) -> Faults:
    """What is wrong with the text and the condition."""
    text = parameters.get("text", "")
    if len(text) > TEXT_MAX:
        yield "text", ("ALGORITHM_PARAMETER_INVALID", f"must not have more than {TEXT_MAX:,} characters")
    if fault := character_fault(text):
        yield "text", (REASON, fault)
    if condition := parameters.get("condition", ""):
        try:
            _compiled(condition)
        except Invalid as error:
            yield from (("condition", (each.reason, each.description)) for each in error.violations)


def _decide(asked: Asked) -> Iterable[Action]:
    """The message, or none. Raises: CannotDecide where the condition cannot be evaluated."""
    condition = asked.parameters.get("condition", "")
    if condition:
        try:
            if not _compiled(condition).evaluate(_values(asked)):
                return ()
        except ConditionFailed as error:
            raise CannotDecide(str(error)) from error
    return (AddMessage(asked.parameters["text"]),)


def _values(asked: Asked) -> Values:
    bill = asked.bill
    return {
        "bill": {
            "amount_minor": bill.amount.minor,
            "currency": bill.currency,
            "day": bill.bill_day,
            "customer_class": bill.customer_class,
            "segments": len(bill.segments),
        }
    }


@lru_cache(maxsize=1_000)
def _compiled(text: str) -> Expression[bool]:
    return compile_condition(text, SHAPE, path="condition")


BILL_MESSAGE = Algorithm(
    code="bill-message",
    description="Prints a text on the bill",
    moments=frozenset({Moment.PRE_COMPLETION}),
    of_agreements=False,
    parameters=(
        Parameter("text", f"the text, of at most {TEXT_MAX:,} characters"),
        Parameter("condition", "a condition in CEL on bill.amount_minor, .currency, .day, …", required=False),
    ),
    decide=_decide,
    faults=_faults,
)
"""One text for each bill of the customer class of which the condition holds."""
