"""`countinghouse invoicing final` and `remove-line`: invoices that are not locked are changed."""

from typing import Annotated

import typer

from countinghouse.cli.invoicing.words import Invoice, invoice_name
from countinghouse.cli.output import Format, Output, jsonable, say, show_value
from countinghouse.cli.settings import session

ValidateOnly = Annotated[bool, typer.Option("--dry-run", "--validate-only", help="Check the call; change nothing.")]


def final(
    context: typer.Context,
    invoice: Invoice,
    is_final: Annotated[bool, typer.Option("--yes/--no", help="Whether it is.")] = True,
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Say of a running invoice that it is final: it closes with its schedule, whatever it comes to."""
    from google.protobuf.field_mask_pb2 import FieldMask

    from countinghouse.invoicing.v1 import invoices_pb2 as pb

    request = pb.UpdateInvoiceRequest(
        invoice=pb.Invoice(name=invoice_name(invoice), final=is_final),
        update_mask=FieldMask(paths=["final"]),
        validate_only=validate_only,
    )
    with session(context) as client:
        changed = client.invoicing.update_invoice(request)
    if output is not Format.TABLE:
        show_value(jsonable(changed), output)
    else:
        say(f"{invoice} is {'final' if changed.final else 'not final'}{' (not stored)' if validate_only else ''}.")


def remove_line(
    context: typer.Context,
    invoice: Invoice,
    number: Annotated[int, typer.Argument(metavar="LINE", min=1, help="The line's number.")],
    validate_only: ValidateOnly = False,
) -> None:
    """Take a line off an invoice that is not locked; a line of a bill goes with its bill alone."""
    from countinghouse.invoicing.v1 import invoice_lines_pb2 as pb

    name = f"{invoice_name(invoice)}/lines/{number}"
    with session(context) as client:
        client.invoicing.delete_line(pb.DeleteInvoiceLineRequest(name=name, validate_only=validate_only))
    say(f"{'Would be taken off' if validate_only else 'Taken off'}: line {number} of {invoice}.")
