"""Use cases of accounting periods: create, get, list, close, reopen (GLX-04)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.gl_extraction.names import LEDGER_TYPE, PERIOD_TYPE, ledger_name, period_name
from domain.gl_extraction.periods import store
from domain.gl_extraction.periods.errors import (
    ForceNeedsReason,
    PeriodCodeTaken,
    PeriodEtagStale,
    PeriodNotExtracted,
    PeriodTransition,
)
from domain.gl_extraction.periods.model import NewPeriod, Period
from domain.gl_extraction.periods.rules import refuse_untiled
from domain.gl_extraction.periods.states import PeriodState, may_become
from domain.gl_extraction.reference import store as registers
from domain.gl_extraction.reference.model import LEDGERS
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.documents import Document
from domain.kernel.errors import NotFound
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope
from domain.kernel.time import iso_day


@dataclass(frozen=True, slots=True)
class Change:
    """Which period is closed or reopened; `etag` empty: whatever changed. `force` is for closing alone."""

    ledger_code: str
    code: str
    etag: str
    reason: str
    force: bool = False


def create(tx: Connection, call: Call, new: NewPeriod) -> Period:
    """Add an open period to a ledger; one caller at a time for each ledger.

    Raises: NotFound for the ledger; PeriodCodeTaken; PeriodEndsBeforeItStarts; PeriodOverlaps; PeriodLeavesGap.
    """
    if not (call.scope.has_ledger(new.ledger_code) and registers.lock(tx, LEDGERS, new.ledger_code)):
        raise NotFound(LEDGER_TYPE, ledger_name(new.ledger_code))
    if store.find(tx, new.ledger_code, new.code) is not None:
        raise PeriodCodeTaken(period_name(new.ledger_code, new.code))
    refuse_untiled(new, store.tiled(tx, new.ledger_code))
    period = Period(
        new.ledger_code,
        new.code,
        new.start_day,
        new.end_day,
        PeriodState.OPEN,
        version=1,
        created_us=call.now_us,
        updated_us=call.now_us,
    )
    store.create(tx, period)
    days = {"start_date": iso_day(period.start_day), "end_date": iso_day(period.end_day)}
    payload = {"from": None, "to": {"state": period.state.value, **days}}
    events.append(tx, call, period.name, "accounting_period.created", payload, scope_id=_scope_id(tx, period))
    return period


def get(tx: Connection, ledger_code: str, code: str, scope: Scope = EVERYTHING) -> Period:
    """The period. Raises: NotFound, also for what lies outside the scope."""
    found = store.find(tx, ledger_code, code) if scope.has_ledger(ledger_code) else None
    return _existing(found, ledger_code, code)


def list_page(tx: Connection, ledger_code: str, page: Page, scope: Scope = EVERYTHING) -> list[Period]:
    """One period more than the page holds, if there is one, by date; the key is the start day.

    Raises: NotFound for the ledger, also for one outside the scope.
    """
    if not (scope.has_ledger(ledger_code) and registers.known(tx, LEDGERS, (ledger_code,))):
        raise NotFound(LEDGER_TYPE, ledger_name(ledger_code))
    after_day = int(page.after[0]) if page.after else 0
    return store.page(tx, ledger_code, after_day=after_day, limit=page.size + 1)


def close(tx: Connection, call: Call, change: Change) -> Period:
    """Close an open period: nothing more is taken into it.

    Whoever takes details into it at this moment is waited for, and counts.

    Raises: ForceNeedsReason; NotFound; PeriodEtagStale; PeriodTransition when it is closed; PeriodNotExtracted, with
    the count, unless forced.
    """
    if change.force and not change.reason.strip():
        raise ForceNeedsReason
    period = _locked(tx, change, PeriodState.CLOSED, call.scope)
    unextracted = store.count_unextracted(tx, period.ledger_code, period.code)
    if unextracted and not change.force:
        raise PeriodNotExtracted(period.name, unextracted=unextracted)
    said = {"reason": change.reason, "forced": change.force, "unextracted_count": unextracted}
    return _moved(tx, call, period, PeriodState.CLOSED, kind="accounting_period.closed", said=said)


def reopen(tx: Connection, call: Call, change: Change) -> Period:
    """Open a closed period again. Raises: NotFound; PeriodEtagStale; PeriodTransition when it is open."""
    period = _locked(tx, change, PeriodState.OPEN, call.scope)
    said = {"reason": change.reason}
    return _moved(tx, call, period, PeriodState.OPEN, kind="accounting_period.reopened", said=said)


def _locked(tx: Connection, change: Change, wanted: PeriodState, scope: Scope) -> Period:
    """The period, locked, once it may become what is wanted; what lies outside the scope is not waited for."""
    require_storable(reason=change.reason)
    inside = scope.has_ledger(change.ledger_code)
    found = store.find(tx, change.ledger_code, change.code, lock=True) if inside else None
    period = _existing(found, change.ledger_code, change.code)
    if change.etag and change.etag != period.etag:
        raise PeriodEtagStale(period.name)
    if not may_become(period.state, wanted):
        raise PeriodTransition(period.name, state=period.state.value, wanted=wanted.value)
    return period


def _moved(tx: Connection, call: Call, period: Period, state: PeriodState, *, kind: str, said: Document) -> Period:
    moved = replace(period, state=state, version=period.version + 1, updated_us=call.now_us)
    store.change(tx, moved, from_version=period.version)
    changes = {"from": {"state": period.state.value}, "to": {"state": state.value}, **said}
    events.append(tx, call, period.name, kind, changes, scope_id=_scope_id(tx, period))
    return moved


def _scope_id(tx: Connection, period: Period) -> int:
    """Those who have its ledger see what happens to a period."""
    return scopes.intern(tx, scopes.of_ledgers((period.ledger_code,)))


def _existing(period: Period | None, ledger_code: str, code: str) -> Period:
    if period is None:
        raise NotFound(PERIOD_TYPE, period_name(ledger_code, code))
    return period
