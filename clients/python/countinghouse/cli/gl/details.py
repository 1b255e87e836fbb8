"""`countinghouse gl details`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.choices import ExtractionStatus, Origin, SubjectType, day_option
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    amount,
    day,
    jsonable,
    moment,
    show_fields,
    show_list,
    show_one,
    show_table,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.gl_extraction.v1.accounting_details_pb2 import AccountingDetail

app = typer.Typer(help="Accounting details: list, get, undo, reverse.", no_args_is_help=True)


def _origin(one: "AccountingDetail") -> str:
    from countinghouse.gl_extraction.v1.accounting_details_pb2 import Origin as Enum

    return word(Enum, one.origin)


def _marks(one: "AccountingDetail") -> str:
    marks = (("void", one.void), ("reversal", one.reversal), ("reversed", one.reversed_by), ("invoiced", one.invoiced))
    return ", ".join(name for name, on in marks if on)


COLUMNS = (
    Column("DETAIL", lambda one: last(one.name)),
    Column("DATE", lambda one: day(one.accounting_date)),
    Column("LEDGER", lambda one: one.ledger_code),
    Column("ACCOUNT", lambda one: one.distribution_account),
    Column("BULKING GROUP", lambda one: one.bulking_group),
    Column("DEBIT", lambda one: amount(one.debit) if one.HasField("debit") else "", right=True),
    Column("CREDIT", lambda one: amount(one.credit) if one.HasField("credit") else "", right=True),
    Column("BATCH", lambda one: last(one.extraction_batch)),
    Column("MARKS", _marks),
    Column("DESCRIPTION", lambda one: " ".join(one.description.split()), prose=True),
)
MORE_COLUMNS = (
    *COLUMNS,
    Column("SOURCE", lambda one: one.source),
    Column("EXTERNAL ID", lambda one: one.external_id),
    Column("ORIGIN", _origin),
    Column("SUBJECT", lambda one: one.subject),
    Column("GROUPING", lambda one: one.grouping),
    Column("GROUP ACCOUNT", lambda one: one.group_account_code),
    Column("PERIOD", lambda one: one.accounting_period_code),
    Column("TRANSACTION DATE", lambda one: day(one.transaction_date)),
    Column("CATEGORY", lambda one: one.category),
    Column("GL SEGMENTS", lambda one: " | ".join(one.gl_segments)),
    Column("ATTRIBUTES", lambda one: " | ".join(one.attributes)),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("EXTRACTED", lambda one: moment(one.extraction_time)),
    Column("VOIDED", lambda one: moment(one.void_time)),
    Column("REVERSES", lambda one: last(one.reverses)),
    Column("REVERSED BY", lambda one: last(one.reversed_by)),
)
Reason = Annotated[str, typer.Option(help="Why; kept in the audit trail.")]
ValidateOnly = Annotated[
    bool, typer.Option("--dry-run", "--validate-only", help="Show what would happen; change nothing.")
]


@app.command("list")
def list_(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="Only of this source.")] = "",
    external_id: Annotated[str, typer.Option(help="Only this external id; needs --source.")] = "",
    subject: Annotated[str, typer.Option(help="Only of this policy, claim or account.")] = "",
    subject_type: Annotated[SubjectType | None, typer.Option(help="What the subject is.")] = None,
    origin: Annotated[Origin | None, typer.Option(help="Only of this origin.")] = None,
    grouping: Annotated[str, typer.Option(help="Only of this transaction set.")] = "",
    bulking_group: Annotated[str | None, typer.Option(help="Only of this bulking group; may be empty.")] = None,
    ledger: Annotated[str, typer.Option(help="Only of this ledger.")] = "",
    period: Annotated[str, typer.Option(help="Only of this accounting period.")] = "",
    account: Annotated[str, typer.Option(help="Only of this distribution account.")] = "",
    group_account: Annotated[str, typer.Option(help="Only of this group account.")] = "",
    currency: Annotated[str, typer.Option(help="Only in this currency.")] = "",
    first: Annotated[datetime | None, day_option("--from", text="Accounting dates from this day on.")] = None,
    until: Annotated[datetime | None, day_option("--to", text="Accounting dates up to this day.")] = None,
    status: Annotated[ExtractionStatus | None, typer.Option(help="Extracted or not.")] = None,
    batch: Annotated[str, typer.Option(help="Only stamped with this batch.")] = "",
    void: Annotated[bool | None, typer.Option("--void/--not-void", help="Void or not.")] = None,
    reversal: Annotated[bool | None, typer.Option("--reversal/--not-reversal", help="Reversals or not.")] = None,
    invoiced: Annotated[bool | None, typer.Option("--invoiced/--not-invoiced", help="Invoiced or not.")] = None,
    order_by: Annotated[str, typer.Option(help="create_time or accounting_date, optionally ' desc'.")] = "",
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List details; options that are given must all hold."""
    from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2

    wanted = details_pb2.AccountingDetailFilter(
        source=source,
        external_id=external_id,
        subject_type=choices.number(details_pb2.SubjectType, subject_type),
        subject=subject,
        origin=choices.number(details_pb2.Origin, origin),
        grouping=grouping,
        bulking_group=bulking_group,
        ledger_code=ledger,
        accounting_period_code=period,
        distribution_account=account,
        group_account_code=group_account,
        currency_code=currency,
        accounting_date_from=choices.day(first),
        accounting_date_to=choices.day(until),
        extraction_status=choices.number(details_pb2.ExtractionStatus, status),
        extraction_batch=full("extractionBatches", batch) if batch else "",
        void=void,
        reversal=reversal,
        invoiced=invoiced,
    )
    request = details_pb2.ListAccountingDetailsRequest(filter=wanted, order_by=order_by)
    with session(context) as client:
        show_list(client.gl.list_details(request, limit=limit or None), COLUMNS, output)


