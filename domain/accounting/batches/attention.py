"""The task of a person who looks after a batch that did not reach its destination (ACC-35)."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.accounting.batches.model import Batch
from domain.accounting.execution.closing import closed
from domain.accounting.execution.model import Task, TaskKind
from domain.accounting.execution.states import TaskState
from domain.accounting.execution.store import tasks
from domain.kernel.call import Call
from domain.kernel.ids import new_id
from domain.kernel.script import Script


def ask(tx: Connection, call: Call, batch: Batch, *, reason: str, message: str) -> None:
    """Have a person look after a batch, unless somebody does already. The batch is locked."""
    if tasks.open_of_batch(tx, batch.client_code, batch.batch_no):
        return
    script = Script(tx)
    kind = TaskKind.TRANSMISSION_FAILED
    task = Task(
        client_code=batch.client_code,
        task_id=new_id(call.now_us),
        kind=kind,
        queue=kind.value,
        state=TaskState.OPEN,
        created_us=call.now_us,
        batch_no=batch.batch_no,
        reason=reason,
        message=message,
    )
    tasks.insert(script, [task])
    script.run()


def end(tx: Connection, call: Call, batch: Batch, *, outcome: str) -> None:
    """Nobody has to look after the batch any more. The batch is locked."""
    script = Script(tx)
    tasks.change(
        script, [closed(task, call, outcome) for task in tasks.open_of_batch(tx, batch.client_code, batch.batch_no)]
    )
    script.run()
