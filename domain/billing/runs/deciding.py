"""What a run makes of each account, decided before anything is written: what stops one account stops no other (BIL-31).

All of it is what is done online for one account (`segments.generating`, `bills.completion`), in the same statements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from domain.billing.accounts.model import Account
from domain.billing.algorithms.running import AnswerMissing
from domain.billing.bills import freezing, store
from domain.billing.bills.completing import Bench
from domain.billing.bills.completion import Around, Completion, worked_out
from domain.billing.bills.errors import BillEmpty, BillIncomplete
from domain.billing.bills.freezing import Freezing
from domain.billing.runs.asking import Asked
from domain.billing.runs.errors import AccountNotBilled
from domain.billing.runs.model import Order
from domain.billing.segments import generating
from domain.billing.segments.gathering import Known, gather
from domain.billing.segments.model import Bill, Facts, Segment
from domain.billing.segments.recording import Billed
from domain.billing.segments.states import SegmentState
from domain.kernel.call import Call
from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.ids import ids_from

_SOUND = frozenset({SegmentState.FREEZABLE, SegmentState.FROZEN})

Report = Callable[[str, Exception], None]
"""Is told what nobody foresaw of an account, for the log."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of an account: its bill, none if there is nothing to bill, and what is done to that at once.

    At most one of `completion`, `freezing` and `failure` is given; the last says why the bill stays as it is.
    """

    account: Account
    billed: Billed | None = None
    completion: Completion | None = None
    freezing: Freezing | None = None
    failure: DomainError | None = None

    @property
    def done(self) -> Freezing | None:
        """What is frozen, by completing or without it."""
        return self.completion.freezing if self.completion else self.freezing

    @property
    def bill(self) -> Bill | None:
        """The bill as it is then."""
        done = self.done
        return done.bill if done else self.billed.bill if self.billed else None

    @property
    def minor(self) -> int:
        """What the bill comes to, in minor units: its sound segments, until it is complete."""
        if self.completion:
            return self.completion.bill.amount_minor
        found = self.billed.segments if self.billed else ()
        return sum(each.amount.minor for each in found if each.state in _SOUND)


@dataclass(frozen=True, slots=True)
class Desk:
    """What accounts are billed with, and by what order; `seed` makes ids the same when it is decided once more."""

    bench: Bench
    order: Order
    seed: str
    report: Report
    asked: Asked = field(default_factory=Asked)

    def seed_of(self, account_id: str) -> str:
        """What the ids of an account's bill and segments are made from."""
        return f"{self.seed}\0{account_id}"


def decide(tx: Connection, call: Call, desk: Desk, account_ids: Sequence[str], *, lock: bool) -> list[Decided]:
    """What becomes of those of the accounts that are in the cycle, by id; `lock` holds them, for who does it.

    Those whose pending bill is of a later window have nothing to bill.

    Raises whatever nobody foresaw of one account; the caller goes on account by account. Cost: the statements of
    `gather`, of `usage.gathering`, one more, and those of the ledger's check where segments are frozen.
    """
    order = desk.order
    found = gather(tx, desk.bench.configurations, account_ids, lock=lock)
    facts = {
        each: its
        for each, its in sorted(found.facts.items())
        if its.account.cycle_code == order.cycle and not order.leaves(its.bill)
    }
    known = Known(found.snapshot, facts)
    ids: dict[str, Callable[[], str]] = {each: ids_from(call.now_us, desk.seed_of(each)) for each in facts}
    bills = generating.decide(tx, call, known, dict.fromkeys(facts, order.wanted), ids_of=ids.__getitem__)
    before = [(each.bill.account_id, each.bill.bill_id) for each in bills.values() if not each.is_new]
    taken_back = store.taken_back(tx, before)
    work = Finishing(call, desk, known, taken_back, ids)
    decided = [work.of(account_id, bills.get(account_id)) for account_id in facts]
    return _postable(tx, desk, decided)


