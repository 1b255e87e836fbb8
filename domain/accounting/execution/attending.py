"""People take tasks in hand, give them back, and close what nothing else closes (ACC-40)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.channels.registry import way_of
from domain.accounting.claims import store as claims
from domain.accounting.execution import looking
from domain.accounting.execution.closing import closed
from domain.accounting.execution.errors import ClaimedByAnother, ClosesByItself, TaskTransition
from domain.accounting.execution.model import Assignment, Task, TaskKind
from domain.accounting.execution.states import AssignmentState, TaskState
from domain.accounting.execution.store import assignments, tasks
from domain.accounting.names import TASK_TYPE
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import EtagStale
from domain.kernel.script import Script

_CLOSED_BY_PEOPLE = frozenset({TaskKind.TRANSMISSION_FAILED, TaskKind.RECORD_REJECTED})


def claim(tx: Connection, call: Call, client_code: str, task_id: str, *, etag: str) -> Task:
    """Take a task in hand: of two at once one wins; to claim what one has already changes nothing.

    Raises: TaskNotFound; ClaimedByAnother; TaskTransition for a closed one; EtagStale when an etag is given.
    """
    before = _locked(tx, call, client_code, task_id)
    if before.state is TaskState.CLAIMED and before.assignee == call.caller:
        return before
    _refuse(before, call, etag, wanted=TaskState.CLAIMED)
    after = replace(before, state=TaskState.CLAIMED, assignee=call.caller, claimed_us=call.now_us)
    return _changed(tx, call, before, after, "task.claimed")


def release(tx: Connection, call: Call, client_code: str, task_id: str, *, etag: str) -> Task:
    """Give a task back to its queue, one's own or that of somebody who is away; the audit trail tells who did.

    Raises: TaskNotFound; TaskTransition for one that nobody has claimed; EtagStale when an etag is given.
    """
    before = _locked(tx, call, client_code, task_id)
    if before.state is not TaskState.CLAIMED:
        raise TaskTransition(before.name, state=before.state, wanted=TaskState.OPEN)
    _refuse_stale(before, etag)
    after = replace(before, state=TaskState.OPEN, assignee="", claimed_us=0)
    return _changed(tx, call, before, after, "task.released")


def close(tx: Connection, call: Call, client_code: str, task_id: str, *, note: str, etag: str) -> Task:
    """Close a task that nothing else closes, with a note on what was done about it.

    Raises: TaskNotFound; ClosesByItself; ClaimedByAnother; TaskTransition for a closed one; EtagStale when an etag is
    given.
    """
    require_storable(note=note)
    before = _locked(tx, call, client_code, task_id)
    if before.kind not in _CLOSED_BY_PEOPLE:
        raise ClosesByItself(resource_name=before.name, kind=before.kind)
    _refuse(before, call, etag, wanted=TaskState.CLOSED)
    return _changed(tx, call, before, closed(before, call, note), "task.closed")


def _locked(tx: Connection, call: Call, client_code: str, task_id: str) -> Task:
    """The task, locked; before it the claim that it is about: in this order everybody locks them."""
    found = looking.task_of(tx, call, client_code, task_id)
    if found.claim_id:
        claims.lock(tx, found.claim_id)
    locked = tasks.find(tx, client_code, task_id, lock=True)
    assert locked is not None, "tasks are never deleted"
    return locked


def _refuse(task: Task, call: Call, etag: str, *, wanted: TaskState) -> None:
    if task.state is TaskState.CLOSED:
        raise TaskTransition(task.name, state=task.state, wanted=wanted)
    refuse_claimed_by_another(task.name, task.assignee, call)
    _refuse_stale(task, etag)


def refuse_claimed_by_another(name: str, assignee: str, call: Call) -> None:
    """Refuse to touch what another person has in hand. Raises: ClaimedByAnother."""
    if assignee not in {"", call.caller}:
        raise ClaimedByAnother(resource_name=name, assignee=assignee)


def _refuse_stale(task: Task, etag: str) -> None:
    if etag and etag != task.etag:
        raise EtagStale(TASK_TYPE, task.name, etag=etag)


def _changed(tx: Connection, call: Call, before: Task, after: Task, kind: str) -> Task:
    after = replace(after, version=before.version + 1)
    script = Script(tx)
    tasks.change(script, [after])
    if after.operation_id and after.state is not TaskState.CLOSED:
        _assign(tx, script, call, after)
    script.run()
    changes = {"from": _shown(before), "to": _shown(after), "subject": after.subject}
    scope_id = scopes.intern(tx, scopes.of_clients((after.client_code,)))
    events.append(tx, call, after.name, kind, changes, scope_id=scope_id)
    return after


def _assign(tx: Connection, script: Script, call: Call, task: Task) -> None:
    """Have the assignment of the task show who has it in hand."""
    assignment = assignments.find(tx, task.claim_id, task.operation_id)
    if assignment is None or assignment.state.ended:
        return
    state = _in_hand(assignment) if task.assignee else _given_back(assignment)
    assignments.change(script, [replace(assignment, state=state, assignee=task.assignee, updated_us=call.now_us)])


def _in_hand(assignment: Assignment) -> AssignmentState:
    by_hand = way_of(assignment.channel).by_hand and assignment.state is AssignmentState.PENDING
    return AssignmentState.IN_PROGRESS if by_hand else assignment.state


def _given_back(assignment: Assignment) -> AssignmentState:
    by_hand = way_of(assignment.channel).by_hand and assignment.state is AssignmentState.IN_PROGRESS
    return AssignmentState.PENDING if by_hand else assignment.state


def _shown(task: Task) -> dict[str, str]:
    return {"state": task.state.value, "assignee": task.assignee, "outcome": task.outcome}
