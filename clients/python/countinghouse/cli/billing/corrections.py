"""`countinghouse billing complete`, `freeze`, `reopen`, `credit`, `cancel`, `rebill`, `undo`: what becomes of bills."""

from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.billing.bills import show_bill, show_segments
from countinghouse.cli.billing.words import Bill, Reason, Segment, ValidateOnly, bill_name, segment_name
from countinghouse.cli.output import Format, Output, jsonable, say, show_value
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.billing.v1 import bills_pb2
    from countinghouse.billing.v1.bill_corrections_pb2 import BillCorrection


def complete(
    context: typer.Context, bill: Bill, validate_only: ValidateOnly = False, output: Output = Format.TABLE
) -> None:
    """Complete a pending bill: its algorithms, due date, and the general ledger, or nothing at all."""
    from countinghouse.billing.v1 import bill_corrections_pb2 as pb

    request = pb.CompleteBillRequest(name=bill_name(bill), validate_only=validate_only)
    with session(context) as client:
        _show(client.billing.complete_bill(request), output)


def freeze(
    context: typer.Context, bill: Bill, validate_only: ValidateOnly = False, output: Output = Format.TABLE
) -> None:
    """Freeze what can be frozen of a pending bill: it is in the general ledger then, for good."""
    from countinghouse.billing.v1 import bill_corrections_pb2 as pb

    request = pb.FreezeBillRequest(name=bill_name(bill), validate_only=validate_only)
    with session(context) as client:
        _show(client.billing.freeze_bill(request), output)


def reopen(
    context: typer.Context,
    bill: Bill,
    reason: Reason,
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Make a complete bill pending again that did not go out yet."""
    from countinghouse.billing.v1 import bill_corrections_pb2 as pb

    request = pb.ReopenBillRequest(name=bill_name(bill), reason=reason, validate_only=validate_only)
    with session(context) as client:
        _show(client.billing.reopen_bill(request), output)


def credit(
    context: typer.Context,
    bill: Bill,
    reason: Reason,
    segment: Annotated[
        list[str] | None, typer.Option("--segment", help="A segment that is given back; again for more. Else all.")
    ] = None,
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Give a complete bill back by a credit note."""
    from countinghouse.billing.v1 import bill_corrections_pb2 as pb

    request = pb.CreateCreditNoteRequest(
        bill=bill_name(bill),
        bill_segments=map(segment_name, segment or ()),
        reason=reason,
        validate_only=validate_only,
    )
    with session(context) as client:
        _show(client.billing.create_credit_note(request), output)


def cancel(
    context: typer.Context,
    segment: Segment,
    reason: Reason,
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Take a frozen segment back, on the account's pending bill."""
    from countinghouse.billing.v1 import bill_corrections_pb2 as pb

    request = pb.CancelBillSegmentRequest(name=segment_name(segment), reason=reason, validate_only=validate_only)
    with session(context) as client:
        _show_correction(client.billing.cancel_segment(request), "taken back", output)


def rebill(
    context: typer.Context,
    segment: Segment,
    reason: Reason,
    accept_implausible: Annotated[
        bool, typer.Option("--accept-implausible", help="Let what is calculated pass whatever it comes to.")
    ] = False,
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Take a frozen segment back and calculate it anew, with all that was charged on it."""
    from countinghouse.billing.v1 import bill_corrections_pb2 as pb

    request = pb.RebillBillSegmentRequest(
        name=segment_name(segment),
        reason=reason,
        accept_implausible=accept_implausible,
        validate_only=validate_only,
    )
    with session(context) as client:
        _show_correction(client.billing.rebill_segment(request), "taken back", output)


def undo(
    context: typer.Context, segment: Segment, validate_only: ValidateOnly = False, output: Output = Format.TABLE
) -> None:
    """Leave a segment as it was that is about to be canceled or rebilled."""
    from countinghouse.billing.v1 import bill_corrections_pb2 as pb

    request = pb.UndoBillSegmentCorrectionRequest(name=segment_name(segment), validate_only=validate_only)
    with session(context) as client:
        _show_correction(client.billing.undo_segment_correction(request), "as they were", output)


def _show(found: "bills_pb2.Bill", output: Format) -> None:
    if output is Format.TABLE:
        show_bill(found)
    else:
        show_value(jsonable(found), output)


def _show_correction(found: "BillCorrection", what: str, output: Format) -> None:
    if output is not Format.TABLE:
        show_value(jsonable(found), output)
        return
    print(f"{what}:")
    show_segments(found.corrected)
    if found.made:
        print("\nin their place:")
        show_segments(found.made)
    print()
    show_bill(found.bill)
    if found.made and not found.bill.error_count:
        say("Nothing is in the ledger yet: complete the bill, or undo.")
