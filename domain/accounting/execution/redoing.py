"""What failed is tried again; what is not done yet takes another way (ACC-10, ACC-22)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.channels.registry import way_of
from domain.accounting.channels.ways import Due
from domain.accounting.configuration.errors import ChannelNotConfigured
from domain.accounting.configuration.model import Client
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution.changing import audit, locked, refuse_claimed
from domain.accounting.execution.closing import close_tasks
from domain.accounting.execution.errors import AssignmentTransition, NotRetried, PostedAlready
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.states import AssignmentState, may_become
from domain.accounting.execution.store import assignments
from domain.accounting.execution.withdrawing import take_back
from domain.accounting.performing.booking import Books
from domain.accounting.performing.gathering import gather
from domain.accounting.performing.model import Operation
from domain.accounting.performing.planning import channel_now, with_service_level
from domain.accounting.performing.store import operations
from domain.kernel.call import Call
from domain.kernel.script import Script

_RETRIED = frozenset({AssignmentState.FAILED, AssignmentState.IN_DOUBT})


def retry(tx: Connection, call: Call, configurations: Configurations, claim_id: str, operation_id: str) -> Assignment:
    """Try again what failed or is in doubt: a new budget of attempts, the same key, the client's settings of now.

    Of what is in doubt the system of record is asked first what became of it.

    Raises: AssignmentNotFound; NotRetried; ClaimedByAnother; PostedAlready for what the system of record answered to
    have posted; ChannelNotConfigured; CallInProgress.
    """
    operation, before = locked(tx, call, claim_id, operation_id)
    if before.state not in _RETRIED:
        raise NotRetried(resource_name=before.name, state=before.state)
    refuse_claimed(before, call)
    if before.state is AssignmentState.IN_DOUBT and not before.unanswered:
        raise PostedAlready(resource_name=before.name, state=before.state)
    client = configurations.current(tx).clients[before.client_code]
    _require_channel(client, before.channel)
    after = replace(before, state=AssignmentState.PENDING, attempts=0, assignee="", updated_us=call.now_us)
    _begin(tx, call, Due(operation, after, client.settings), outcome="RETRIED")
    audit(tx, call, before, after, kind="assignment.retried")
    return after


def reroute(
    tx: Connection,
    call: Call,
    configurations: Configurations,
    books: Books,
    *,
    claim_id: str,
    operation_id: str,
    channel: Channel | None,
) -> Assignment:
    """Have an operation carried out by another channel, None: by the one that the pre-conditions say now.

    Its accounting date is that of the new channel, never an earlier one; its SLA begins anew; what is scheduled stays
    so.

    Raises: AssignmentNotFound; OutcomeInDoubt; CallInProgress; ClaimedByAnother; AssignmentTransition for one that
    waits for another operation, or has ended; ChannelNotConfigured; PreConditionMatchesNothing; ConditionFailed;
    NoOpenPeriod.
    """
    operation, before = locked(tx, call, claim_id, operation_id)
    if before.state is not AssignmentState.IN_DOUBT:
        _require_movable(before)
    refuse_claimed(before, call)
    take_back(tx, before)
    facts = gather(tx, configurations, [(claim_id, operation.dispute_id)]).of(claim_id, call.scope)
    chosen = channel or channel_now(facts, operation)
    _require_channel(facts.client, chosen)
    after = _moved(before, facts.client, chosen, call.now_us)
    moved = replace(operation, accounting_day=after.accounting_day)
    books.require(tx, [moved])
    _begin(tx, call, Due(moved, after, facts.client.settings), outcome="REROUTED")
    audit(tx, call, before, after, kind="assignment.rerouted")
    return after


def _require_movable(assignment: Assignment) -> None:
    wanted = AssignmentState.PENDING
    if assignment.state is AssignmentState.WAITING or not may_become(assignment.state, wanted):
        raise AssignmentTransition(assignment.name, state=assignment.state, wanted=wanted)


def _require_channel(client: Client, channel: Channel) -> None:
    if not way_of(channel).is_configured(client.settings):
        raise ChannelNotConfigured(client.code, channel)


def _moved(before: Assignment, client: Client, channel: Channel, now_us: int) -> Assignment:
    scheduled = before.state is AssignmentState.SCHEDULED
    fresh = replace(
        before,
        channel=channel,
        state=AssignmentState.SCHEDULED if scheduled else AssignmentState.PENDING,
        accounting_day=max(before.accounting_day, way_of(channel).accounting_day(client.settings, now_us)),
        attempts=0,
        unanswered=False,
        reason="",
        message="",
        assignee="",
        updated_us=now_us,
    )
    return with_service_level(client, fresh, before.scheduled_us if scheduled else now_us)


def _begin(tx: Connection, call: Call, due: Due, *, outcome: str) -> None:
    """Put the assignment in its place, and have the operation carried out if it is due."""
    script = Script(tx)
    operation: Operation = due.operation
    close_tasks(tx, script, [(operation.claim_id, operation.operation_id)], call, outcome=outcome)
    operations.change(script, [operation])
    assignments.change(script, [due.assignment])
    if due.assignment.state is AssignmentState.PENDING:
        way_of(due.assignment.channel).begin_again(tx, script, due, now_us=call.now_us)
    script.run()
