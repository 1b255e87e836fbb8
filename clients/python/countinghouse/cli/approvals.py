"""`countinghouse approvals`: calls that take effect once a second person has agreed."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.names import full, last
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, moment, show_list, show_one, word
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.operations.v1.approvals_pb2 import Approval

app = typer.Typer(help="Calls that take effect once a second person has agreed.", no_args_is_help=True)


class State(StrEnum):
    """Where an approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    USED = "used"
    EXPIRED = "expired"


def _state(one: "Approval") -> str:
    from countinghouse.operations.v1.approvals_pb2 import ApprovalState

    return word(ApprovalState, one.state)


def _request(one: "Approval") -> str:
    """The request as JSON; a type that this program does not know, by its name."""
    from google.protobuf.json_format import MessageToJson

    try:
        return MessageToJson(one.request, indent=None)
    except TypeError:
        return one.request.type_url


COLUMNS = (
    Column("APPROVAL", lambda one: last(one.name)),
    Column("STATE", _state),
    Column("METHOD", lambda one: last(one.method)),
    Column("CALLER", lambda one: one.caller),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("EXPIRES", lambda one: moment(one.expire_time)),
    Column("DECIDER", lambda one: one.decider),
    Column("REASON", lambda one: one.reason, prose=True),
)
MORE_COLUMNS = (
    *COLUMNS,
    Column("PERMISSION", lambda one: one.permission),
    Column("DECIDED", lambda one: moment(one.decide_time)),
    Column("USED", lambda one: moment(one.use_time)),
    Column("REQUEST", _request, prose=True),
)

Name = Annotated[str, typer.Argument(help="The approval, such as approvals/06c3….")]
Reason = Annotated[str, typer.Option(help="What is to be said about it.")]


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[State | None, typer.Option(help="Those in this state.")] = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List approvals, newest first, without their requests."""
    from countinghouse.operations.v1 import approvals_pb2

    asked = approvals_pb2.ListApprovalsRequest(state=choices.number(approvals_pb2.ApprovalState, state))
    with session(context) as client:
        show_list(client.approvals.list(asked, limit=limit or None), COLUMNS, output)


@app.command()
def get(context: typer.Context, name: Name, output: Output = Format.TABLE) -> None:
    """Show an approval with the request that it is about."""
    _know_requests()
    from countinghouse.operations.v1 import approvals_pb2

    with session(context) as client:
        request = approvals_pb2.GetApprovalRequest(name=full("approvals", name))
        show_one(client.approvals.get(request), MORE_COLUMNS, output)


@app.command()
def approve(context: typer.Context, name: Name, reason: Reason = "", output: Output = Format.TABLE) -> None:
    """Agree to a call that somebody else has made; look at it first."""
    _know_requests()
    from countinghouse.operations.v1 import approvals_pb2

    with session(context) as client:
        request = approvals_pb2.ApproveApprovalRequest(name=full("approvals", name), reason=reason)
        show_one(client.approvals.approve(request), MORE_COLUMNS, output)


@app.command()
def reject(context: typer.Context, name: Name, reason: Reason = "", output: Output = Format.TABLE) -> None:
    """Refuse a call that somebody has made, or take back your own."""
    _know_requests()
    from countinghouse.operations.v1 import approvals_pb2

    with session(context) as client:
        request = approvals_pb2.RejectApprovalRequest(name=full("approvals", name), reason=reason)
        show_one(client.approvals.reject(request), MORE_COLUMNS, output)


def _know_requests() -> tuple[Any, ...]:
    """Learn the types of the requests that approvals hold."""
    from google.longrunning import operations_pb2 as longrunning

    from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2
    from countinghouse.operations.v1 import data_files_pb2, notifications_pb2, operations_pb2, schedules_pb2

    return longrunning, gl_extraction_service_pb2, data_files_pb2, notifications_pb2, operations_pb2, schedules_pb2
