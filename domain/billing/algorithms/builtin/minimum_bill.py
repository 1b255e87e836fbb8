"""A bill that comes to less than a minimum is lifted to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.billing.algorithms.builtin.amounts import minor_above_zero
from domain.billing.algorithms.model import Action, AddAdjustment, Algorithm, Asked, CannotDecide, Faults, Parameter
from domain.billing.configuration.model import Moment
from domain.kernel.money import Money, digits_of


def _faults(parameters: Mapping[str, str]) -> Faults:
    """What is wrong with the amount and its currency."""
    currency, amount = parameters.get("currency", ""), parameters.get("amount", "")
    if currency and digits_of(currency) is None:
        yield "currency", ("CURRENCY_UNKNOWN", f"{currency[:8]!r} is not a currency that amounts can be in")
    elif currency and amount and minor_above_zero(amount, currency) is None:
        yield "amount", ("ALGORITHM_PARAMETER_INVALID", f"must be an amount above zero of {currency}, exact")


def _decide(asked: Asked) -> Iterable[Action]:
    """The rest, if there is one. Raises: CannotDecide."""
    bill, parameters = asked.bill, asked.parameters
    billed = [each for each in bill.segments if each.counts]
    if not billed or bill.currency != parameters["currency"]:
        return ()
    minimum = minor_above_zero(parameters["amount"], bill.currency)
    if minimum is None:
        raise CannotDecide(f"{parameters['amount']} is no amount of {bill.currency}")
    if bill.amount.minor >= minimum:
        return ()
    rest = Money(minimum - bill.amount.minor, bill.currency)
    return (AddAdjustment(billed[0].agreement_id, "Rest to the minimum", parameters["distribution_code"], rest),)


MINIMUM_BILL = Algorithm(
    code="minimum-bill",
    description="Lifts a bill to a minimum amount",
    moments=frozenset({Moment.PRE_COMPLETION}),
    of_agreements=False,
    parameters=(
        Parameter("amount", "the minimum in whole units of currency, such as 12.50"),
        Parameter("currency", "the currency of the minimum"),
        Parameter("distribution_code", "what the rest is earned as", is_code=True),
    ),
    decide=_decide,
    faults=_faults,
)
"""The rest is added as an adjustment of the first agreement that the bill has a sound segment of.

A bill without a sound segment, or one in another currency, is left as it is.
"""
