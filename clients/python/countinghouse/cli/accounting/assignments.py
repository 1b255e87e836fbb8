"""`countinghouse accounting assignments`: who carries operations out, and what came of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.accounting.words import claim_name, examples, operation_name, short_operation, stacked
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    day,
    moment,
    show_list,
    show_one,
    word,
    yes,
)
from countinghouse.cli.settings import session

app = typer.Typer(help="Assignments: who carries operations out, by when, and what came of it.", no_args_is_help=True)

_ONE = "C-1/06c349c2dgb002apresvy5dv5f"
Assignment = Annotated[
    str,
    typer.Argument(metavar="ASSIGNMENT", help="CLAIM/ID, as tables show it, or the full name of it or its operation."),
]
RequestId = Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")]
Reference = Annotated[str, typer.Option("--reference", help="By which it is found again where it was done.")]


class State(StrEnum):
    """Where an assignment stands."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    PENDING = "pending"
    IN_PROGRESS = "in-progress"
    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    COMPLETED = "completed"
    CANCELED = "canceled"


class Channel(StrEnum):
    """Who carries an operation out."""

    SERVICE = "service"
    BATCH = "batch"
    MANUAL = "manual"


def _state(assignment: Any) -> str:  # noqa: ANN401 - the type is imported when it is needed
    from countinghouse.accounting.v1.assignments_pb2 import AssignmentState

    told = word(AssignmentState, assignment.state)
    return f"{told}, late" if assignment.HasField("escalate_time") else told


def _channel(assignment: Any) -> str:  # noqa: ANN401
    from countinghouse.accounting.v1.vocabulary_pb2 import Channel as Channels

    return word(Channels, assignment.channel)


_LIST_COLUMNS = (
    Column("ASSIGNMENT", lambda one: stacked(short_operation(one.name), f"{last(one.client)} {one.workflow_point}")),
    Column("CHANNEL", _channel),
    Column("STATE", lambda one: stacked(_state(one), one.assignee, one.reason)),
    Column("ATTEMPTS", lambda one: str(one.attempt_count or ""), right=True),
    Column("DUE", lambda one: moment(one.due_time).replace(" ", "\n")),
)
COLUMNS = (
    Column("ASSIGNMENT", lambda one: short_operation(one.name)),
    Column("CLIENT", lambda one: last(one.client)),
    Column("POINT", lambda one: one.workflow_point),
    Column("CHANNEL", _channel),
    Column("STATE", _state),
    Column("ATTEMPTS", lambda one: str(one.attempt_count or ""), right=True),
    Column("DUE", lambda one: moment(one.due_time)),
    Column("IN HAND", lambda one: one.assignee),
    Column("REASON", lambda one: one.reason),
)
_MORE_COLUMNS = (
    *COLUMNS,
    Column("MESSAGE", lambda one: one.message, prose=True),
    Column("NO ANSWER", lambda one: yes(one.unanswered)),
    Column("ACCOUNTING DATE", lambda one: day(one.accounting_date)),
    Column("SCHEDULED", lambda one: moment(one.schedule_time)),
    Column("READY", lambda one: moment(one.ready_time)),
    Column("GOAL", lambda one: moment(one.goal_time)),
    Column("ESCALATED", lambda one: moment(one.escalate_time)),
    Column("BATCH", lambda one: last(one.batch)),
    Column("CHANGED", lambda one: moment(one.update_time)),
)


