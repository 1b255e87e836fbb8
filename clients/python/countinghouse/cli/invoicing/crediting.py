"""`countinghouse invoicing credit`: invoices that are out are given back."""

from typing import Annotated

import typer

from countinghouse.cli.invoicing.adding import money
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
    amount_: Annotated[
        str, typer.Option("--amount", metavar="NET", help="Of the one line so much alone, such as 3.50: net.")
    ] = "",
    quantity: Annotated[str, typer.Option(help="Of the one line so much of its quantity alone.")] = "",
    validate_only: Annotated[
        bool, typer.Option("--dry-run", "--validate-only", help="Show the credit note; make none.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Give a locked invoice back, or some of its lines, by a credit note.

    Lines of a bill go back by whole segments: naming one of a segment gives back all of it. Of any other line a part
    can be given back, by --amount or --quantity, until nothing of it is left.
    """
    from countinghouse.invoicing.v1 import credit_notes_pb2 as pb
    from countinghouse.invoicing.v1 import invoices_pb2

    name = invoice_name(invoice)
    lines = [f"{name}/lines/{each}" for each in sorted(set(line or ()))]
    if (amount_ or quantity) and (len(lines) != 1 or (amount_ and quantity)):
        raise typer.BadParameter("either stands alone, beside one --line", param_hint="--amount, --quantity")
    request = pb.CreateCreditNoteRequest(invoice=name, reason=reason, validate_only=validate_only)
    with session(context) as client:
        if amount_ or quantity:
            part = request.parts.add(line=lines[0])
            if quantity:
                part.quantity.value = quantity
            else:
                invoice_ = client.invoicing.get_invoice(invoices_pb2.GetInvoiceRequest(name=name))
                part.net_amount.CopyFrom(money(amount_, invoice_.currency_code))
        else:
            request.lines.extend(lines)
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
