"""Entries of work queues, as they are closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.execution.model import Task
from domain.accounting.execution.states import TaskState
from domain.accounting.execution.store import tasks
from domain.kernel.call import Call
from domain.kernel.script import Script

Key = tuple[str, str]
"""The ids of a claim and of one of its operations."""


def close_tasks(tx: Connection, script: Script, keys: Sequence[Key], call: Call, *, outcome: str) -> None:
    """Close the tasks that wait for operations: what they waited for has come about. Cost: one statement, one more."""
    tasks.change(script, [closed(task, call, outcome) for task in tasks.open_of(tx, keys)])


def closed(task: Task, call: Call, outcome: str) -> Task:
    """The task, closed."""
    return replace(
        task,
        state=TaskState.CLOSED,
        outcome=outcome,
        closed_us=call.now_us,
        closed_by=call.caller,
        version=task.version + 1,
    )
