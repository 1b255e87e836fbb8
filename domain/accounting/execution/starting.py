"""Operations that were waited with become due: their day has come, or the first one is executed (ACC-06, ACC-13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.channels import registry
from domain.accounting.channels.registry import way_of
from domain.accounting.channels.ways import Due
from domain.accounting.configuration.errors import ChannelNotConfigured
from domain.accounting.configuration.model import Client
from domain.accounting.execution import failing
from domain.accounting.execution.failing import Failed
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.states import AssignmentState, may_become
from domain.accounting.execution.store import assignments
from domain.accounting.performing.model import Operation
from domain.accounting.performing.planning import with_service_level
from domain.accounting.performing.store import operations
from domain.kernel.call import Call
from domain.kernel.script import Script

Ready = tuple[Operation, Assignment]
"""What becomes due."""


def begin(
    tx: Connection, script: Script, call: Call, ready: Sequence[Ready], clients: Mapping[str, Client]
) -> list[Assignment]:
    """Have operations carried out from now on, each by the channel that was decided for it; gives the assignments.

    Whose client has given up that channel meanwhile is FAILED, with a task: a person re-routes it (ACC-10). The claims
    are locked. The script is run. Cost: two statements of the script, and what the channels need.
    """
    due: list[Due] = []
    failed: list[Failed] = []
    for operation, assignment in ready:
        client = clients[operation.client_code]
        if way_of(assignment.channel).is_configured(client.settings):
            due.append(started(operation, assignment, client, call.now_us))
        else:
            failed.append(_without_channel(assignment))
    operations.change(script, [each.operation for each in due])
    assignments.change(script, [each.assignment for each in due])
    registry.begin(tx, script, due, now_us=call.now_us)
    script.run()
    return [*(each.assignment for each in due), *failing.fail(tx, call, failed)]


def started(operation: Operation, assignment: Assignment, client: Client, now_us: int) -> Due:
    """An operation that is due from now on; its accounting date is that of its channel now, never an earlier one."""
    assert may_become(assignment.state, AssignmentState.PENDING)
    day = max(operation.accounting_day, way_of(assignment.channel).accounting_day(client.settings, now_us))
    pending = replace(assignment, state=AssignmentState.PENDING, accounting_day=day, scheduled_us=0, updated_us=now_us)
    return Due(replace(operation, accounting_day=day), with_service_level(client, pending, now_us), client.settings)


def _without_channel(assignment: Assignment) -> Failed:
    error = ChannelNotConfigured(assignment.client_code, assignment.channel)
    told = replace(assignment, scheduled_us=0, reason=error.reason, message=error.message)
    return Failed(told, AssignmentState.FAILED)
