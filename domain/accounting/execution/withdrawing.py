"""What is not to be carried out any more is taken back from its channel (ACC-08, ACC-22)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.channels.registry import way_of
from domain.accounting.execution.closing import close_tasks
from domain.accounting.execution.errors import AssignmentTransition
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.states import AssignmentState, may_become
from domain.accounting.execution.store import assignments
from domain.accounting.performing.errors import CallInProgress, OutcomeInDoubt
from domain.kernel.call import Call
from domain.kernel.script import Script


def withdraw(tx: Connection, script: Script, assignment: Assignment, call: Call) -> Assignment:
    """Cancel an assignment: nothing is done for it any more, and nobody waits for it. Its claim is locked.

    Raises: CallInProgress; OutcomeInDoubt; AssignmentTransition for one that has ended.
    Cost: up to five statements, and two of the script.
    """
    if assignment.state is not AssignmentState.IN_DOUBT and not may_become(assignment.state, AssignmentState.CANCELED):
        raise AssignmentTransition(assignment.name, state=assignment.state, wanted=AssignmentState.CANCELED)
    take_back(tx, assignment)
    canceled = replace(assignment, state=AssignmentState.CANCELED, assignee="", updated_us=call.now_us)
    close_tasks(tx, script, [(assignment.claim_id, assignment.operation_id)], call, outcome="CANCELED")
    assignments.change(script, [canceled])
    return canceled


def take_back(tx: Connection, assignment: Assignment) -> None:
    """See to it that its channel does nothing for it any more. Raises: CallInProgress; OutcomeInDoubt."""
    if assignment.state is AssignmentState.IN_DOUBT:
        raise OutcomeInDoubt(resource_name=assignment.name, state=assignment.state)
    if not way_of(assignment.channel).withdraw(tx, assignment):
        raise CallInProgress(resource_name=assignment.name, state=assignment.state)
