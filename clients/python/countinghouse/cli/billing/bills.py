"""`countinghouse billing bill`, `explain`, `regenerate`, `accept`: bills and what explains them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.billing.words import (
    Account,
    Segment,
    ValidateOnly,
    account_name,
    amount_of,
    period,
    segment_name,
    short,
    stacked,
    used,
)
from countinghouse.cli.names import last
from countinghouse.cli.output import (
    Column,
    Format,
    Output,
    amount,
    day,
    jsonable,
    say,
    show_fields,
    show_table,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from countinghouse.billing.v1.bill_segments_pb2 import BillSegment, BillSegmentExplanation, CalculationLine
    from countinghouse.billing.v1.bills_pb2 import Bill

_SEGMENT_COLUMNS = (
    Column("SEGMENT", str),
    Column("PERIOD", str),
    Column("USED", str, right=True),
    Column("AMOUNT", str, right=True),
    Column("", str, prose=True),
)
_LINE_COLUMNS = (
    Column("LINE", str),
    Column("QUANTITY", str, right=True),
    Column("RATE", str, right=True),
    Column("EXACTLY", str, right=True),
    Column("AMOUNT", str, right=True),
)
_DECIMALS_SHOWN = 6


def bill(
    context: typer.Context,
    account: Account,
    through: Annotated[
        datetime | None,
        choices.day_option("--through", text="Bill what was served before this day; else before today."),
    ] = None,
    bill_date: Annotated[datetime | None, choices.day_option("--date", text="The bill date; else today.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show what the bill would be; store nothing.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Make the pending bill of an account, or make it again: what is frozen stays.

    A segment that cannot be calculated is red, with the reason; the others go on.
    """
    from countinghouse.billing.v1 import bills_pb2 as pb

    request = pb.GenerateBillRequest(
        account=account_name(account),
        through_date=choices.day(through),
        bill_date=choices.day(bill_date),
        preview=preview,
    )
    with session(context) as client:
        found = client.billing.generate_bill(request)
    if output is not Format.TABLE:
        show_value(jsonable(found), output)
        return
    show_segments([each.segment for each in found.segments])
    print()
    show_bill(found.bill)
    if found.bill.error_count:
        say(f"Of its {found.bill.segment_count:,} segments {found.bill.error_count:,} cannot be billed as they are.")


def explain(context: typer.Context, segment: Segment, output: Output = Format.TABLE) -> None:
    """Show each line of a bill segment: quantity, rate, amount, where it comes from, how it was rounded."""
    from countinghouse.billing.v1 import bill_segments_pb2 as pb

    with session(context) as client:
        found = client.billing.explain_segment(pb.ExplainBillSegmentRequest(name=segment_name(segment)))
    if output is Format.TABLE:
        _show_explanation(found)
    else:
        show_value(jsonable(found), output)


def regenerate(
    context: typer.Context, segment: Segment, validate_only: ValidateOnly = False, output: Output = Format.TABLE
) -> None:
    """Make a bill segment again, with what depends on it."""
    from countinghouse.billing.v1 import bill_segments_pb2 as pb

    request = pb.RegenerateBillSegmentRequest(name=segment_name(segment), validate_only=validate_only)
    with session(context) as client:
        found = client.billing.regenerate_segment(request)
    if output is Format.TABLE:
        show_segments(found.bill_segments)
    else:
        show_value(jsonable(found), output)