def is_of_database(tx: Connection, error: Exception) -> bool:
    """Whether an error is the database's: then the transaction can do nothing more."""
    return isinstance(error, (Unavailable, DBAPIError, _driver(tx).Error))


def is_passing(tx: Connection, error: Exception) -> bool:
    """Whether an error is the database's and none of the rows': the chunk is tried again then, as after a crash."""
    of_rows = (IntegrityError, DataError, _driver(tx).IntegrityError, _driver(tx).DataError)
    return is_of_database(tx, error) and not isinstance(error, of_rows)


def unforeseen(account_id: str, error: Exception, report: Report) -> DomainError:
    """What is kept of an error that one account's billing has met."""
    if isinstance(error, DomainError):
        return error
    report(account_id, error)
    return AccountNotBilled()


class Finishing:
    """Decides what is done to bills at once, as the window says."""

    def __init__(
        self,
        call: Call,
        desk: Desk,
        known: Known,
        taken_back: Mapping[str, Sequence[Segment]],
        ids: Mapping[str, Callable[[], str]],
    ) -> None:
        self._call, self._desk, self._known = call, desk, known
        self._taken_back, self._ids = taken_back, ids

    def of(self, account_id: str, billed: Billed | None) -> Decided:
        """What becomes of an account whose bill is to be this one; None where there is nothing to bill."""
        facts = self._known.facts[account_id]
        if billed is None:
            return Decided(facts.account)
        after = replace(facts, bill=billed.bill, segments=billed.segments)
        decided = Decided(facts.account, billed)
        if self._desk.order.complete:
            try:
                return replace(decided, completion=self._completion(after))
            except BillEmpty:
                pass  # there is nothing to say
            except BillIncomplete as error:
                if not any(each.reason for each in billed.segments):  # else these say why
                    return replace(decided, failure=error)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is of this account alone
                return replace(decided, failure=unforeseen(account_id, error, self._desk.report))
        return replace(decided, freezing=self._freezing(after, billed.bill)) if self._desk.order.freeze else decided

    def _completion(self, facts: Facts) -> Completion:
        """What completing does. Raises: as `worked_out`, and what asking over the network came to instead."""
        account_id, asked = facts.account.account_id, self._desk.asked
        around = Around(self._known.snapshot, self._desk.bench.algorithms.by_code, asked.answers)
        try:
            return worked_out(self._call, around, facts, self._taken_back[account_id], self._ids[account_id])
        except AnswerMissing as missing:
            raise asked.why_not(missing) from None

    def _freezing(self, facts: Facts, bill: Bill) -> Freezing | None:
        """What is frozen of a bill that is not completed; None where there is nothing to freeze."""
        now_us = self._call.now_us
        frozen = freezing.frozen(facts.segments, bill, self._known.snapshot, now_us)
        canceled = freezing.canceled(self._taken_back[bill.account_id], facts.segments, now_us)
        after = replace(bill, version=bill.version + 1, updated_us=now_us)
        return Freezing(facts.account, after, frozen, canceled) if frozen or canceled else None


def _postable(tx: Connection, desk: Desk, decided: Sequence[Decided]) -> list[Decided]:
    """The same, without what the ledger would refuse: of these the bills stay as they are."""
    if _refused(tx, desk, [each.done for each in decided if each.done]) is None:
        return list(decided)
    return [_if_postable(tx, desk, each) for each in decided]


def _if_postable(tx: Connection, desk: Desk, decided: Decided) -> Decided:
    refused = _refused(tx, desk, [decided.done]) if decided.done else None
    return replace(decided, completion=None, freezing=None, failure=refused) if refused else decided


def _refused(tx: Connection, desk: Desk, freezings: Sequence[Freezing]) -> DomainError | None:
    try:
        freezing.check(tx, desk.bench.ledger, freezings)
    except Unavailable:
        raise
    except DomainError as refused:
        return refused
    return None


def _driver(tx: Connection) -> Any:  # noqa: ANN401 - a module of the driver's
    return tx.dialect.loaded_dbapi
