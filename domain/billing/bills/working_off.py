"""What is wrong with bills is worked off by people, exception by exception (BIL-11, BIL-16, BIL-31)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.billing.accounts.store import lock_accounts
from domain.billing.bills import recalculating
from domain.billing.bills.completing import Bench
from domain.billing.bills.errors import ExceptionNotAcceptable, ExceptionNotResolved, ExceptionTransition
from domain.billing.bills.telling import tell
from domain.billing.names import exception_name
from domain.billing.segments import reading
from domain.billing.segments.errors import ImplausibleAmount
from domain.billing.segments.model import BillingException
from domain.billing.segments.states import ExceptionState
from domain.billing.segments.store import exceptions
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.script import Script

Key = tuple[str, str]
"""Account and exception."""


def accept(tx: Connection, call: Call, bench: Bench, key: Key, *, note: str) -> BillingException:
    """Let the implausible segment of an exception pass as it is, and make again what waits for it.

    Cost: as `recalculating.accept`. Raises: ExceptionNotFound, also outside the scope; ExceptionTransition;
    ExceptionNotAcceptable.
    """
    found = _open(tx, call, key, ExceptionState.ACCEPTED)
    if not found.segment_id or found.reason != ImplausibleAmount.reason:
        raise ExceptionNotAcceptable(error=found.reason)
    recalculating.accept(tx, call, bench, (found.account_id, found.segment_id), note=note)
    return reading.get_exception(tx, *key, call.scope)


def resolve(tx: Connection, call: Call, bench: Bench, key: Key, *, note: str) -> BillingException:
    """Close an exception whose cause is mended: what it is about is made again, if that is a segment.

    One of an account as a whole, or of interval data, is closed because a person says so. Cost: of a segment as
    `recalculating.recalculate`. Raises: ExceptionNotFound, also outside the scope; ExceptionTransition;
    ExceptionNotResolved.
    """
    require_storable(note=note)
    found = _open(tx, call, key, ExceptionState.RESOLVED)
    closed = _closed(tx, call, found, note)
    if found.segment_id:
        again = recalculating.recalculate(tx, call, bench, (found.account_id, found.segment_id))
        if again is not None and again.reason:
            raise ExceptionNotResolved(again.reason, again.worked.message)
    return closed


def _open(tx: Connection, call: Call, key: Key, wanted: ExceptionState) -> BillingException:
    """The exception, open; its account is locked."""
    reading.get_exception(tx, *key, call.scope)  # what lies outside is not waited for
    lock_accounts(tx, [key[0]])
    found = reading.get_exception(tx, *key, call.scope)
    if found.state is not ExceptionState.OPEN:
        raise ExceptionTransition(exception_name(*key), state=found.state, wanted=wanted)
    return found


def _closed(tx: Connection, call: Call, found: BillingException, note: str) -> BillingException:
    state = ExceptionState.RESOLVED
    closed = replace(found, state=state, note=note, closed_us=call.now_us, closed_by=call.caller)
    account = lock_accounts(tx, [found.account_id])[found.account_id]
    script = Script(tx)
    exceptions.close_one(script, closed)
    name = exception_name(found.account_id, found.exception_id)
    payload = {"from": found.state, "to": state, "reason": found.reason}
    tell(script, call, account, (name, "billing_exception.resolved", payload))
    script.run()
    return closed
