"""Segments are frozen: on the bill, and in the general ledger, for good (BIL-10, BIL-13).

With them what the bill takes back is canceled, by its reversal. A set of bills is frozen at once, in one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.billing.accounts.model import Account
from domain.billing.bills import store
from domain.billing.bills.adjustments import require_postable
from domain.billing.bills.booking import Charge, Ledger
from domain.billing.bills.errors import LedgersDiffer
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.names import segment_name
from domain.billing.segments.model import Bill, Segment
from domain.billing.segments.states import UNSOUND, SegmentState
from domain.kernel.call import Call
from domain.kernel.money import Money
from domain.kernel.script import Script


@dataclass(frozen=True, slots=True)
class Freezing:
    """What is frozen on a bill, and what that bill takes back."""

    account: Account
    bill: Bill
    frozen: tuple[Segment, ...]
    canceled: tuple[Segment, ...]

    @property
    def minor(self) -> int:
        """What the ledger is told of, in minor units."""
        return sum(each.amount.minor for each in self.frozen) - sum(each.amount.minor for each in self.canceled)


def frozen(segments: Iterable[Segment], bill: Bill, snapshot: Snapshot, now_us: int) -> tuple[Segment, ...]:
    """Those of the segments that can be frozen, as they will be then; on the bill's accounting date."""
    return tuple(
        replace(
            each,
            state=SegmentState.FROZEN,
            accounting_day=bill.accounting_day,
            receivable_code=snapshot.agreement_types[each.type_code].settings.receivable,
            frozen_us=now_us,
            version=each.version + 1,
        )
        for each in segments
        if each.state is SegmentState.FREEZABLE
    )


def canceled(taken_back: Iterable[Segment], on_bill: Iterable[Segment], now_us: int) -> tuple[Segment, ...]:
    """What a bill takes back, as it will be once it is frozen; less what those are to replace that are in error."""
    waiting = {each.rebills_id for each in on_bill if each.state in UNSOUND}
    return tuple(
        replace(each, state=SegmentState.CANCELED, canceled_us=now_us, version=each.version + 1)
        for each in taken_back
        if each.state is SegmentState.PENDING_CANCEL and each.segment_id not in waiting
    )


def check(tx: Connection, ledger: Ledger, freezings: Sequence[Freezing]) -> None:
    """Refuse what the general ledger would not take. Cost: that of `Ledger.check`, a day.

    Raises: AlgorithmFailed for what one has added; LedgersDiffer; what the ledger refuses.
    """
    require_postable(tx, ledger, (segment for each in freezings for segment in each.frozen))
    charges = _charges(freezings)
    ledgers: dict[str, str] = {}
    for day in sorted({charge.day for charge in charges}):
        codes = frozenset().union(*(charge.codes for charge in charges if charge.day == day))
        ledgers |= ledger.check(tx, codes, day)
    for charge in charges:
        if len(found := sorted({ledgers[code] for code in charge.codes})) > 1:
            raise LedgersDiffer(segment_name(charge.account_id, charge.segment_id), found)


def post(tx: Connection, call: Call, ledger: Ledger, freezings: Sequence[Freezing]) -> None:
    """Tell the general ledger of all that is frozen and canceled, which was checked. Cost, Raises: as `Ledger.post`."""
    if charges := _charges(freezings):
        ledger.post(tx, call, charges)


def record(script: Script, freezings: Sequence[Freezing], written: Collection[str] = ()) -> None:
    """Put the segments in the place of what they were, but for those `written`. Cost: two statements of the script."""
    frozen = (segment for each in freezings for segment in each.frozen)
    store.freeze(script, [segment for segment in frozen if segment.segment_id not in written])
    store.cancel(script, [segment for each in freezings for segment in each.canceled])


def _charges(freezings: Sequence[Freezing]) -> list[Charge]:
    return [
        charge_of(each, of, reversal=reversal)
        for of in freezings
        for reversal, several in ((False, of.frozen), (True, of.canceled))
        for each in several
    ]


def charge_of(segment: Segment, freezing: Freezing, *, reversal: bool) -> Charge:
    """What the ledger is told of a segment."""
    amounts: dict[str, Money] = {}
    for line in segment.worked.lines:
        known = amounts.get(line.distribution_code)
        amounts[line.distribution_code] = line.amount if known is None else known + line.amount
    return Charge(
        account_id=segment.account_id,
        segment_id=segment.segment_id,
        agreement_id=segment.agreement_id,
        cycle_code=freezing.account.cycle_code,
        day=freezing.bill.accounting_day,
        transaction_day=freezing.bill.bill_day,
        receivable=segment.receivable_code,
        amount=segment.amount,
        amounts=amounts,
        reversal=reversal,
    )
