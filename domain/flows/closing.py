"""Closing a period of the books: neither unextracted details nor open assignments may fall in it (GLX-04)."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.accounting.execution.store import due
from domain.flows.accounting import Posting
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.model import Period
from domain.gl_extraction.periods.service import Change
from domain.kernel.call import Call
from domain.kernel.errors import Refused


class PeriodHasOpenAssignments(Refused):
    """Operations in the period are not carried out: see to them first, or force the closing with a reason."""

    reason = "PERIOD_HAS_OPEN_ASSIGNMENTS"

    def __init__(self, name: str, *, count: int) -> None:
        super().__init__(
            f"{count} operations in {name} are not carried out; see to their assignments first, "
            "or force it with a reason",
            resource_name=name,
            open_count=count,
        )


def close_period(tx: Connection, call: Call, change: Change) -> Period:
    """Close an open period. What is posted into it later rolls to the next open one.

    Raises: as `periods.close`; PeriodHasOpenAssignments unless forced. Cost: two statements more than that.
    """
    period = periods.close(tx, call, change)
    if not change.force:
        by_code = due.count_open(tx, period.start_day, period.end_day)
        ledgers = Posting().ledgers(tx, by_code)
        count = sum(many for code, many in by_code.items() if ledgers.get(code) == period.ledger_code)
        if count:
            raise PeriodHasOpenAssignments(period.name, count=count)
    return period
