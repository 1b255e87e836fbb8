"""Use cases of bill cycles that change them (BIL-30); `windows` has their schedules."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.billing.configuration.model import Cycle, CycleSettings
from domain.billing.configuration.registers import CYCLES
from domain.kernel.call import Call
from domain.kernel.registers import entries
from domain.kernel.registers.service import Change


def create(tx: Connection, call: Call, code: str, description: str) -> Cycle:
    """Add a bill cycle.

    Raises: NotFound for one outside the caller's scope, whether there is one or not; Invalid; CodeTaken.
    """
    new = Cycle(code, description, 1, call.now_us, call.now_us, CycleSettings())
    return entries.create(tx, call, CYCLES, new, ())


def update(tx: Connection, call: Call, change: Change) -> Cycle:
    """Change the bill cycle that still has the etag. Raises: EtagMissing; NotFound; EtagStale; Invalid."""
    return entries.update(tx, call, CYCLES, change, lambda _old, _new: ())
