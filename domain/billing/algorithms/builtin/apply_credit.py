"""A credit that the customer has is taken off the bill, as far as the bill goes."""

from __future__ import annotations

from collections.abc import Iterable

from domain.billing.algorithms.builtin.amounts import minor_above_zero
from domain.billing.algorithms.model import Action, AddAdjustment, Algorithm, Asked, CannotDecide, Parameter
from domain.billing.configuration.model import Moment
from domain.kernel.money import Money


def _decide(asked: Asked) -> Iterable[Action]:
    """The credit, or what is left of the bill. Raises: CannotDecide."""
    bill, attribute = asked.bill, asked.parameters["attribute"]
    credit = bill.attributes.get(attribute, "")
    billed = [each for each in bill.segments if each.counts]
    if not credit or not billed or bill.amount.minor <= 0:
        return ()
    minor = minor_above_zero(credit, bill.currency)
    if minor is None:
        raise CannotDecide(f"the account's {attribute} is no amount above zero of {bill.currency}, exact")
    off = Money(-min(minor, bill.amount.minor), bill.currency)
    return (AddAdjustment(billed[0].agreement_id, "Credit", asked.parameters["distribution_code"], off),)


APPLY_CREDIT = Algorithm(
    code="apply-credit",
    description="Takes a credit of the account off each of its bills, at most what they come to",
    moments=frozenset({Moment.PRE_COMPLETION}),
    of_agreements=False,
    parameters=(
        Parameter("attribute", "the attribute of accounts that holds the credit, in whole units such as 12.50"),
        Parameter("distribution_code", "what the credit is taken from", is_code=True),
    ),
    decide=_decide,
)
"""It is taken off as an adjustment of the first agreement that the bill has a sound segment of.

An account without the attribute, and a bill that comes to nothing or is a credit itself, are left as they are.
"""
