"""`countinghouse invoicing add-line` and `import-lines`: lines come onto invoices."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.invoicing.invoices import LINE_COLUMNS
from countinghouse.cli.invoicing.words import invoice_name
from countinghouse.cli.names import full
from countinghouse.cli.output import Column, Format, Output, show_fields, show_one, show_value
from countinghouse.cli.progress import Display, Meter
from countinghouse.cli.refusals import Refused, show_refused
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from google.type.decimal_pb2 import Decimal
    from google.type.money_pb2 import Money

    from countinghouse.importing.invoice_lines import LinesImportResult

Cycle = Annotated[str, typer.Option(help="The billing cycle on whose running invoices lines come.")]
Currency = Annotated[str, typer.Option(help="The currency of the amounts (ISO 4217).")]
Source = Annotated[str, typer.Option(help="The system that lines come from.")]


def add_line(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="ACCOUNT|INVOICE", help="An account's id, or ACCOUNT/ID.")],
    description: Annotated[str, typer.Argument(metavar="TEXT", help="What the line is for.")],
    net: Annotated[str, typer.Option("--net", help="The net amount, such as 25.50; below zero it is given back.")],
    currency: Currency,
    code: Annotated[str, typer.Option("--code", help="The distribution code that it is posted by.")],
    tax: Annotated[str, typer.Option(help="The tax category of EN 16931.")] = "S",
    rate: Annotated[str, typer.Option(help="The tax rate in percent.")] = "",
    cycle: Cycle = "",
    source: Source = "command-line",
    external_id: Annotated[str, typer.Option("--id", help="Its id there; a new one if not given.")] = "",
    quantity: Annotated[str, typer.Option(help="How much; with --price.")] = "",
    price: Annotated[str, typer.Option(help="The price of one unit.")] = "",
    unit: Annotated[str, typer.Option(help="The unit, by UN/ECE recommendation 20, such as KWH.")] = "",
    start: Annotated[datetime | None, choices.day_option("--from", text="The first day that it is for.")] = None,
    end: Annotated[datetime | None, choices.day_option("--until", text="The day behind the last.")] = None,
    validate_only: Annotated[
        bool, typer.Option("--dry-run", "--validate-only", help="Show the line; add nothing.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Put a line on the running invoice of an account, or on an invoice that is not locked.

    For an account, --cycle says which running invoice is meant.
    """
    from uuid import uuid4

    from countinghouse.invoicing.v1 import invoice_lines_pb2 as pb

    on_invoice = "/" in target.removeprefix("accounts/")
    line = pb.InvoiceLine(
        source=source,
        external_id=external_id or str(uuid4()),
        description=description,
        net_amount=money(net, currency),
        tax_category=tax,
        tax_percent=_decimal(rate),
        quantity=_decimal(quantity),
        price=_decimal(price),
        unit_code=unit,
        start_date=choices.day(start),
        end_date=choices.day(end),
        distribution_code=code,
    )
    request = pb.CreateInvoiceLineRequest(
        parent=invoice_name(target) if on_invoice else full("accounts", target),
        invoice_line=line,
        billing_cycle=full("billingCycles", cycle) if cycle else "",
        validate_only=validate_only,
    )
    with session(context) as client:
        made = client.invoicing.create_line(request)
    show_one(made, (Column("NAME", lambda each: each.name), *LINE_COLUMNS[1:]), output)


def import_lines(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV with a heading, plain or gzip, in UTF-8.", dir_okay=False)
    ],
    cycle: Cycle,
    currency: Annotated[str, typer.Option(help="The currency (ISO 4217) of lines that tell none.")] = "",
    source: Annotated[str, typer.Option(help="The source of lines that tell none.")] = "import",
    report: Annotated[Path | None, typer.Option(help="Write every refused line to this CSV file.")] = None,
    show: Annotated[int, typer.Option(min=0, help="How many refused lines to show of each reason.")] = 3,
    allow_refused: Annotated[int, typer.Option(min=0, help="More refused lines than this: exit code 9.")] = 0,
    streams: Annotated[int, typer.Option(min=1, max=16, help="Streams to send at once.")] = 2,
    output: Output = Format.TABLE,
) -> None:
    """Put lines of a file on the running invoices of their accounts, and account for every record.

    Columns are account, external_id, description, amount, tax_category and distribution_code; and where they are told,
    source, currency, tax_percent, quantity, unit_code, price, start_date and end_date. The same file imported twice
    adds nothing.
    """
    from countinghouse.importing.invoice_lines import Defaults, ImportOfLines
    from countinghouse.importing.records import UnreadableFile
    from countinghouse.importing.report import Report

    with ExitStack() as stack:
        display = stack.enter_context(Display())
        refused = Refused(show, None if report is None else stack.enter_context(Report(report)))
        meter = Meter(display, "import", "lines")
        try:
            run = ImportOfLines(file, Defaults(source, currency), on_refused=refused.add, on_line=meter.reach)
        except UnreadableFile as error:
            raise typer.BadParameter(str(error)) from error
        client = stack.enter_context(session(context, patient=True))
        meter.begin(run.result.content.line_count)
        stack.enter_context(_telling_how_far(run.result, display))
        send = partial(
            client.invoicing.ingest_lines.outcomes,
            billing_cycle=full("billingCycles", cycle),
            streams=streams,
            on_retry=display.retry,
        )
        result = run.send(send)
        meter.end()
    if output is Format.TABLE:
        show_fields(_fields(result))
        if result.refused_count:
            print()
            show_refused(result, refused.shown, report)
    else:
        show_value(_plain(result), output)
    if result.refused_count > allow_refused:
        raise typer.Exit(FINDINGS)


def money(text: str, currency: str) -> "Money":
    """An amount that was typed, in a currency."""
    from countinghouse.importing.amounts import Notation
    from countinghouse.values import money_from_decimal

    try:
        return money_from_decimal(Notation().parse(text), currency)
    except (ValueError, ArithmeticError) as error:
        raise typer.BadParameter(str(error), param_hint="amount") from error


def _decimal(text: str) -> "Decimal | None":
    from google.type.decimal_pb2 import Decimal

    return Decimal(value=text) if text else None


@contextmanager
def _telling_how_far(result: "LinesImportResult", display: Display) -> Iterator[None]:
    """Says, when the sending is interrupted or fails, what stands and how to go on."""
    try:
        yield
    except BaseException:
        display.note(f"{result.created_count:,} lines or more were stored.")
        display.note("The same command again takes in the rest, and nothing twice.")
        raise


def _fields(result: "LinesImportResult") -> list[tuple[str, str]]:
    return [
        ("file", str(result.content.path)),
        ("SHA-256", result.content.sha256),
        ("lines read", f"{result.read_count:,}"),
        ("added", f"{result.created_count:,}"),
        ("there already", f"{result.unchanged_count:,}"),
        ("refused", f"{result.refused_count:,}"),
    ]


def _plain(result: "LinesImportResult") -> dict[str, object]:
    """The result as plain values."""
    return {
        "file": str(result.content.path),
        "sha256": result.content.sha256,
        "readCount": result.read_count,
        "createdCount": result.created_count,
        "unchangedCount": result.unchanged_count,
        "refusedCount": result.refused_count,
        "refusedCountByReason": dict(result.refused_count_by_reason),
    }