@app.command()
def get(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="DETAIL", help="The detail's id or full name.")],
    output: Output = Format.TABLE,
) -> None:
    """Show a detail."""
    from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2

    with session(context) as client:
        request = details_pb2.GetAccountingDetailRequest(name=full("accountingDetails", name))
        show_one(client.gl.get_detail(request), MORE_COLUMNS, output)


@app.command()
def undo(
    context: typer.Context,
    reason: Reason,
    subject: Annotated[str, typer.Option(help="All details of this subject.")] = "",
    subject_type: Annotated[SubjectType | None, typer.Option(help="What the subject is.")] = None,
    registration: Annotated[str, typer.Option(help="All details of this registration.")] = "",
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Mark all details of a subject or of a registration void, so that they can be made again."""
    from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2

    if bool(subject) == bool(registration):
        raise typer.BadParameter("give one of --subject and --registration")
    request = details_pb2.UndoAccountingDetailsRequest(reason=reason, validate_only=validate_only)
    if subject:
        request.subject.subject = subject
        request.subject.subject_type = choices.number(details_pb2.SubjectType, subject_type)
    else:
        request.registration = registration
    with session(context) as client:
        answer = client.gl.undo_details(request)
    if output is not Format.TABLE:
        show_value(jsonable(answer), output)
        return
    show_fields(
        [
            ("would be voided" if validate_only else "voided", f"{answer.voided_count:,}"),
            ("of them extracted", f"{answer.stamped_count:,}"),
        ]
    )
    if answer.to_resend:
        print("To be resent, for voiding does not un-send:")
        columns = (Column("BATCH", str), Column("DETAILS", str, right=True), Column("NEXT", str))
        batches = [(last(one.extraction_batch), one.detail_count) for one in answer.to_resend]
        show_table(
            columns,
            [[batch, f"{count:,}", f"countinghouse gl extract --batch {batch} --watch"] for batch, count in batches],
        )


@app.command()
def reverse(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="DETAIL...", help="Ids or full names.")],
    reason: Reason,
    date: Annotated[
        datetime | None, day_option("--date", text="The reversals' accounting date; today when not given.")
    ] = None,
    validate_only: ValidateOnly = False,
    output: ListOutput = Format.TABLE,
) -> None:
    """Make reversals of details, all or none: sides swapped, on a day of their own."""
    from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2

    request = details_pb2.ReverseAccountingDetailsRequest(
        names=[full("accountingDetails", name) for name in names],
        accounting_date=choices.day(date),
        reason=reason,
        validate_only=validate_only,
    )
    with session(context) as client:
        show_list(client.gl.reverse_details(request).accounting_details, COLUMNS, output)
