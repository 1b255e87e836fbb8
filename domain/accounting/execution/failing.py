"""What could not be carried out, or may have been: a person gets a task (ACC-22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.accounting.execution.closing import close_tasks
from domain.accounting.execution.model import Assignment, TaskKind
from domain.accounting.execution.opening import task_of
from domain.accounting.execution.states import AssignmentState, may_become
from domain.accounting.execution.store import assignments, tasks
from domain.accounting.feed import service as feed
from domain.accounting.feed.model import EventKind, NewEvent
from domain.accounting.performing import telling
from domain.accounting.performing.store import operations
from domain.kernel.call import Call
from domain.kernel.script import Script

_TASK = {AssignmentState.FAILED: TaskKind.SERVICE_FAILED, AssignmentState.IN_DOUBT: TaskKind.IN_DOUBT}
_EVENT = {AssignmentState.FAILED: EventKind.OPERATION_FAILED, AssignmentState.IN_DOUBT: EventKind.OPERATION_IN_DOUBT}
_TOLD = {AssignmentState.FAILED: "accounting.failed", AssignmentState.IN_DOUBT: "accounting.in_doubt"}


@dataclass(frozen=True, slots=True)
class Failed:
    """An assignment, with its last error, that is to be FAILED or IN_DOUBT."""

    assignment: Assignment
    state: AssignmentState


def fail(tx: Connection, call: Call, failed: Sequence[Failed]) -> list[Assignment]:
    """Have assignments wait for a person; balances stay as they are. Their claims are locked.

    Cost: seven statements and one a client, however many; none for none.
    """
    if not failed:
        return []
    ended = [_ended(each, call) for each in failed]
    keys = [(each.claim_id, each.operation_id) for each in ended]
    script = Script(tx)
    close_tasks(tx, script, keys, call, outcome="SUPERSEDED")
    assignments.change(script, ended)
    tasks.insert(script, [task_of(each, _TASK[each.state], call.now_us) for each in ended])
    script.run()
    feed.record(
        tx,
        [
            NewEvent(each.claim_id, each.client_code, _EVENT[each.state], each.operation_id, call.now_us)
            for each in ended
        ],
    )
    there = operations.find_many(tx, keys)
    for state, kind in _TOLD.items():
        mine = [each for each in ended if each.state is state]
        reasons = sorted({each.reason for each in mine})
        telling.tell(tx, call, kind, (there[each.claim_id, each.operation_id] for each in mine), {"reasons": reasons})
    return ended


def _ended(failed: Failed, call: Call) -> Assignment:
    was = failed.assignment
    assert may_become(was.state, failed.state), (was.state, failed.state)
    unanswered = was.unanswered and failed.state is AssignmentState.IN_DOUBT
    return replace(was, state=failed.state, unanswered=unanswered, assignee="", updated_us=call.now_us)
