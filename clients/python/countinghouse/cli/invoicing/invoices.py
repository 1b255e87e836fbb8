"""`countinghouse invoicing invoices`, `show`, `lines`: invoices, and what stands on them."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.invoicing.words import Invoice, invoice_name, short
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
    say,
    show_fields,
    show_list,
    show_table,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from countinghouse.client import Client
    from countinghouse.invoicing.v1.invoice_lines_pb2 import InvoiceLine
    from countinghouse.invoicing.v1.invoices_pb2 import ExplainInvoiceResponse, InvoiceTax
    from countinghouse.invoicing.v1.invoices_pb2 import Invoice as InvoiceProto

Published = Annotated[bool, typer.Option("--published", help="What readers see: published invoices alone.")]

_LINES_SHOWN = 50


class InvoiceState(StrEnum):
    """Where an invoice stands."""

    RUNNING = "running"
    CLOSED = "closed"
    LOCKED = "locked"
    PUBLISHED = "published"
    MERGED = "merged"


def invoices(
    context: typer.Context,
    account: Annotated[str, typer.Option(help="Of this account.")] = "",
    cycle: Annotated[str, typer.Option(help="Of this billing cycle.")] = "",
    schedule: Annotated[str, typer.Option(help="Of this schedule of the cycle.")] = "",
    batch: Annotated[str, typer.Option(help="Closed by this batch.")] = "",
    state: Annotated[list[InvoiceState] | None, typer.Option(help="In this state; may be given again.")] = None,
    number: Annotated[str, typer.Option(help="With this legal number.")] = "",
    credits_: Annotated[str, typer.Option("--credits", metavar="INVOICE", help="Credit notes of this invoice.")] = "",
    published: Published = False,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List invoices: by account and age, or of a cycle by schedule."""
    from countinghouse.invoicing.v1 import invoices_pb2 as pb

    if schedule and not cycle:
        raise typer.BadParameter("needs --cycle", param_hint="--schedule")
    parent = full("billingCycles", cycle) if cycle else ""
    wanted = pb.InvoiceFilter(
        account=full("accounts", account) if account else "",
        billing_cycle=parent,
        invoice_schedule=f"{parent}/schedules/{last(schedule)}" if schedule else "",
        invoice_batch=full("invoiceBatches", batch) if batch else "",
        states=[pb.InvoiceState.Value(f"INVOICE_STATE_{each.name}") for each in state or ()],
        number=number,
        credited_invoice=invoice_name(credits_) if credits_ else "",
    )
    with session(context) as client:
        if published:
            request = pb.ListPublishedInvoicesRequest(filter=wanted)
            found = client.invoicing.list_published_invoices(request, limit=limit or None)
        else:
            found = client.invoicing.list_invoices(pb.ListInvoicesRequest(filter=wanted), limit=limit or None)
        show_list(found, _COLUMNS, output)


def show(context: typer.Context, invoice: Invoice, published: Published = False, output: Output = Format.TABLE) -> None:
    """Show an invoice with its lines, and why it stands where it stands."""
    from countinghouse.invoicing.v1 import invoices_pb2 as pb

    name = invoice_name(invoice)
    with session(context) as client:
        if published:
            told = pb.ExplainInvoiceResponse(
                invoice=client.invoicing.get_published_invoice(pb.GetPublishedInvoiceRequest(name=name))
            )
        else:
            told = client.invoicing.explain_invoice(pb.ExplainInvoiceRequest(name=name))
        if output is not Format.TABLE:
            show_value(jsonable(told), output)
            return
        lines = list(_lines_of(client, name, _LINES_SHOWN + 1, published=published))
    _show(told, lines)


def lines(
    context: typer.Context,
    invoice: Invoice,
    published: Published = False,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List the lines of an invoice by arrival."""
    with session(context) as client:
        found = _lines_of(client, invoice_name(invoice), limit or None, published=published)
        show_list(found, LINE_COLUMNS, output)


def _lines_of(client: "Client", name: str, limit: int | None, *, published: bool) -> "Iterator[InvoiceLine]":
    from countinghouse.invoicing.v1 import invoice_lines_pb2 as pb

    if published:
        return client.invoicing.list_published_lines(pb.ListPublishedInvoiceLinesRequest(parent=name), limit=limit)
    return client.invoicing.list_lines(pb.ListInvoiceLinesRequest(parent=name), limit=limit)


def _state(invoice: "InvoiceProto") -> str:
    from countinghouse.invoicing.v1 import invoices_pb2 as pb

    return word(pb.InvoiceState, invoice.state)


def _quantity(line: "InvoiceLine") -> str:
    return f"{line.quantity.value} {line.unit_code} à {line.price.value}" if line.quantity.value else ""


def _tax(line: "InvoiceLine") -> str:
    return f"{line.tax_category} {line.tax_percent.value} %"


def _period(line: "InvoiceLine") -> str:
    return f"{day(line.start_date)} to {day(line.end_date)}" if line.HasField("start_date") else ""


_COLUMNS = (
    Column("INVOICE", lambda each: short(each.name)),
    Column("STATE", _state),
    Column("SCHEDULE", lambda each: last(each.invoice_schedule)),
    Column("NUMBER", lambda each: each.number),
    Column("LINES", lambda each: f"{each.line_count:,}", right=True),
    Column("NET", lambda each: amount(each.net_amount), right=True),
    Column("TOTAL", lambda each: amount(each.total_amount) if each.aggregated else "", right=True),
)
LINE_COLUMNS = (
    Column("LINE", lambda each: last(each.name), right=True),
    Column("DESCRIPTION", lambda each: each.description, prose=True),
    Column("PERIOD", _period),
    Column("QUANTITY", _quantity),
    Column("TAX", _tax),
    Column("NET", lambda each: amount(each.net_amount), right=True),
)
_TAX_COLUMNS = (Column("TAX", str), Column("NET", str, right=True), Column("TAX DUE", str, right=True))


def _show(told: "ExplainInvoiceResponse", lines: "list[InvoiceLine]") -> None:
    found = told.invoice
    show_fields(
        [
            ("invoice", short(found.name)),
            ("state", _state(found) + (", final" if found.final else "")),
            ("number", found.number),
            ("issued", day(found.issue_date)),
            ("due", day(found.due_date)),
            ("cycle", last(found.billing_cycle)),
            ("schedule", last(found.invoice_schedule)),
            ("batch", last(found.invoice_batch)),
            ("carried", f"{found.carried_count:,} times" if found.carried_count else ""),
            ("credits", short(found.credited_invoice)),
            ("reason", found.reason),
            ("given back", amount(found.credited_amount) if found.HasField("credited_amount") else ""),
            ("merged into", short(found.merged_into)),
            ("net", amount(found.net_amount)),
            ("tax", amount(found.tax_amount) if found.aggregated else ""),
            ("total", amount(found.total_amount) if found.aggregated else ""),
        ]
    )
    if lines:
        print()
        show_table(LINE_COLUMNS, [[column.text(each) for column in LINE_COLUMNS] for each in lines[:_LINES_SHOWN]])
    if found.taxes:
        print()
        show_table(_TAX_COLUMNS, [_tax_cells(each) for each in found.taxes])
    if told.reasons:
        print()
        show_fields([(each.code, each.description) for each in told.reasons])
    if len(lines) > _LINES_SHOWN:
        say(f"It has {found.line_count:,} lines; `countinghouse invoicing lines --limit 0` lists them all.")


def _tax_cells(tax: "InvoiceTax") -> list[str]:
    return [f"{tax.tax_category} {tax.tax_percent.value} %", amount(tax.net_amount), amount(tax.tax_amount)]
