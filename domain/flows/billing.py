"""The money path of billing: a frozen segment becomes accounting details, and a canceled one their reversal.

What the customer owes is one detail, on the account of the SA type's receivable; against it stands one for each
distribution code of the segment's lines. A negative amount stands on the other side as a positive one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress

from sqlalchemy import Connection

from domain.billing.bills.booking import Charge, Charges
from domain.billing.names import account_name
from domain.flows import codes
from domain.flows.post import Alike, Entry, post
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

    def post(self, tx: Connection, call: Call, charges: Sequence[Charge], *, alike: Sequence[Charges] = ()) -> None:
        """Make the details of each charge, or of none of any; a charge of nothing has none.

        The audit trail has one entry, for those who see the cycles and ledgers. Cost: two statements, and those of
        `post`, however many charges.

        Raises: DistributionCodeUnknown; PeriodMissing, NoOpenPeriod; AlreadyPosted.
        """
        known = codes.meanings(
            tx, frozenset().union(*(each.codes for each in charges), *(each.codes for each in alike))
        )
        entries = [entry for charge in charges for entry in _entries(charge, known)]
        columns = [column for each in alike for column in _columns(each, known)]
        if not entries and not columns:
            return
        ledgers = frozenset(found.ledger_code for found in known.values())
        cycles = {charge.cycle_code for charge in (*charges, *(each.like for each in alike))}
        concerned = Scope(ledgers, frozenset(), None if "" in cycles else frozenset(cycles))
        scope_id = scopes.intern(tx, concerned)
        everywhere = replace(call, scope=EVERYTHING)
        post(tx, everywhere, entries, Maker.BILLING, alike=columns, scope_id=scope_id)


def _columns(charges: Charges, known: Mapping[str, Distribution]) -> Iterator[Alike]:
    """As `_entries`, of charges that are alike."""
    assert list(map(sum, zip(*charges.amounts.values(), strict=True))) == list(charges.minor), (
        "a segment's lines are its amount"
    )
    like = charges.like
    subjects = list(map(account_name, charges.account_ids))
    texts = (charges.segment_ids, subjects, charges.agreement_ids)
    for source_id, code, minor in (
        ("D", like.receivable, charges.minor),
        *((f"C/{code}", code, [-each for each in column]) for code, column in sorted(charges.amounts.items())),
    ):
        segment_ids, named, agreement_ids = texts if all(minor) else (list(compress(each, minor)) for each in texts)
        if amounts := [each for each in minor if each]:
            entry = _entry(like, source_id, known[code], Money(amounts[0], like.amount.currency))
            ids = [f"{segment_id}/{source_id}" for segment_id in segment_ids]
            yield Alike(entry, ids, named, agreement_ids, segment_ids, amounts)


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
