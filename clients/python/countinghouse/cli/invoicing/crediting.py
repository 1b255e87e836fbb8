"""`countinghouse invoicing credit`: invoices that are out are given back."""

from typing import Annotated

import typer

from countinghouse.cli.invoicing.words import Invoice, invoice_name, short
from countinghouse.cli.output import Column, Format, Output, amount, day, show_one
from countinghouse.cli.settings import session


def credit(
    context: typer.Context,
    invoice: Invoice,
    reason: Annotated[str, typer.Option(help="Why: for whoever gets the credit note, and the audit trail.")],
    line: Annotated[
        list[int] | None, typer.Option("--line", min=1, help="A line that is given back; again for more. Else all.")
    ] = None,
    validate_only: Annotated[bool, typer.Option("--validate-only", help="Show the credit note; make none.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Give a locked invoice back, or some of its lines, by a credit note.

    Lines of a bill go back by whole segments: naming one of a segment gives back all of it.
    """
    from countinghouse.invoicing.v1 import credit_notes_pb2 as pb

    name = invoice_name(invoice)
    request = pb.CreateCreditNoteRequest(
        invoice=name,
        lines=[f"{name}/lines/{each}" for each in sorted(set(line or ()))],
        reason=reason,
        validate_only=validate_only,
    )
    with session(context) as client:
        show_one(client.invoicing.create_credit_note(request), _COLUMNS, output)


_COLUMNS = (
    Column("CREDIT NOTE", lambda each: short(each.name)),
    Column("NUMBER", lambda each: each.number),
    Column("ISSUED", lambda each: day(each.issue_date)),
    Column("CREDITS", lambda each: short(each.credited_invoice)),
    Column("LINES", lambda each: f"{each.line_count:,}", right=True),
    Column("NET", lambda each: amount(each.net_amount), right=True),
    Column("TOTAL", lambda each: amount(each.total_amount), right=True),
)
