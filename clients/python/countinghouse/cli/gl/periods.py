"""`countinghouse gl periods`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.choices import day_option
from countinghouse.cli.names import full, period
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, day, moment, show_list, show_one, word
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.gl_extraction.v1.reference_pb2 import AccountingPeriod

app = typer.Typer(help="Accounting periods of a ledger: list, create, close, reopen.", no_args_is_help=True)


def _state(one: "AccountingPeriod") -> str:
    from countinghouse.gl_extraction.v1.reference_pb2 import AccountingPeriodState

    return word(AccountingPeriodState, one.state)


COLUMNS = (
    Column("PERIOD", lambda one: one.code),
    Column("FIRST", lambda one: day(one.start_date)),
    Column("LAST", lambda one: day(one.end_date)),
    Column("STATE", _state),
    Column("CHANGED", lambda one: moment(one.update_time)),
    Column("ETAG", lambda one: one.etag),
)
Ledger = Annotated[str, typer.Argument(help="The ledger's code.")]
Code = Annotated[str, typer.Argument(metavar="PERIOD", help="The period's code, such as 2026-11.")]
Etag = Annotated[str, typer.Option(help="Refuse if the period was changed since this etag.")]


@app.command("list")
def list_(context: typer.Context, ledger: Ledger, limit: Limit = 0, output: ListOutput = Format.TABLE) -> None:
    """List a ledger's periods by date."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    request = reference_pb2.ListAccountingPeriodsRequest(parent=full("ledgers", ledger))
    with session(context) as client:
        show_list(client.gl.list_periods(request, limit=limit or None), COLUMNS, output)


@app.command()
def get(context: typer.Context, ledger: Ledger, code: Code, output: Output = Format.TABLE) -> None:
    """Show a period."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    with session(context) as client:
        request = reference_pb2.GetAccountingPeriodRequest(name=period(ledger, code))
        show_one(client.gl.get_period(request), COLUMNS, output)


@app.command()
def create(
    context: typer.Context,
    ledger: Ledger,
    code: Code,
    first: Annotated[datetime, day_option("--first", text="The first day.")],
    last: Annotated[datetime, day_option("--last", text="The last day.")],
    output: Output = Format.TABLE,
) -> None:
    """Create a period, open. A ledger's periods follow each other without a gap."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    made = reference_pb2.AccountingPeriod(code=code, start_date=choices.day(first), end_date=choices.day(last))
    request = reference_pb2.CreateAccountingPeriodRequest(parent=full("ledgers", ledger), accounting_period=made)
    with session(context) as client:
        show_one(client.gl.create_period(request), COLUMNS, output)


@app.command()
def close(
    context: typer.Context,
    ledger: Ledger,
    code: Code,
    force: Annotated[bool, typer.Option("--force", help="Although details in it are not extracted.")] = False,
    reason: Annotated[str, typer.Option(help="Why it is forced; kept in the audit trail.")] = "",
    etag: Etag = "",
    output: Output = Format.TABLE,
) -> None:
    """Close a period: nothing more is taken into it."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    request = reference_pb2.CloseAccountingPeriodRequest(
        name=period(ledger, code), force=force, reason=reason, etag=etag
    )
    with session(context) as client:
        show_one(client.gl.close_period(request), COLUMNS, output)


@app.command()
def reopen(
    context: typer.Context,
    ledger: Ledger,
    code: Code,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")],
    etag: Etag = "",
    output: Output = Format.TABLE,
) -> None:
    """Reopen a closed period."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    request = reference_pb2.ReopenAccountingPeriodRequest(name=period(ledger, code), reason=reason, etag=etag)
    with session(context) as client:
        show_one(client.gl.reopen_period(request), COLUMNS, output)
