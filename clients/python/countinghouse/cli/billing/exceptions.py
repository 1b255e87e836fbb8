"""`countinghouse billing exceptions`: what a person has to look at."""

from enum import StrEnum
from typing import Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.billing.words import account_name, short, stacked
from countinghouse.cli.names import full, last
from countinghouse.cli.output import Column, Format, Limit, Output, moment, show_list
from countinghouse.cli.settings import session


class State(StrEnum):
    """Where an exception stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"


_COLUMNS = (
    Column("SEGMENT", lambda one: stacked(last(one.service_agreement), short(one.bill_segment) or _account(one.name))),
    Column("MET", lambda one: stacked(moment(one.create_time), one.bill_cycle_code)),
    Column("", lambda one: stacked(one.reason, one.message, one.note), prose=True),
)


def exceptions(
    context: typer.Context,
    account: Annotated[str, typer.Option(help="Only of this account.")] = "-",
    cycle: Annotated[str, typer.Option(help="Only of this bill cycle.")] = "",
    state: Annotated[State, typer.Option(help="Only in this state.")] = State.OPEN,
    reason: Annotated[str, typer.Option(help="Only with this reason, such as USAGE_MISSING.")] = "",
    operation: Annotated[str, typer.Option(help="Only those that this operation met.")] = "",
    limit: Limit = 50,
    output: Output = Format.TABLE,
) -> None:
    """List what is wrong with bills, the oldest first."""
    from countinghouse.billing.v1 import billing_exceptions_pb2 as pb

    request = pb.ListBillingExceptionsRequest(
        parent=account_name(account),
        bill_cycle_code=cycle,
        state=choices.number(pb.BillingExceptionState, state),
        reason=reason,
        operation=full("operations", operation) if operation else "",
    )
    with session(context) as client:
        show_list(client.billing.list_exceptions(request, limit=limit or None), _COLUMNS, output)


def _account(name: str) -> str:
    """The account of an exception that is of the account as a whole."""
    return name.split("/")[1]
