"""What time brings about: scheduled assignments become due, what is overdue is escalated (ACC-12, ACC-13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.accounting.claims import store as claims
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution import starting
from domain.accounting.execution.model import EXCEPTION_QUEUE, Assignment, Task, TaskKind
from domain.accounting.execution.opening import task_of
from domain.accounting.execution.states import AssignmentState
from domain.accounting.execution.store import assignments, due, tasks
from domain.accounting.performing import telling
from domain.accounting.performing.store import operations
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.script import Script


@dataclass(frozen=True, slots=True)
class Census:
    """Assignments past their deadline that have not ended, and tasks that are not closed, by queue."""

    overdue: int
    tasks: dict[str, int]


def anything_due(tx: Connection, now_us: int) -> bool:
    """Whether there is something to begin or to escalate. Cost: up to three statements along indexes of what is."""
    return bool(
        due.scheduled(tx, now_us, limit=1) or due.overdue(tx, now_us, limit=1) or due.has_overdue_tasks(tx, now_us)
    )


def begin_scheduled(tx: Connection, call: Call, configurations: Configurations, *, most: int) -> int:
    """Have assignments carried out whose time has come, about `most` of them; gives how many there were.

    Claims that others hold are left for the next time. Cost: about ten statements, however many; one for none.
    """
    keys = due.scheduled(tx, call.now_us, limit=most)
    if not keys:
        return 0
    locked = claims.lock_many(tx, {claim_id for claim_id, _ in keys}, skip_locked=True)
    ready = due.still_scheduled(tx, locked, call.now_us)
    there = operations.find_many(tx, _keys(ready))
    pairs = [(there[each.claim_id, each.operation_id], each) for each in ready]
    begun = starting.begin(tx, Script(tx), call, pairs, configurations.current(tx).clients)
    pending = [each for each in begun if each.state is AssignmentState.PENDING]
    telling.tell(tx, call, "accounting.due", (there[key] for key in _keys(pending)), {})
    return len(ready)


def escalate(tx: Connection, call: Call, *, most: int) -> int:
    """Move what is past its deadline to the exception queue, about `most` of it; gives how many, each counted once.

    An assignment for which nobody waits gets a task there. Claims and tasks that others hold are left for the next
    time. Cost: about ten statements, however many, and one a task that is about no assignment; two for none.
    """
    return _escalate_assignments(tx, call, most) + _escalate_tasks(tx, call, most)


def census(tx: Connection, now_us: int) -> Census:
    """What is late, and what waits for people. Cost: two statements over what has not ended."""
    counted = due.count_tasks(tx)
    queues = (*(kind.value for kind in TaskKind), EXCEPTION_QUEUE)
    return Census(due.count_overdue(tx, now_us), {queue: counted.get(queue, 0) for queue in queues})


def _escalate_assignments(tx: Connection, call: Call, most: int) -> int:
    keys = due.overdue(tx, call.now_us, limit=most)
    if not keys:
        return 0
    locked = claims.lock_many(tx, {claim_id for claim_id, _ in keys}, skip_locked=True)
    late = [replace(each, escalated_us=call.now_us) for each in due.still_overdue(tx, locked, call.now_us)]
    waiting = tasks.open_of(tx, _keys(late))
    attended = {(each.claim_id, each.operation_id) for each in waiting}
    script = Script(tx)
    assignments.change(script, late)
    tasks.change(script, [_escalated(each, call.now_us) for each in waiting])
    unattended = [each for each in late if (each.claim_id, each.operation_id) not in attended]
    tasks.insert(script, [task_of(each, TaskKind.OVERDUE, call.now_us) for each in unattended])
    script.run()
    there = operations.find_many(tx, _keys(late))
    telling.tell(tx, call, "accounting.escalated", there.values(), {})
    return len(late)


def _escalate_tasks(tx: Connection, call: Call, most: int) -> int:
    late = [_escalated(each, call.now_us) for each in due.overdue_tasks(tx, call.now_us, limit=most)]
    script = Script(tx)
    tasks.change(script, late)
    script.run()
    for each in late:
        scope_id = scopes.intern(tx, scopes.of_clients((each.client_code,)))
        changes = {"from": {"queue": each.kind.value}, "to": {"queue": each.queue}, "subject": each.subject}
        events.append(tx, call, each.name, "task.escalated", changes, scope_id=scope_id)
    return len(late)


def _escalated(task: Task, now_us: int) -> Task:
    return replace(task, queue=EXCEPTION_QUEUE, escalated_us=now_us, version=task.version + 1)


def _keys(some: Sequence[Assignment]) -> list[assignments.Key]:
    return [(each.claim_id, each.operation_id) for each in some]
