"""Use cases of customer classes that change them, and what they must be (BIL-12)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from domain.billing.configuration.algorithm_uses import Usable
from domain.billing.configuration.model import ClassSettings, CustomerClass
from domain.billing.configuration.registers import CUSTOMER_CLASSES
from domain.kernel import calendars
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.registers import entries
from domain.kernel.registers.service import Change

WORD = CUSTOMER_CLASSES.word
DUE_DAYS_MAX = 366


def create(
    tx: Connection, call: Call, code: str, description: str, settings: ClassSettings, *, usable: Usable
) -> CustomerClass:
    """Add a customer class. Raises: SharedBeyondScope; Invalid with every violation; CodeTaken."""
    new = CustomerClass(code, description, 1, call.now_us, call.now_us, settings)
    return entries.create(tx, call, CUSTOMER_CLASSES, new, violations(tx, settings, usable))


def update(tx: Connection, call: Call, change: Change, usable: Usable) -> CustomerClass:
    """Change the customer class that still has the etag; complete bills stay as they are (BIL-13).

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid with every violation.
    """
    return entries.update(tx, call, CUSTOMER_CLASSES, change, lambda _, new: violations(tx, new.settings, usable))


def violations(tx: Connection, settings: ClassSettings, usable: Usable) -> Iterator[Violation]:
    """All that is wrong with the settings of a customer class."""
    yield from calendars.faults(settings.calendar, field=f"{WORD}.calendar")
    if not 0 <= settings.due_days <= DUE_DAYS_MAX:
        yield Violation(f"{WORD}.due_days", "DUE_DAYS_OUT_OF_RANGE", f"must be from 0 to {DUE_DAYS_MAX}")
    yield from usable.faults(tx, settings.algorithms, f"{WORD}.algorithms", of_agreements=False)
