"""`countinghouse gl distribution-codes`."""

from typing import Annotated, Any

import typer

from countinghouse.cli.names import full
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, moment, show_list, show_one
from countinghouse.cli.settings import session

app = typer.Typer(help="Distribution codes: what an account or charge means to the ledger.", no_args_is_help=True)

COLUMNS = (
    Column("CODE", lambda one: one.code),
    Column("LEDGER", lambda one: one.ledger_code),
    Column("ACCOUNT", lambda one: one.distribution_account),
    Column("GROUP ACCOUNT", lambda one: one.group_account_code),
    Column("BULKING GROUP", lambda one: one.bulking_group),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)
MORE_COLUMNS = (
    *COLUMNS,
    Column("CATEGORY", lambda one: one.category),
    Column("SEGMENTS", lambda one: ", ".join(one.gl_segments)),
    Column("ATTRIBUTES", lambda one: ", ".join(one.attributes)),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("CHANGED", lambda one: moment(one.update_time)),
    Column("ETAG", lambda one: one.etag),
)
Code = Annotated[str, typer.Argument(help="The distribution code.")]
Description = Annotated[str | None, typer.Option(help="A description for people.")]
Ledger = Annotated[str, typer.Option(help="The code of the ledger; it never changes.")]
Account = Annotated[str | None, typer.Option(help="The account that amounts are distributed to.")]
GroupAccount = Annotated[str | None, typer.Option(help="The code of the group account.")]
BulkingGroup = Annotated[str | None, typer.Option(help="The bulking group by which extraction adds up.")]
Category = Annotated[str | None, typer.Option(help="A category for the reader.")]
Segments = Annotated[list[str] | None, typer.Option("--segment", help="A GL segment; once each, in their order.")]
Attributes = Annotated[list[str] | None, typer.Option("--attribute", help="An attribute; once each, in their order.")]


@app.command("list")
def list_(context: typer.Context, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List distribution codes by code."""
    from countinghouse.gl_extraction.v1 import distribution_codes_pb2 as pb

    with session(context) as client:
        found = client.gl.list_distribution_codes(pb.ListDistributionCodesRequest(), limit=limit or None)
        show_list(found, COLUMNS, output)


@app.command()
def get(context: typer.Context, code: Code, output: Output = Format.TABLE) -> None:
    """Show a distribution code."""
    from countinghouse.gl_extraction.v1 import distribution_codes_pb2 as pb

    with session(context) as client:
        request = pb.GetDistributionCodeRequest(name=full("distributionCodes", code))
        show_one(client.gl.get_distribution_code(request), MORE_COLUMNS, output)


@app.command()
def create(
    context: typer.Context,
    code: Code,
    ledger: Ledger,
    description: Description = None,
    account: Account = None,
    group_account: GroupAccount = None,
    bulking_group: BulkingGroup = None,
    category: Category = None,
    segment: Segments = None,
    attribute: Attributes = None,
    output: Output = Format.TABLE,
) -> None:
    """Create a distribution code."""
    from countinghouse.gl_extraction.v1 import distribution_codes_pb2 as pb

    given = _given(description, account, group_account, bulking_group, category, segment, attribute)
    with session(context) as client:
        new = pb.DistributionCode(code=code, ledger_code=ledger, **given)
        made = client.gl.create_distribution_code(pb.CreateDistributionCodeRequest(distribution_code=new))
        show_one(made, MORE_COLUMNS, output)


@app.command()
def update(
    context: typer.Context,
    code: Code,
    description: Description = None,
    account: Account = None,
    group_account: GroupAccount = None,
    bulking_group: BulkingGroup = None,
    category: Category = None,
    segment: Segments = None,
    attribute: Attributes = None,
    etag: Annotated[str, typer.Option(help="The etag as last seen; when not given, as it is now.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Change a distribution code, for the details to come; what is not given stays."""
    from countinghouse.gl_extraction.v1 import distribution_codes_pb2 as pb

    given = _given(description, account, group_account, bulking_group, category, segment, attribute)
    if not given:
        raise typer.BadParameter("nothing to change was given")
    with session(context) as client:
        if not etag:
            name = full("distributionCodes", code)
            etag = client.gl.get_distribution_code(pb.GetDistributionCodeRequest(name=name)).etag
        request = pb.UpdateDistributionCodeRequest(distribution_code=pb.DistributionCode(code=code, etag=etag, **given))
        request.update_mask.paths.extend(sorted(given))
        show_one(client.gl.update_distribution_code(request), MORE_COLUMNS, output)


def _given(*values: "str | list[str] | None") -> dict[str, Any]:
    """What was given, by field."""
    fields = (
        "description",
        "distribution_account",
        "group_account_code",
        "bulking_group",
        "category",
        "gl_segments",
        "attributes",
    )
    return {field: value for field, value in zip(fields, values, strict=True) if value is not None}
