"""`countinghouse billing exceptions`: what a person has to look at."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.billing.runs import window_name
from countinghouse.cli.billing.words import ValidateOnly, account_name, examples, exception_name, short, stacked
from countinghouse.cli.names import full, last
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, jsonable, moment, show_list, show_value
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.billing.v1.billing_exceptions_pb2 import BillingException


class State(StrEnum):
    """Where an exception stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"


_COLUMNS = (
    Column(
        "EXCEPTION, AGREEMENT, SEGMENT",
        lambda one: stacked(short(one.name), last(one.service_agreement), short(one.bill_segment)),
    ),
    Column("MET, WINDOW", lambda one: stacked(moment(one.create_time), _window(one))),
    Column("WHAT IS WRONG", lambda one: stacked(one.reason, one.message, one.note), prose=True),
)

app = typer.Typer(
    help="What is wrong with bills: list it, accept it, resolve it.",
    invoke_without_command=True,
    epilog=examples("exceptions --cycle NORTH", "exceptions --account A-1 --state resolved"),
)
Name = Annotated[str, typer.Argument(metavar="EXCEPTION", help="Its account and id, as they are listed.")]
Note = Annotated[str, typer.Option(help="What a person finds or did; it is kept.")]


@app.callback()
def exceptions(
    context: typer.Context,
    account: Annotated[str, typer.Option(help="Only of this account.")] = "-",
    cycle: Annotated[str, typer.Option(help="Only of this bill cycle, or window of one: CYCLE/WINDOW.")] = "",
    state: Annotated[State, typer.Option(help="Only in this state.")] = State.OPEN,
    reason: Annotated[str, typer.Option(help="Only with this reason, such as USAGE_MISSING.")] = "",
    operation: Annotated[str, typer.Option(help="Only those that this operation met.")] = "",
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List what is wrong with bills, the oldest first; or close one of them."""
    if context.invoked_subcommand:
        return
    from countinghouse.billing.v1 import billing_exceptions_pb2 as pb

    request = pb.ListBillingExceptionsRequest(
        parent=account_name(account),
        bill_cycle_code="" if "/" in cycle else cycle,
        bill_cycle_window=window_name(cycle) if "/" in cycle else "",
        state=choices.number(pb.BillingExceptionState, state),
        reason=reason,
        operation=full("operations", operation) if operation else "",
    )
    with session(context) as client:
        show_list(client.billing.list_exceptions(request, limit=limit or None), _COLUMNS, output)


@app.command(epilog=examples("exceptions accept A-1/06c349c2dgb002apresvy5dv5f --note 'the bakery has a second oven'"))
def accept(
    context: typer.Context,
    exception: Name,
    note: Note,
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Let the implausible segment of an exception pass as it is, and make again what waits for it."""
    from countinghouse.billing.v1 import billing_exceptions_pb2 as pb

    request = pb.AcceptBillingExceptionRequest(name=exception_name(exception), note=note, validate_only=validate_only)
    with session(context) as client:
        _show(client.billing.accept_exception(request), output)


@app.command(epilog=examples("exceptions resolve A-1/06c349c2dgb002apresvy5dv5f --note 'read by hand'"))
def resolve(
    context: typer.Context,
    exception: Name,
    note: Note,
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Close an exception whose cause is mended; its segment is made again, with what depends on it."""
    from countinghouse.billing.v1 import billing_exceptions_pb2 as pb

    request = pb.ResolveBillingExceptionRequest(name=exception_name(exception), note=note, validate_only=validate_only)
    with session(context) as client:
        _show(client.billing.resolve_exception(request), output)


def _show(found: "BillingException", output: Format) -> None:
    if output is Format.TABLE:
        show_list([found], _COLUMNS, output)
    else:
        show_value(jsonable(found), output)


def _window(one: "BillingException") -> str:
    """The cycle, and the window if there is one."""
    return "/".join(filter(None, (one.bill_cycle_code, last(one.bill_cycle_window))))
