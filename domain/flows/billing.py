"""The money path of billing: a frozen segment becomes accounting details, and a canceled one their reversal.

What the customer owes is one detail, on the account of the SA type's receivable; against it stands one for each
distribution code of the segment's lines. A negative amount stands on the other side as a positive one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.billing.bills.booking import Charge
from domain.billing.names import account_name
from domain.flows import codes
from domain.flows.post import Entry, post
from domain.gl_extraction.details.model import Maker, SubjectType
from domain.gl_extraction.distribution.model import Distribution
from domain.kernel import scopes
from domain.kernel.call import Call
from domain.kernel.money import Money
from domain.kernel.scopes import EVERYTHING, Scope

SOURCE = "billing"
"""The source of the details.

Their external ids are `{segment}/D` for what the customer owes and `{segment}/C/{distribution code}` for what stands
against it; of reversals `{segment}/RD` and `{segment}/RC/{distribution code}`.
"""


class Billed:
    """Posts what billing freezes and cancels, whatever the ledgers that its caller sees: who may bill, posts."""

    def ledgers(self, tx: Connection, names: Collection[str]) -> dict[str, str]:
        """As `codes.ledgers`."""
        return codes.ledgers(tx, names)

    def check(self, tx: Connection, names: Collection[str], day: int) -> dict[str, str]:
        """As `codes.check`."""
        return codes.check(tx, names, day)

    def post(self, tx: Connection, call: Call, charges: Sequence[Charge]) -> None:
        """Make the details of each charge, or none of any; a charge of nothing has none.

        The audit trail has one entry, for those who see the cycles and ledgers. Cost: two statements, and those of
        `post`, however many charges.

        Raises: DistributionCodeUnknown; PeriodMissing, NoOpenPeriod; AlreadyPosted.
        """
        known = codes.meanings(tx, frozenset().union(*(charge.codes for charge in charges)))
        entries = [entry for charge in charges for entry in _entries(charge, known)]
        if not entries:
            return
        ledgers = frozenset(found.ledger_code for found in known.values())
        cycles = {charge.cycle_code for charge in charges}
        concerned = Scope(ledgers, frozenset(), None if "" in cycles else frozenset(cycles))
        scope_id = scopes.intern(tx, concerned)
        post(tx, replace(call, scope=EVERYTHING), entries, Maker.BILLING, scope_id=scope_id)


def _entries(charge: Charge, known: Mapping[str, Distribution]) -> Iterator[Entry]:
    assert sum(each.minor for each in charge.amounts.values()) == charge.amount.minor, (
        "a segment's lines are its amount"
    )
    sign, back = (-1, "R") if charge.reversal else (1, "")
    for source_id, code, amount in (
        (f"{back}D", charge.receivable, charge.amount.minor),
        *((f"{back}C/{code}", code, -amount.minor) for code, amount in sorted(charge.amounts.items())),
    ):
        if amount:
            yield _entry(charge, source_id, known[code], Money(sign * amount, charge.amount.currency))


def _entry(charge: Charge, source_id: str, meaning: Distribution, amount: Money) -> Entry:
    return Entry(
        source=SOURCE,
        source_id=f"{charge.segment_id}/{source_id}",
        subject_type=SubjectType.ACCOUNT,
        subject=account_name(charge.account_id),
        ledger_code=meaning.ledger_code,
        day=charge.day,
        transaction_day=charge.transaction_day,
        amount=amount,
        description=charge.agreement_id,
        grouping=charge.segment_id,
        bulking_group=meaning.bulking_group,
        reversal=charge.reversal,
        distribution_account=meaning.distribution_account,
        category=meaning.category,
        group_account_code=meaning.group_account_code,
        gl_segments=meaning.gl_segments,
        attributes=meaning.attributes,
    )
