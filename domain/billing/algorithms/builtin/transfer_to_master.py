"""What a sub owes becomes a debt of its master."""

from __future__ import annotations

from collections.abc import Iterable

from domain.billing.algorithms.model import Action, AddAdjustment, Algorithm, Asked, Parameter
from domain.billing.configuration.model import Moment
from domain.kernel.money import Money


def _decide(asked: Asked) -> Iterable[Action]:
    """Off the one and onto the other, or nothing."""
    assert asked.agreement is not None
    sub, master = asked.agreement.agreement_id, asked.agreement.master_id
    minor = sum(each.amount.minor for each in asked.bill.of(sub) if each.counts)
    if not master or not minor:
        return ()
    code, amount = asked.parameters["distribution_code"], Money(minor, asked.bill.currency)
    return (
        AddAdjustment(sub, f"Transferred to {master}", code, -amount),
        AddAdjustment(master, f"Transferred from {sub}", code, amount),
    )


TRANSFER_TO_MASTER = Algorithm(
    code="transfer-to-master",
    description="Transfers what a sub owes to its master",
    moments=frozenset({Moment.PRE_COMPLETION}),
    of_agreements=True,
    parameters=(Parameter("distribution_code", "the clearing account through which the amount goes", is_code=True),),
    decide=_decide,
)
"""Two adjustments that come to nothing together: the sub's sound segments off, and the same onto its master.

An agreement without a master, or one that comes to nothing, is left as it is.
"""
