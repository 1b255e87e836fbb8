"""The use case of billing runs: one begins, for a window of a bill cycle (BIL-30)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.billing.configuration import window_store, windows
from domain.billing.configuration.model import Window
from domain.billing.configuration.registers import CYCLES
from domain.billing.configuration.windows import WindowKey
from domain.billing.names import cycle_name
from domain.billing.runs import store
from domain.billing.runs.errors import BillingRunNotFound, NoWindowOpen, RunUnderWay, WindowNotOpen
from domain.billing.runs.model import (
    OPEN_TODAY,
    PREVIEW_KIND,
    RUN_KIND,
    Order,
    Request,
    order_from_document,
    order_to_document,
)
from domain.kernel import scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid, Violation
from domain.kernel.registers import service as registers
from domain.kernel.scopes import Scope
from domain.kernel.time import BusinessZone
from domain.operations import service as operations
from domain.operations.model import Operation

STAGES = (("bill", "accounts"),)
PREVIEW_STAGES = (("preview", "accounts"),)


def run(tx: Connection, call: Call, request: Request, zone: BusinessZone) -> Operation:
    """Begin to bill accounts by a window; a worker does it once this transaction has committed.

    A window is open on its days as the business time zone has them, whatever the zones of the accounts: one run bills
    them all. Whoever sees the cycle sees the run.

    Raises: NotFound for cycle or window, also outside the scope; NoWindowOpen; WindowNotOpen; RunUnderWay, unless it is
    a preview; Invalid for accounts that are not of the cycle.
    """
    require_storable(description=request.description)
    window = _window(tx, call, request, zone)
    _require_of_cycle(tx, request)
    order = Order(
        cycle=window.cycle_code,
        window=window.code,
        through_day=window.through_day,
        bill_day=window.bill_day,
        accounting_day=window.accounting_day,
        freeze=window.freeze,
        complete=window.complete,
        failed_only=request.failed_only,
        accounts=tuple(sorted(set(request.accounts))),
    )
    if not request.preview:
        _require_alone(tx, order)
    return operations.start(
        tx,
        replace(call, scope=scopes.of_one(CYCLES.shelf.scope_kind, window.cycle_code)),
        PREVIEW_KIND if request.preview else RUN_KIND,
        order_to_document(order),
        stages=PREVIEW_STAGES if request.preview else STAGES,
        description=request.description,
    )


def get(tx: Connection, operation_id: str, scope: Scope) -> Operation:
    """A run or a preview as it stands. Raises: OperationNotFound, also outside the scope; BillingRunNotFound."""
    operation = operations.get(tx, operation_id, scope)
    if operation.kind not in {RUN_KIND, PREVIEW_KIND}:
        raise BillingRunNotFound(operation_id)
    return operation


def require_alone(tx: Connection, operation: Operation) -> None:
    """Refuse to go on with a run that failed while another one of its window is under way. Raises: RunUnderWay."""
    _require_alone(tx, order_from_document(operation.request))


def require_sound(tx: Connection, request: Request, scope: Scope) -> None:
    """Refuse what no state of things will make right. Raises: NotFound for cycle or window; Invalid for accounts."""
    registers.get(tx, CYCLES, request.cycle, scope)
    if request.window != OPEN_TODAY:
        windows.get(tx, WindowKey(request.cycle, request.window), scope)
    _require_of_cycle(tx, request)


def _window(tx: Connection, call: Call, request: Request, zone: BusinessZone) -> Window:
    today = zone.today(call.now_us)
    if request.window == OPEN_TODAY:
        registers.get(tx, CYCLES, request.cycle, call.scope)
        found = store.open_window(tx, request.cycle, today)
        if found is None:
            raise NoWindowOpen(request.cycle, today=today)
        return found
    key = WindowKey(request.cycle, request.window)
    window = windows.get(tx, key, call.scope)
    if not request.outside_window and not window.start_day <= today <= window.end_day:
        raise WindowNotOpen(key.name, today=today, start_day=window.start_day, end_day=window.end_day)
    return window


def _require_of_cycle(tx: Connection, request: Request) -> None:
    known = store.cycles_of(tx, request.accounts) if request.accounts else {}
    text = f"is no account of {cycle_name(request.cycle)}"
    faults = [
        Violation(f"accounts[{at}]", "ACCOUNT_NOT_OF_CYCLE", text)
        for at, each in enumerate(request.accounts)
        if known.get(each) != request.cycle
    ]
    if faults:
        raise Invalid(*faults)


def _require_alone(tx: Connection, order: Order) -> None:
    """The window is locked: of two runs that begin, or go on, at once one sees the other. Raises: RunUnderWay."""
    window_store.find(tx, order.cycle, order.window, lock=True)
    for other in operations.under_way(tx, RUN_KIND):
        if order_from_document(other.request).key == order.key:
            raise RunUnderWay(order.key.name, other.operation_id)
