"""`countinghouse gl ledgers`."""

from typing import Annotated

import typer

from countinghouse.cli.names import full
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, moment, show_list, show_one
from countinghouse.cli.settings import session

app = typer.Typer(help="Ledgers: sets of books.", no_args_is_help=True)

COLUMNS = (
    Column("LEDGER", lambda one: one.code),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("CHANGED", lambda one: moment(one.update_time)),
    Column("ETAG", lambda one: one.etag),
)
Code = Annotated[str, typer.Argument(help="The ledger's code.")]
Description = Annotated[str, typer.Option(help="A description for people.")]


@app.command("list")
def list_(context: typer.Context, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List ledgers by code."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    with session(context) as client:
        show_list(client.gl.list_ledgers(reference_pb2.ListLedgersRequest(), limit=limit or None), COLUMNS, output)


@app.command()
def get(context: typer.Context, code: Code, output: Output = Format.TABLE) -> None:
    """Show a ledger."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    with session(context) as client:
        request = reference_pb2.GetLedgerRequest(name=full("ledgers", code))
        show_one(client.gl.get_ledger(request), COLUMNS, output)


@app.command()
def create(context: typer.Context, code: Code, description: Description = "", output: Output = Format.TABLE) -> None:
    """Create a ledger."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    with session(context) as client:
        ledger = reference_pb2.Ledger(code=code, description=description)
        show_one(client.gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=ledger)), COLUMNS, output)


@app.command()
def update(
    context: typer.Context,
    code: Code,
    description: Annotated[str, typer.Option(help="The new description.")],
    etag: Annotated[str, typer.Option(help="The etag as last seen; when not given, as it is now.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Change a ledger's description."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    with session(context) as client:
        if not etag:
            etag = client.gl.get_ledger(reference_pb2.GetLedgerRequest(name=full("ledgers", code))).etag
        ledger = reference_pb2.Ledger(code=code, description=description, etag=etag)
        show_one(client.gl.update_ledger(reference_pb2.UpdateLedgerRequest(ledger=ledger)), COLUMNS, output)
