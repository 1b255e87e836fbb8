"""By a person: a task in a work queue for each operation (ACC-40)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.channels.ways import Due
from domain.accounting.configuration.model import ClientSettings
from domain.accounting.execution.model import Assignment, TaskKind
from domain.accounting.execution.opening import task_of
from domain.accounting.execution.store import tasks
from domain.kernel.script import Script


class Manual:
    """Work queues."""

    channel = Channel.MANUAL
    by_hand = True

    def is_configured(self, settings: ClientSettings) -> bool:  # noqa: ARG002 - people are always there
        """Every client has people."""
        return True

    def accounting_day(self, settings: ClientSettings, now_us: int) -> int:
        """The client's current business day."""
        return settings.calendar.business_day_of(now_us)

    def begin(self, tx: Connection, script: Script, due: Sequence[Due], *, now_us: int) -> None:  # noqa: ARG002
        """Open a task each."""
        tasks.insert(script, [task_of(each.assignment, TaskKind.MANUAL_EXECUTION, now_us) for each in due])

    def begin_again(self, tx: Connection, script: Script, due: Due, *, now_us: int) -> None:
        """As `begin`."""
        self.begin(tx, script, [due], now_us=now_us)

    def withdraw(self, tx: Connection, assignment: Assignment) -> bool:  # noqa: ARG002
        """A person's work is done when they say so: what they have in hand can be taken back."""
        return True
