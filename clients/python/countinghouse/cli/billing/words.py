"""How accounts, bills and their segments are written on the command line, and shown."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.names import full, last
from countinghouse.cli.output import amount, day

if TYPE_CHECKING:
    from countinghouse.billing.v1.bill_segments_pb2 import BillSegment, BillSegmentTotal

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id or full name.")]
Segment = Annotated[
    str, typer.Argument(metavar="SEGMENT", help="ACCOUNT/ID, as tables show it, or the segment's full name.")
]
Bill = Annotated[str, typer.Argument(metavar="BILL", help="ACCOUNT/ID, as it is shown, or the bill's full name.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the audit trail.")]
ValidateOnly = Annotated[
    bool, typer.Option("--dry-run", "--validate-only", help="Show what would happen; change nothing.")
]

_PARTS = 2


def examples(*lines: str) -> str:
    """What stands below the help of a command."""
    return "\b\n" + "\n".join(["Examples:", *(f"  countinghouse billing {line}" for line in lines)])


def account_name(account: str) -> str:
    """`A-1` or `accounts/A-1` as the latter."""
    return full("accounts", account)


def bill_name(bill: str) -> str:
    """`A-1/06c…` or `accounts/A-1/bills/06c…` as the latter. Raises: typer.BadParameter as `segment_name`."""
    return _of_account(bill, "bills", "BILL")


def segment_name(segment: str) -> str:
    """`A-1/06c…` or `accounts/A-1/billSegments/06c…` as the latter.

    Raises:
        typer.BadParameter: It names no account: ids alone are not looked up.
    """
    return _of_account(segment, "billSegments", "SEGMENT")


def exception_name(exception: str) -> str:
    """`A-1/06c…` or `accounts/A-1/billingExceptions/06c…` as the latter. Raises: as `segment_name`."""
    return _of_account(exception, "billingExceptions", "EXCEPTION")


def _of_account(given: str, collection: str, hint: str) -> str:
    parts = given.split("/")
    if len(parts) == _PARTS:
        return f"accounts/{parts[0]}/{collection}/{parts[1]}"
    if len(parts) != 2 * _PARTS:
        raise typer.BadParameter(f"write it as ACCOUNT/ID, such as A-1/{given or '06c…'}", param_hint=hint)
    return given


def short(name: str) -> str:
    """`accounts/A-1/billSegments/06c…` as `A-1/06c…`; empty for none."""
    return f"{name.split('/')[1]}/{last(name)}" if name else ""


def stacked(*lines: str) -> str:
    """Texts of one cell, a line each; lists stay as narrow as a terminal by it."""
    return "\n".join(filter(None, lines))


def period(segment: "BillSegment") -> str:
    """The days of a segment: the first, and the one that is not part of it."""
    return stacked(day(segment.start_date), day(segment.end_date))


def used(totals: Iterable["BillSegmentTotal"]) -> str:
    """What was used, a line each unit of measure."""
    return stacked(*(f"{total.quantity.value} {total.unit}" for total in totals if total.unit))


def amount_of(segment: "BillSegment") -> str:
    """What a segment comes to, as far as that is known."""
    return amount(segment.amount) if segment.HasField("amount") else ""
