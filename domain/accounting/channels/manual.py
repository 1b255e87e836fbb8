"""By a person: a task in a work queue for each operation (ACC-40)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.channels.ways import Due
from domain.accounting.configuration.model import ClientSettings
from domain.accounting.execution.model import Assignment, Task, TaskKind
from domain.accounting.execution.states import TaskState
from domain.accounting.execution.store import tasks
from domain.kernel.ids import new_id
from domain.kernel.script import Script


class Manual:
    """Work queues."""

    channel = Channel.MANUAL

    def is_configured(self, settings: ClientSettings) -> bool:  # noqa: ARG002 - people are always there
        """Every client has people."""
        return True

    def accounting_day(self, settings: ClientSettings, now_us: int) -> int:
        """The client's current business day."""
        return settings.calendar.business_day_of(now_us)

    def begin(self, tx: Connection, script: Script, due: Sequence[Due], *, now_us: int) -> None:  # noqa: ARG002
        """Open a task each."""
        tasks.insert(script, [_task(each.assignment, now_us) for each in due])

    def withdraw(self, tx: Connection, assignment: Assignment) -> bool:  # noqa: ARG002
        """A person's work is done when they say so: what they have in hand can be taken back."""
        return True


def _task(assignment: Assignment, now_us: int) -> Task:
    return Task(
        client_code=assignment.client_code,
        task_id=new_id(now_us),
        kind=TaskKind.MANUAL_EXECUTION,
        queue=TaskKind.MANUAL_EXECUTION.value,
        state=TaskState.OPEN,
        created_us=now_us,
        claim_id=assignment.claim_id,
        operation_id=assignment.operation_id,
        goal_us=assignment.goal_us,
        due_us=assignment.due_us,
    )
