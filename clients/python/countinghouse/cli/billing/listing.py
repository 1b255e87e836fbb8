"""`countinghouse billing bills` and `show`: the bills that there are."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.billing.bills import show_bill, show_segments
from countinghouse.cli.billing.words import Bill, account_name, bill_name, short, stacked
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    amount,
    day,
    jsonable,
    show_list,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.billing.v1 import bills_pb2
    from countinghouse.billing.v1.bill_segments_pb2 import BillSegment
    from countinghouse.client import Client


class State(StrEnum):
    """Where a bill stands."""

    PENDING = "pending"
    COMPLETE = "complete"


def _state(one: "bills_pb2.Bill") -> str:
    from countinghouse.billing.v1 import bills_pb2 as pb

    credit = word(pb.BillKind, one.kind) if one.kind == pb.BILL_KIND_CREDIT_NOTE else ""
    wrong = f"{one.error_count:,} of {one.segment_count:,} in error" if one.error_count else ""
    return stacked(word(pb.BillState, one.state), credit, wrong)


_COLUMNS = (
    Column("BILL", lambda one: short(one.name)),
    Column("WINDOW", lambda one: "/".join(filter(None, (one.bill_cycle_code, one.window_code)))),
    Column("DATED", lambda one: day(one.bill_date)),
    Column("THROUGH", lambda one: day(one.through_date)),
    Column("DUE", lambda one: day(one.due_date) if one.HasField("due_date") else ""),
    Column("STATE", _state),
    Column("AMOUNT", lambda one: amount(one.amount) if one.HasField("amount") else "", right=True),
)


def bills(
    context: typer.Context,
    account: Annotated[
        str, typer.Argument(metavar="[ACCOUNT]", help="The account's id or full name; else of all accounts.")
    ] = "-",
    cycle: Annotated[str, typer.Option(help="Only of this bill cycle, or window of one: CYCLE/WINDOW.")] = "",
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List bills, the newest of an account first."""
    from countinghouse.billing.v1 import bills_pb2 as pb

    of_cycle, _, window = cycle.partition("/")
    request = pb.ListBillsRequest(
        parent=account_name(account),
        bill_cycle_code=of_cycle,
        window_code=window,
        state=choices.number(pb.BillState, state) if state else pb.BILL_STATE_UNSPECIFIED,
    )
    with session(context) as client:
        show_list(client.billing.list_bills(request, limit=limit or None), _COLUMNS, output)


def show(context: typer.Context, bill: Bill, output: Output = Format.TABLE) -> None:
    """Show a bill with its segments, and with those of earlier bills that it takes back."""
    from countinghouse.billing.v1 import bills_pb2

    name = bill_name(bill)
    with session(context) as client:
        found = client.billing.get_bill(bills_pb2.GetBillRequest(name=name))
        segments, taken_back = _segments(client, name)
    if output is not Format.TABLE:
        parts = {"billSegments": segments, "takenBack": taken_back}
        show_value({**jsonable(found), **{key: [jsonable(one) for one in its] for key, its in parts.items()}}, output)
        return
    if segments or not taken_back:
        show_segments(segments)
        print()
    if taken_back:
        print("It takes back:")
        show_segments(taken_back)
        print()
    show_bill(found)


def _segments(client: "Client", bill: str) -> "tuple[list[BillSegment], list[BillSegment]]":
    """The segments of a bill, and those that it takes back: of what the account has that is canceled, or to be."""
    from countinghouse.billing.v1 import bill_segments_pb2 as pb

    account = bill.rpartition("/bills/")[0]
    canceled = (
        each
        for state in (pb.BILL_SEGMENT_STATE_PENDING_CANCEL, pb.BILL_SEGMENT_STATE_CANCELED)
        for each in client.billing.list_segments(pb.ListBillSegmentsRequest(parent=account, state=state))
        if each.cancel_bill == bill
    )
    return list(client.billing.list_segments(pb.ListBillSegmentsRequest(parent=account, bill=bill))), list(canceled)