def accept(
    context: typer.Context,
    segment: Segment,
    note: Annotated[str, typer.Option(help="Why it is right; it is kept.")],
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Let an implausible bill segment pass as it is, and make again what waits for it."""
    from countinghouse.billing.v1 import bill_segments_pb2 as pb

    request = pb.AcceptBillSegmentRequest(name=segment_name(segment), note=note, validate_only=validate_only)
    with session(context) as client:
        found = client.billing.accept_segment(request)
    if output is Format.TABLE:
        show_segments([found])
    else:
        show_value(jsonable(found), output)


def show_segments(segments: "Sequence[BillSegment]") -> None:
    """Segments as a table; what is in error is red."""
    from countinghouse.billing.v1 import bill_segments_pb2 as pb

    rows = [
        [
            stacked(f"{last(each.service_agreement)}, {each.type_code}", short(each.name)),
            period(each),
            used(each.totals),
            stacked(amount_of(each), word(pb.BillSegmentState, each.state)),
            _remark(each),
        ]
        for each in segments
    ]
    red = [place for place, each in enumerate(segments) if each.state == pb.BILL_SEGMENT_STATE_ERROR]
    show_table(_SEGMENT_COLUMNS, rows, alarming=red)


def _remark(segment: "BillSegment") -> str:
    """What is wrong with a segment, or else to be known of it."""
    if segment.reason:
        return stacked(segment.reason, segment.message)
    remarks = {"estimated": segment.estimated, "stale": segment.stale, "accepted": segment.accepted}
    return ", ".join(remark for remark, holds in remarks.items() if holds)


def show_bill(found: "Bill") -> None:
    """A bill in a few lines."""
    from countinghouse.billing.v1 import bills_pb2 as pb

    unknown = "not known before all segments are calculated"
    show_fields(
        [
            ("bill", short(found.name) or "a preview: nothing is stored"),
            ("state", word(pb.BillState, found.state)),
            ("kind", word(pb.BillKind, found.kind) if found.kind != pb.BILL_KIND_REGULAR else ""),
            ("dated", day(found.bill_date)),
            ("due", day(found.due_date) if found.HasField("due_date") else ""),
            ("amount", amount(found.amount) if found.HasField("amount") else unknown),
            ("tax in it", amount(found.tax) if found.HasField("tax") else ""),
            ("printed", stacked(*found.messages)),
            ("went out by", found.routing),
        ]
    )


def _show_explanation(found: "BillSegmentExplanation") -> None:
    from countinghouse.billing.v1 import bill_segments_pb2 as pb

    segment = found.segment
    show_fields(
        [
            ("segment", short(segment.name)),
            ("agreement", f"{last(segment.service_agreement)}, {segment.type_code}"),
            ("period", f"{day(segment.start_date)} to {day(segment.end_date)}, of {segment.full_period_days} days"),
            ("place", f"{segment.position}: {found.place_explanation}"),
            ("state", ", ".join(filter(None, [word(pb.BillSegmentState, segment.state), segment.reason]))),
            ("", segment.message),
            ("waits for", stacked(*(short(each.bill_segment) for each in segment.waits_on))),
            ("rate", segment.rate_code),
            ("amount", amount_of(segment)),
        ]
    )
    if found.lines:
        print()
        show_table(_LINE_COLUMNS, [_line(line) for line in found.lines])
    sources = {(line.usage, source) for line in found.lines for source in line.sources}
    if sources:
        print()
        show_fields([(usage, source) for usage, source in sorted(sources)])
    if found.charged_on:
        show_fields([("charged on", stacked(*map(short, found.charged_on)))])


def _line(line: "CalculationLine") -> list[str]:
    from countinghouse.billing.v1 import bill_segments_pb2 as pb
    from countinghouse.billing.v1.rates_pb2 import RoundingMode

    percent = line.kind in {
        pb.CALCULATION_LINE_KIND_PERCENTAGE,
        pb.CALCULATION_LINE_KIND_TAX,
        pb.CALCULATION_LINE_KIND_DISCOUNT,
    }
    step = f"step {line.step}" if line.step else line.bucket
    return [
        stacked(f"{line.component_code} {step}".strip(), f"{day(line.start_date)} to {day(line.end_date)}"),
        stacked(
            f"{line.quantity.value} {line.unit}" if line.unit else "",
            f"of {amount(line.base)}" if line.HasField("base") else "",
            f"{line.days} of {line.full_days} days" if line.full_days > 1 else "",
            "estimated" if line.estimated else "",
        ),
        stacked(f"{line.rate.value}{' %' if percent else ''}", f"version {last(line.rate_version)}"),
        stacked(_shortened(line.unrounded_amount.value), word(RoundingMode, line.rounding)),
        stacked(amount(line.amount), line.distribution_code),
    ]


def _shortened(decimal: str) -> str:
    """A decimal with its first decimals, and a sign that there are more."""
    whole, point, decimals = decimal.partition(".")
    more = "…" if len(decimals) > _DECIMALS_SHOWN else ""
    return f"{whole}{point}{decimals[:_DECIMALS_SHOWN]}{more}"
