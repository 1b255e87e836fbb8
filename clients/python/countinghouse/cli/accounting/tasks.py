"""`countinghouse accounting tasks`: what waits for people."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.accounting.words import accounts, examples, short_operation, stacked
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    amount,
    day,
    moment,
    show_list,
    show_one,
    word,
)
from countinghouse.cli.settings import session

app = typer.Typer(help="Tasks: what waits for people, in work queues.", no_args_is_help=True)

_ONE = "ACME/06c349c2dgb002apresvy5dv5f"
_PARTS = 2
Task = Annotated[str, typer.Argument(metavar="TASK", help="CLIENT/ID, as tables show it, or the task's full name.")]
RequestId = Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")]


class Kind(StrEnum):
    """Why a person is needed."""

    MANUAL_EXECUTION = "manual-execution"
    SERVICE_FAILED = "service-failed"
    IN_DOUBT = "in-doubt"
    OVERDUE = "overdue"
    TRANSMISSION_FAILED = "transmission-failed"
    RECORD_REJECTED = "record-rejected"


class State(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    CLOSED = "closed"


def _state(task: Any) -> str:  # noqa: ANN401 - the type is imported when it is needed
    from countinghouse.accounting.v1.tasks_pb2 import TaskState

    return word(TaskState, task.state)


def _kind(task: Any) -> str:  # noqa: ANN401
    from countinghouse.accounting.v1.tasks_pb2 import TaskKind

    return word(TaskKind, task.kind)


def _about(task: Any) -> str:  # noqa: ANN401
    return short_operation(task.subject)


_LIST_COLUMNS = (
    Column("TASK, ABOUT", lambda one: stacked(short_operation(one.name), _about(one))),
    Column("KIND, QUEUE", lambda one: stacked(_kind(one), one.queue)),
    Column("STATE", lambda one: stacked(_state(one), one.assignee)),
    Column("AMOUNT", lambda one: amount(one.operation.amount) if one.HasField("operation") else "", right=True),
    Column("DUE", lambda one: moment(one.due_time).replace(" ", "\n")),
)
COLUMNS = (
    Column("TASK", lambda one: short_operation(one.name)),
    Column("KIND", _kind),
    Column("QUEUE", lambda one: one.queue),
    Column("STATE", _state),
    Column("ABOUT", _about),
    Column("AMOUNT", lambda one: amount(one.operation.amount) if one.HasField("operation") else "", right=True),
    Column("DUE", lambda one: moment(one.due_time)),
    Column("IN HAND", lambda one: one.assignee),
)
_MORE_COLUMNS = (
    *COLUMNS,
    Column("ACCOUNTS", lambda one: _accounts(one) if one.HasField("operation") else ""),
    Column("ACCOUNTING DATE", lambda one: day(one.operation.accounting_date)),
    Column("ENTRY REASON", lambda one: one.operation.entry_reason),
    Column("DISPUTE", lambda one: last(one.operation.dispute)),
    Column("REASON", lambda one: one.reason),
    Column("MESSAGE", lambda one: one.message, prose=True),
    Column("OPENED", lambda one: moment(one.create_time)),
    Column("ESCALATED", lambda one: moment(one.escalate_time)),
    Column("CLOSED", lambda one: moment(one.close_time)),
    Column("BY", lambda one: one.closer),
    Column("OUTCOME", lambda one: one.outcome, prose=True),
    Column("ETAG", lambda one: one.etag),
)


def _accounts(task: Any) -> str:  # noqa: ANN401
    operation = task.operation
    debit, credit = accounts(operation).split("\n")
    return f"{debit} {operation.debit.account}\n{credit} {operation.credit.account}"


@app.command("list", epilog=examples("tasks list", "tasks list --queue EXCEPTION", "tasks list --kind in-doubt"))
def list_(
    context: typer.Context,
    client: Annotated[str, typer.Option(help="Only of this client.")] = "-",
    queue: Annotated[str, typer.Option(help="Only in this queue.")] = "",
    kind: Annotated[Kind | None, typer.Option(help="Only of this kind.")] = None,
    state: Annotated[State | None, typer.Option(help="Only in this state; else all that are not closed.")] = None,
    assignee: Annotated[str, typer.Option(help="Only those that this caller has in hand.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only past their deadline.")] = False,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List tasks, of each client the oldest first."""
    from countinghouse.accounting.v1 import tasks_pb2 as pb

    request = pb.ListTasksRequest(
        parent=full("clients", client),
        queue=queue,
        kind=choices.number(pb.TaskKind, kind),
        state=choices.number(pb.TaskState, state),
        assignee=assignee,
        overdue=overdue,
    )
    with session(context) as connected:
        show_list(connected.accounting.list_tasks(request, limit=limit or None), _LIST_COLUMNS, output)


@app.command(epilog=examples(f"tasks show {_ONE}"))
def show(context: typer.Context, task: Task, output: Output = Format.TABLE) -> None:
    """Show a task with all that is needed to carry it out."""
    from countinghouse.accounting.v1 import tasks_pb2 as pb

    with session(context) as client:
        show_one(client.accounting.get_task(pb.GetTaskRequest(name=task_name(task))), _MORE_COLUMNS, output)


@app.command(epilog=examples(f"tasks claim {_ONE}"))
def claim(context: typer.Context, task: Task, request_id: RequestId = "", output: Output = Format.TABLE) -> None:
    """Take a task in hand."""
    from countinghouse.accounting.v1 import tasks_pb2 as pb

    with session(context) as client:
        request = pb.ClaimTaskRequest(name=task_name(task), request_id=request_id)
        show_one(client.accounting.claim_task(request), COLUMNS, output)


@app.command(epilog=examples(f"tasks release {_ONE}"))
def release(context: typer.Context, task: Task, request_id: RequestId = "", output: Output = Format.TABLE) -> None:
    """Give a task back to its queue, your own or that of somebody who is away."""
    from countinghouse.accounting.v1 import tasks_pb2 as pb

    with session(context) as client:
        request = pb.ReleaseTaskRequest(name=task_name(task), request_id=request_id)
        show_one(client.accounting.release_task(request), COLUMNS, output)


@app.command(epilog=examples(f"tasks close {_ONE} --note 'sent by courier'"))
def close(
    context: typer.Context,
    task: Task,
    note: Annotated[str, typer.Option(help="What was done about it; it is kept.")],
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Close a task about a batch; those about assignments close by themselves."""
    from countinghouse.accounting.v1 import tasks_pb2 as pb

    with session(context) as client:
        request = pb.CloseTaskRequest(name=task_name(task), note=note, request_id=request_id)
        show_one(client.accounting.close_task(request), COLUMNS, output)


def task_name(task: str) -> str:
    """`ACME/06c…` or `clients/ACME/tasks/06c…` as the latter.

    Raises:
        typer.BadParameter: It names no client: ids of tasks alone are not looked up.
    """
    parts = task.split("/")
    if len(parts) == _PARTS:
        return f"clients/{parts[0]}/tasks/{parts[1]}"
    if len(parts) != 2 * _PARTS:
        raise typer.BadParameter(f"write it as CLIENT/ID, such as ACME/{task or '06c…'}", param_hint="TASK")
    return task
