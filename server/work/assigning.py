"""Sees to it that assignments become due in their time, and that what is late is escalated (ACC-12, ACC-13)."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from sqlalchemy import Connection

from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution import passing
from domain.accounting.execution.outcomes import CALLER
from domain.kernel.call import Call
from server.call import now_us
from server.database.transaction import Database
from server.telemetry import figures
from server.work.loops import Loop

_EVERY_S = 2.0
_PAUSE_S = 0.05  # between two steps: others write, too
_AT_ONCE = 500  # assignments
_WITHIN_S = 30.0
_METHOD = "accounting.assignments"


def assigning(
    configurations: Configurations, *, every_s: float = _EVERY_S, clock_us: Callable[[], int] = now_us
) -> Loop:
    """The loop that does it, a bounded set at a time; several workers share the work."""

    def begin(tx: Connection) -> int:
        return passing.begin_scheduled(tx, _call(), configurations, most=_AT_ONCE)

    def escalate(tx: Connection) -> int:
        return passing.escalate(tx, _call(), most=_AT_ONCE)

    def _call() -> Call:
        return Call(CALLER, _METHOD, "", clock_us())

    def run(database: Database, stopping: Event) -> None:
        while not stopping.is_set():
            done = 0
            if database.read(lambda tx: passing.anything_due(tx, clock_us()), timeout_s=_WITHIN_S):
                begun, escalated = (database.write(step, timeout_s=_WITHIN_S) for step in (begin, escalate))
                figures.ESCALATED.inc(escalated)
                done = max(begun, escalated)
            stopping.wait(_PAUSE_S if done >= _AT_ONCE else every_s)

    return Loop("assignments", run)
