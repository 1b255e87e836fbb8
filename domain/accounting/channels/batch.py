"""By a batch file: whatever is pending when the next file is written goes into it (ACC-30 to ACC-37)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.channels.ways import Due
from domain.accounting.configuration.model import ClientSettings
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.states import AssignmentState
from domain.kernel.script import Script


class Batch:
    """Batch files."""

    channel = Channel.BATCH
    by_hand = False

    def is_configured(self, settings: ClientSettings) -> bool:
        """Whether the client takes batch files."""
        return settings.batch is not None

    def accounting_day(self, settings: ClientSettings, now_us: int) -> int:
        """At or after the cut-off it is the next business day."""
        assert settings.batch is not None, "the channel is configured"
        return settings.calendar.accounting_day(now_us, settings.batch.cut_off)

    def begin(self, tx: Connection, script: Script, due: Sequence[Due], *, now_us: int) -> None:
        """Nothing: the assignment itself is what the next file takes."""

    def begin_again(self, tx: Connection, script: Script, due: Due, *, now_us: int) -> None:
        """As `begin`."""
        self.begin(tx, script, [due], now_us=now_us)

    def withdraw(self, tx: Connection, assignment: Assignment) -> bool:  # noqa: ARG002 - its state tells
        """Once a file that is being written has it, it is under way."""
        return assignment.state is not AssignmentState.IN_PROGRESS