@app.command(
    "list",
    epilog=examples("assignments list --overdue", "assignments list --claim C-1", "assignments list --state in-doubt"),
)
def list_(
    context: typer.Context,
    claim: Annotated[str, typer.Option(help="Only of this claim.")] = "-",
    client: Annotated[str, typer.Option(help="Only of this client.")] = "",
    channel: Annotated[Channel | None, typer.Option(help="Only by this channel.")] = None,
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    point: Annotated[str, typer.Option(help="Only of this workflow point.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only past their deadline.")] = False,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List assignments by claim, of a claim by workflow point."""
    from countinghouse.accounting.v1 import assignments_pb2 as pb
    from countinghouse.accounting.v1 import vocabulary_pb2

    request = pb.ListAssignmentsRequest(
        parent=claim_name(claim),
        client=full("clients", client) if client else "",
        channel=choices.number(vocabulary_pb2.Channel, channel),
        state=choices.number(pb.AssignmentState, state),
        workflow_point=point,
        overdue=overdue,
    )
    with session(context) as connected:
        show_list(connected.accounting.list_assignments(request, limit=limit or None), _LIST_COLUMNS, output)


@app.command(epilog=examples(f"assignments show {_ONE}"))
def show(context: typer.Context, assignment: Assignment, output: Output = Format.TABLE) -> None:
    """Show an assignment."""
    from countinghouse.accounting.v1 import assignments_pb2 as pb

    with session(context) as client:
        request = pb.GetAssignmentRequest(name=assignment_name(assignment))
        show_one(client.accounting.get_assignment(request), _MORE_COLUMNS, output)


@app.command(epilog=examples(f"assignments complete {_ONE} --reference teller-7 --on 2026-11-20"))
def complete(
    context: typer.Context,
    assignment: Assignment,
    reference: Reference,
    on: Annotated[datetime | None, choices.day_option("--on", text="The day on which it was done; else today.")] = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Say that you have carried an operation out: one for people, or one that failed elsewhere."""
    from countinghouse.accounting.v1 import assignments_pb2 as pb

    request = pb.CompleteAssignmentRequest(
        name=assignment_name(assignment),
        external_reference=reference,
        completion_date=choices.day(on),
        request_id=request_id,
    )
    with session(context) as client:
        show_one(client.accounting.complete_assignment(request), COLUMNS, output)


@app.command(epilog=examples(f"assignments retry {_ONE}"))
def retry(
    context: typer.Context, assignment: Assignment, request_id: RequestId = "", output: Output = Format.TABLE
) -> None:
    """Try again what failed or is in doubt, with the same key; of what is in doubt Lookup is asked first."""
    from countinghouse.accounting.v1 import assignments_pb2 as pb

    request = pb.RetryAssignmentRequest(name=assignment_name(assignment), request_id=request_id)
    with session(context) as client:
        show_one(client.accounting.retry_assignment(request), COLUMNS, output)


@app.command(epilog=examples(f"assignments reroute {_ONE}", f"assignments reroute {_ONE} --to manual"))
def reroute(
    context: typer.Context,
    assignment: Assignment,
    to: Annotated[
        Channel | None, typer.Option(help="The channel; else as the client's pre-conditions say now.")
    ] = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Have an operation carried out by another channel."""
    from countinghouse.accounting.v1 import assignments_pb2 as pb
    from countinghouse.accounting.v1 import vocabulary_pb2

    request = pb.RerouteAssignmentRequest(
        name=assignment_name(assignment), channel=choices.number(vocabulary_pb2.Channel, to), request_id=request_id
    )
    with session(context) as client:
        show_one(client.accounting.reroute_assignment(request), COLUMNS, output)


@app.command(epilog=examples(f"assignments record {_ONE} --posted REF-9", f"assignments record {_ONE} --not-posted"))
def record(
    context: typer.Context,
    assignment: Assignment,
    posted: Annotated[str, typer.Option("--posted", metavar="REFERENCE", help="It is there, by this reference.")] = "",
    not_posted: Annotated[bool, typer.Option("--not-posted", help="It is not there, and will not be.")] = False,
    on: Annotated[datetime | None, choices.day_option("--on", text="The day of the posting; else today.")] = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Record what the system of record shows of an assignment in doubt."""
    from countinghouse.accounting.v1 import assignments_pb2 as pb

    if bool(posted) == not_posted:
        raise typer.BadParameter("give --posted REFERENCE or --not-posted", param_hint="--posted")
    if on is not None and not_posted:
        raise typer.BadParameter("what is not posted has no day", param_hint="--on")
    request = pb.RecordAssignmentOutcomeRequest(
        name=assignment_name(assignment),
        outcome=pb.ASSIGNMENT_OUTCOME_NOT_POSTED if not_posted else pb.ASSIGNMENT_OUTCOME_POSTED,
        external_reference=posted,
        posting_date=choices.day(on),
        request_id=request_id,
    )
    with session(context) as client:
        show_one(client.accounting.record_outcome(request), COLUMNS, output)


def assignment_name(assignment: str) -> str:
    """`C-1/06c…`, or the full name of it or of its operation, as its full name."""
    _, claim, _, operation = operation_name(assignment).split("/")
    return f"claims/{claim}/assignments/{operation}"
