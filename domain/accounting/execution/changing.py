"""What changes of an assignment by a person's call have in common: locks, who has it in hand, the audit trail."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.accounting.claims import store as claims
from domain.accounting.execution import looking
from domain.accounting.execution.attending import refuse_claimed_by_another
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.store import assignments
from domain.accounting.performing.model import Operation
from domain.accounting.performing.store import operations
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document


def locked(tx: Connection, call: Call, claim_id: str, operation_id: str) -> tuple[Operation, Assignment]:
    """An assignment with its operation; their claim is held until the transaction ends. Raises: AssignmentNotFound."""
    looking.assignment_of(tx, call, claim_id, operation_id)  # what lies outside is not waited for
    claims.lock(tx, claim_id)
    operation, assignment = operations.find(tx, claim_id, operation_id), assignments.find(tx, claim_id, operation_id)
    assert operation is not None, "operations are never deleted"
    assert assignment is not None, "assignments are never deleted"
    return operation, assignment


def refuse_claimed(assignment: Assignment, call: Call) -> None:
    """Refuse to touch what another person has in hand. Raises: ClaimedByAnother."""
    if not assignment.state.ended:
        refuse_claimed_by_another(assignment.name, assignment.assignee, call)


def audit(
    tx: Connection, call: Call, before: Assignment, after: Assignment, *, kind: str, more: Document | None = None
) -> None:
    """Tell the audit trail of a change. Cost: one statement, more where the client's scope is new."""
    changes = {"from": _shown(before), "to": _shown(after), **(more or {})}
    scope_id = scopes.intern(tx, scopes.of_clients((after.client_code,)))
    events.append(tx, call, after.name, kind, changes, scope_id=scope_id)


def _shown(assignment: Assignment) -> Document:
    return {
        "state": assignment.state.value,
        "channel": assignment.channel.value,
        "accounting_day": assignment.accounting_day,
        "assignee": assignment.assignee,
    }
