"""The use case of asking for interval data: an operation that creates them, account by account (BIL-22)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from domain.billing.accounts import service as accounts
from domain.billing.configuration.registers import CYCLES
from domain.billing.creation.model import CREATE_KIND, DAYS_MAX, STAGES, Request, request_to_document
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid, Violation
from domain.kernel.registers import service as registers
from domain.kernel.scopes import Scope
from domain.kernel.time import NO_DAY, BusinessZone, date_of, day_of, moment_of
from domain.operations import service as operations
from domain.operations.model import Operation


def create(tx: Connection, call: Call, request: Request, zone: BusinessZone) -> Operation:
    """Begin to create interval data; a worker does it once this transaction has committed.

    Up to the day of the call in the business time zone where no end is given.

    Data are created as the caller sees things, and who sees that much sees the operation.

    Raises: AccountNotFound, or NotFound for a cycle, also outside the scope; Invalid for days that cannot be.
    """
    require_storable(description=request.description)
    if request.end_day == NO_DAY:
        request = replace(request, end_day=zone.today(call.now_us))
    _require_days(request, call.now_us)
    require_there(tx, request, call.scope)
    document = request_to_document(request)
    return operations.start(tx, call, CREATE_KIND, document, stages=STAGES, description=request.description)


def require_there(tx: Connection, request: Request, scope: Scope) -> None:
    """Refuse an account, or a cycle, that there is not. Raises: AccountNotFound, NotFound, also outside the scope."""
    if request.account:
        accounts.get_account(tx, request.account, scope)
    else:
        registers.get(tx, CYCLES, request.cycle, scope)


def _require_days(request: Request, now_us: int) -> None:
    start, end = request.start_day, request.end_day
    if end > day_of(moment_of(now_us).date() + timedelta(days=DAYS_MAX)):
        text = f"must not be more than {DAYS_MAX} days ahead"
        raise Invalid(Violation("end_date", "TOO_MANY_DAYS", text))
    if start == NO_DAY:
        return
    if end <= start:
        raise Invalid(Violation("end_date", "END_BEFORE_START", "must be after start_date, as it is not included"))
    if (date_of(end) - date_of(start)).days > DAYS_MAX:
        text = f"must not be more than {DAYS_MAX} days after start_date"
        raise Invalid(Violation("end_date", "TOO_MANY_DAYS", text))
