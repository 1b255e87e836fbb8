"""People say what became of an operation: that they have carried it out, or what the system of record shows.

What is done by hand is executed like anything else (ACC-04, ACC-22, ACC-40).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time as time_of_day
from datetime import timedelta

from sqlalchemy import Connection

from domain.accounting.channels.registry import way_of
from domain.accounting.channels.service import connection_of
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution import failing
from domain.accounting.execution.changing import audit, locked, refuse_claimed
from domain.accounting.execution.errors import AssignmentTransition, NotDoneByHand, OutcomeKnown, PostedAlready
from domain.accounting.execution.failing import Failed
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.outcomes import executor_of
from domain.accounting.execution.settling import Done, Posting, settle
from domain.accounting.execution.states import AssignmentState, may_become
from domain.accounting.execution.store import assignments
from domain.accounting.execution.withdrawing import take_back
from domain.accounting.performing.model import Operation
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid, Violation
from domain.kernel.time import date_of

_MIDNIGHT = time_of_day(0, 0)


@dataclass(frozen=True, slots=True)
class Report:
    """What a person reports: the reference by which it is found again, and the day (yyyymmdd) on which it was done.

    `day` 0: today. `field` is where the day stands in the request.
    """

    claim_id: str
    operation_id: str
    external_reference: str
    day: int
    field: str


def complete(
    tx: Connection, call: Call, configurations: Configurations, posting: Posting, report: Report
) -> Assignment:
    """Record that the caller has carried an operation out: one for people, or one that failed elsewhere.

    Raises: AssignmentNotFound; OutcomeInDoubt; ClaimedByAnother; NotDoneByHand; AssignmentTransition for one that is
    not due, or has ended; Invalid for a day that cannot be; what posting refuses.
    """
    require_storable(external_reference=report.external_reference)
    operation, before = locked(tx, call, report.claim_id, report.operation_id)
    if before.state is not AssignmentState.IN_DOUBT:
        if not may_become(before.state, AssignmentState.COMPLETED):
            raise AssignmentTransition(before.name, state=before.state, wanted=AssignmentState.COMPLETED)
        if not way_of(before.channel).by_hand and before.state is not AssignmentState.FAILED:
            raise NotDoneByHand(resource_name=before.name, channel=before.channel, state=before.state)
    refuse_claimed(before, call)
    take_back(tx, before)
    executed_us = _executed_us(tx, call, configurations, operation, report)
    done = Done(operation.claim_id, operation.operation_id, executed_us, call.caller, report.external_reference)
    settle(tx, call, configurations, posting, [done])
    return _told(tx, call, before, "assignment.completed", report.external_reference)


def record_posted(
    tx: Connection, call: Call, configurations: Configurations, posting: Posting, report: Report
) -> Assignment:
    """Record that the system of record shows what was in doubt: it is executed.

    Raises: AssignmentNotFound; OutcomeKnown; ClaimedByAnother; Invalid without a reference, or for a day that cannot
    be; what posting refuses.
    """
    require_storable(external_reference=report.external_reference)
    if not report.external_reference:
        raise Invalid(Violation("external_reference", "FIELD_REQUIRED", "must be given with what is posted"))
    operation, before = _in_doubt(tx, call, report.claim_id, report.operation_id)
    way_of(before.channel).withdraw(tx, before)  # of what has arrived nothing is left to take back
    executed_us = _executed_us(tx, call, configurations, operation, report)
    connection = connection_of(tx, before)
    executor = executor_of(connection) if connection else call.caller
    done = Done(operation.claim_id, operation.operation_id, executed_us, executor, report.external_reference)
    settle(tx, call, configurations, posting, [done])
    return _told(tx, call, before, "assignment.outcome_recorded", report.external_reference)


def record_not_posted(tx: Connection, call: Call, claim_id: str, operation_id: str) -> Assignment:
    """Record that the system of record does not show what was in doubt: it has failed, and a person goes on with it.

    Raises: AssignmentNotFound; OutcomeKnown; ClaimedByAnother; PostedAlready for what the system of record answered to
    have posted.
    """
    _, before = _in_doubt(tx, call, claim_id, operation_id)
    if not before.unanswered:
        raise PostedAlready(resource_name=before.name, state=before.state)
    failing.fail(tx, call, [Failed(before, AssignmentState.FAILED)])
    return _told(tx, call, before, "assignment.outcome_recorded", "")


def _in_doubt(tx: Connection, call: Call, claim_id: str, operation_id: str) -> tuple[Operation, Assignment]:
    operation, found = locked(tx, call, claim_id, operation_id)
    if found.state is not AssignmentState.IN_DOUBT:
        raise OutcomeKnown(resource_name=found.name, state=found.state)
    refuse_claimed(found, call)
    return operation, found


def _executed_us(
    tx: Connection, call: Call, configurations: Configurations, operation: Operation, report: Report
) -> int:
    """When it was done: now, or as the day ended that was given, on the client's clock."""
    zone = configurations.current(tx).clients[operation.client_code].settings.calendar.zone
    today = zone.today(call.now_us)
    if report.day in {0, today}:
        return call.now_us
    if not operation.transaction_day <= report.day < today:
        text = "must be neither in the future nor before the day on which the operation was performed"
        raise Invalid(Violation(report.field, "DATE_NOT_POSSIBLE", text))
    return zone.first_instant(date_of(report.day) + timedelta(days=1), _MIDNIGHT) - 1


def _told(tx: Connection, call: Call, before: Assignment, kind: str, reference: str) -> Assignment:
    after = assignments.find(tx, before.claim_id, before.operation_id)
    assert after is not None, "assignments are never deleted"
    audit(tx, call, before, after, kind=kind, more={"external_reference": reference})
    return after
