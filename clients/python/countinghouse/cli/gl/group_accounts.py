"""`countinghouse gl group-accounts`."""

from typing import Annotated

import typer

from countinghouse.cli.names import full
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, moment, show_list, show_one
from countinghouse.cli.settings import session

app = typer.Typer(help="Group accounts, by which details can be selected for extraction.", no_args_is_help=True)

COLUMNS = (
    Column("GROUP ACCOUNT", lambda one: one.code),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("CHANGED", lambda one: moment(one.update_time)),
    Column("ETAG", lambda one: one.etag),
)
Code = Annotated[str, typer.Argument(help="The group account's code.")]
Description = Annotated[str, typer.Option(help="A description for people.")]


@app.command("list")
def list_(context: typer.Context, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List group accounts by code."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    with session(context) as client:
        show_list(
            client.gl.list_group_accounts(reference_pb2.ListGroupAccountsRequest(), limit=limit or None),
            COLUMNS,
            output,
        )


@app.command()
def get(context: typer.Context, code: Code, output: Output = Format.TABLE) -> None:
    """Show a group account."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    with session(context) as client:
        request = reference_pb2.GetGroupAccountRequest(name=full("groupAccounts", code))
        show_one(client.gl.get_group_account(request), COLUMNS, output)


@app.command()
def create(context: typer.Context, code: Code, description: Description = "", output: Output = Format.TABLE) -> None:
    """Create a group account."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    with session(context) as client:
        group_account = reference_pb2.GroupAccount(code=code, description=description)
        show_one(
            client.gl.create_group_account(reference_pb2.CreateGroupAccountRequest(group_account=group_account)),
            COLUMNS,
            output,
        )


@app.command()
def update(
    context: typer.Context,
    code: Code,
    description: Annotated[str, typer.Option(help="The new description.")],
    etag: Annotated[str, typer.Option(help="The etag as last seen; when not given, as it is now.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Change a group account's description."""
    from countinghouse.gl_extraction.v1 import reference_pb2

    with session(context) as client:
        if not etag:
            etag = client.gl.get_group_account(
                reference_pb2.GetGroupAccountRequest(name=full("groupAccounts", code))
            ).etag
        group_account = reference_pb2.GroupAccount(code=code, description=description, etag=etag)
        show_one(
            client.gl.update_group_account(reference_pb2.UpdateGroupAccountRequest(group_account=group_account)),
            COLUMNS,
            output,
        )
