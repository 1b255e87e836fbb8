"""`countinghouse accounting claims`."""

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.accounting.words import Claim, claim_name, examples, money_of, pairs_of
from countinghouse.cli.names import last
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
    show_list,
    show_one,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from google.type.date_pb2 import Date

app = typer.Typer(help="Claims and their disputes.", no_args_is_help=True)


class State(StrEnum):
    """Where a claim stands."""

    OPEN = "open"
    RESOLVED = "resolved"


def _state(claim: Any) -> str:  # noqa: ANN401 - the type is imported when it is needed
    from countinghouse.accounting.v1.claims_pb2 import ClaimState

    return word(ClaimState, claim.state)


COLUMNS = (
    Column("CLAIM", lambda one: last(one.name)),
    Column("CLIENT", lambda one: one.client_code),
    Column("TYPE", lambda one: one.claim_type_code),
    Column("STATE", _state),
    Column("ACCOUNT", lambda one: one.account),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)
_MORE_COLUMNS = (
    *COLUMNS,
    Column("DATES", lambda one: "\n".join(f"{name} {day(one.dates[name])}" for name in sorted(one.dates))),
    Column("ATTRIBUTES", lambda one: "\n".join(f"{name}={one.attributes[name]}" for name in sorted(one.attributes))),
    Column("RESOLUTION", lambda one: one.resolution),
    Column("RESOLVED", lambda one: moment(one.resolve_time)),
    Column("ETAG", lambda one: one.etag),
)
_DISPUTE_COLUMNS = (
    Column("DISPUTE", lambda one: last(one.name)),
    Column("AMOUNT", lambda one: amount(one.amount), right=True),
    Column("TRANSACTION", lambda one: day(one.transaction_date)),
    Column("FURTHER", lambda one: "\n".join(f"{name} {amount(one.amounts[name])}" for name in sorted(one.amounts))),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)


@app.command("list")
def list_(
    context: typer.Context,
    client: Annotated[str, typer.Option(help="Only of this client.")] = "",
    claim_type: Annotated[str, typer.Option("--type", help="Only of this claim type.")] = "",
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List claims by id."""
    from countinghouse.accounting.v1 import claims_pb2 as pb

    request = pb.ListClaimsRequest(
        client_code=last(client), claim_type_code=last(claim_type), state=choices.number(pb.ClaimState, state)
    )
    with session(context) as connected:
        show_list(connected.accounting.list_claims(request, limit=limit or None), COLUMNS, output)


@app.command()
def show(
    context: typer.Context,
    claim: Claim,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many disputes at most; 0 for all.")] = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """Show a claim and its disputes."""
    from countinghouse.accounting.v1 import claims_pb2 as pb

    with session(context) as client:
        found = client.accounting.get_claim(pb.GetClaimRequest(name=claim_name(claim)))
        disputes = client.accounting.list_disputes(pb.ListDisputesRequest(parent=found.name), limit=limit or None)
        if output is Format.TABLE:
            show_one(found, _MORE_COLUMNS, output)
            print()
            show_list(disputes, _DISPUTE_COLUMNS, output)
        else:
            show_value({**jsonable(found), "disputes": [jsonable(one) for one in disputes]}, output)


@app.command(epilog=examples("claims create C-1 --client ACME --type CARD --account 4711 --dispute 1='150.00 USD'"))
def create(
    context: typer.Context,
    client: Annotated[str, typer.Option(help="Whose claim it is.")],
    claim_type: Annotated[str, typer.Option("--type", help="The claim type.")],
    disputes: Annotated[
        list[str], typer.Option("--dispute", metavar="D=AMOUNT", help="A dispute, such as 1='150.00 USD'.")
    ],
    claim: Annotated[str, typer.Argument(metavar="[CLAIM]", help="The claim's id; else the server makes one.")] = "",
    account: Annotated[str, typer.Option(help="The account of the claim's holder.")] = "",
    description: Annotated[str, typer.Option(help="A description for people.")] = "",
    attributes: Annotated[
        list[str] | None, typer.Option("--attribute", metavar="NAME=VALUE", help="For conditions of rules to read.")
    ] = None,
    dates: Annotated[
        list[str] | None, typer.Option("--date", metavar="NAME=DAY", help="A date that rules may wait for.")
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Create a claim with its disputes."""
    from countinghouse.accounting.v1 import claims_pb2 as pb

    request = pb.CreateClaimRequest(
        claim_id=last(claim),
        claim=pb.Claim(
            client_code=last(client),
            claim_type_code=last(claim_type),
            account=account,
            description=description,
            attributes=pairs_of(attributes or (), "--attribute"),
            dates={name: _day(text) for name, text in pairs_of(dates or (), "--date").items()},
        ),
        disputes=[
            pb.NewDispute(dispute_id=code, dispute=pb.Dispute(amount=money_of(given)))
            for code, given in pairs_of(disputes, "--dispute").items()
        ],
    )
    with session(context) as connected:
        show_one(connected.accounting.create_claim(request), COLUMNS, output)


def _day(text: str) -> "Date":
    from countinghouse.values import date_to_proto

    try:
        return date_to_proto(date.fromisoformat(text))
    except ValueError:
        raise typer.BadParameter(f"'{text}' is no day: write YYYY-MM-DD", param_hint="--date") from None
