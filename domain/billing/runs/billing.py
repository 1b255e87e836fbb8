"""Bills accounts of a run, a chunk in one transaction: what is wrong with one account is an exception of its own.

Those that are alike are billed together (`alike`), the others side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.billing.accounts import store as accounts
from domain.billing.bills import completing
from domain.billing.bills.freezing import Freezing
from domain.billing.bills.invoicing import NotAllInvoiced
from domain.billing.runs import tallies
from domain.billing.runs.alike.deciding import decide as decide_alike
from domain.billing.runs.alike.filling import Batch
from domain.billing.runs.alike.recording import record as record_alike
from domain.billing.runs.deciding import Decided, Desk, decide, is_of_database, is_passing, unforeseen
from domain.billing.segments import recording
from domain.billing.segments.model import BillingException
from domain.billing.segments.recording import Billed
from domain.billing.segments.states import ExceptionState, SegmentState
from domain.billing.segments.store import exceptions
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.ids import new_id
from domain.kernel.script import Script


def bill(tx: Connection, call: Call, desk: Desk, account_ids: Sequence[str], *, one_by_one: bool) -> Document:
    """Bill accounts: make their bills, or make them again, freeze and complete them as the window says.

    All at once; one after another where something unforeseen turns up while it is decided, or if that is asked for as
    it turned up while it was written: then each account has a savepoint, and whoever fails is an exception. Gives what
    it came to, as `tallies.counts`.

    Cost: the statements of `alike.deciding` and `alike.recording`. Where accounts are left, those of `deciding.decide`
    and of `segments.recording`, some eight more, and those of posting; what is made again costs two more for each
    account. One by one: all of these for each account.
    """
    if not one_by_one:
        try:
            together, left = decide_alike(tx, call, desk, account_ids, lock=True)
            decided = decide(tx, call, desk, left, lock=True) if left else []
        except Exception as error:
            if is_of_database(tx, error):
                raise
        else:
            alone, done = _together(tx, call, desk, together)
            return tallies.counts([*alone, *_all_of(tx, call, desk, decided)], done)
    return tallies.counts([each for account_id in account_ids for each in _alone(tx, call, desk, account_id)])


def _together(
    tx: Connection, call: Call, desk: Desk, batches: Sequence[Batch], *, again: bool = True
) -> tuple[Sequence[Decided], Sequence[Batch]]:
    """Do what was decided of accounts together; one after another where something is refused as it is done.

    Those whose invoices refuse go alone, and the others together again.
    """
    account_ids = sorted(member.account_id for batch in batches for member in batch.members)
    rest: Sequence[Batch] = ()
    try:
        with tx.begin_nested():
            _close(tx, call, account_ids)
            record_alike(tx, call, desk, batches)
            return (), batches
    except Unavailable:
        raise
    except DomainError:
        alone = account_ids
    except NotAllInvoiced as refused:
        others = [each for each in account_ids if each not in refused.accounts] if again else []
        rest, _ = decide_alike(tx, call, desk, others, lock=True) if others else ((), [])
        kept = {member.account_id for batch in rest for member in batch.members}
        alone = [each for each in account_ids if each not in kept]
    decided = [each for account_id in alone for each in _alone(tx, call, desk, account_id)]
    left, done = _together(tx, call, desk, rest, again=False) if rest else ((), ())
    return [*decided, *left], done


def _all_of(tx: Connection, call: Call, desk: Desk, decided: Sequence[Decided]) -> Sequence[Decided]:
    """Do what was decided of accounts; one after another where something of one is refused as it is done."""
    if not decided:
        return decided
    try:
        with tx.begin_nested():
            _write(tx, call, desk, decided)
    except Unavailable:
        raise
    except DomainError:
        return [each for one in decided for each in _alone(tx, call, desk, one.account.account_id)]
    return decided


def _alone(tx: Connection, call: Call, desk: Desk, account_id: str) -> list[Decided]:
    try:
        with tx.begin_nested():
            decided = decide(tx, call, desk, [account_id], lock=True)
            _write(tx, call, desk, decided)
            return decided
    except Exception as error:
        if is_passing(tx, error):
            raise
        account = accounts.accounts(tx, [account_id])[account_id]
        failed = Decided(account, failure=unforeseen(account_id, error, desk.report))
    _write(tx, call, desk, [failed])
    return [failed]


def _write(tx: Connection, call: Call, desk: Desk, decided: Sequence[Decided]) -> None:
    """Do what was decided of accounts, which are locked."""
    script = Script(tx)
    account_ids = [each.account.account_id for each in decided]
    exceptions.close_of_accounts(script, account_ids, now_us=call.now_us, by=call.caller)
    at_once = [_at_once(each.billed, each.done) for each in decided if each.billed]
    recording.record(script, at_once, call)
    exceptions.insert(script, [_exception(call, desk, each, each.failure) for each in decided if each.failure])
    script.run()
    completions = [each.completion for each in decided if each.completion]
    frozen = [each.freezing for each in decided if each.freezing]
    completing.record(tx, call, desk.bench, completions, frozen=frozen, written=_written(at_once), checked=True)


def _close(tx: Connection, call: Call, account_ids: Sequence[str]) -> None:
    """What is an exception of accounts as a whole is done with once they are billed."""
    script = Script(tx)
    exceptions.close_of_accounts(script, account_ids, now_us=call.now_us, by=call.caller)
    script.run()


def _at_once(billed: Billed, done: Freezing | None) -> Billed:
    """What is made and frozen in one transaction is inserted as it is then, and so is a new bill."""
    if done is None:
        return billed
    frozen = {each.segment_id: each for each in done.frozen}
    made = tuple(frozen.get(each.segment_id, each) for each in billed.made)
    return replace(billed, bill=done.bill if billed.is_new else billed.bill, made=made)


def _written(found: Sequence[Billed]) -> set[str]:
    """The ids of what is inserted as it is to be."""
    made = {each.segment_id for one in found for each in one.made if each.state is SegmentState.FROZEN}
    return made | {one.bill.bill_id for one in found if one.is_new}


def _exception(call: Call, desk: Desk, decided: Decided, failure: DomainError) -> BillingException:
    account, bill = decided.account, decided.bill
    return BillingException(
        account_id=account.account_id,
        exception_id=new_id(call.now_us),
        cycle_code=account.cycle_code,
        bill_id=bill.bill_id if bill else "",
        segment_id="",
        agreement_id="",
        reason=failure.reason,
        message=failure.message,
        state=ExceptionState.OPEN,
        operation_id=call.operation_id,
        note="",
        created_us=call.now_us,
        window_code=desk.order.window,
    )
