"""`countinghouse invoicing recipients` and `recipient`: to whom the invoices of accounts go."""

from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.names import full, last
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, moment, show_list, show_one
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.invoicing.v1.recipients_pb2 import Recipient


def _place(one: "Recipient") -> str:
    address = one.party.address
    town = f"{address.postal_code} {address.city}".strip()
    return ", ".join(part for part in (address.street, town, address.country_code) if part)


def _electronic(one: "Recipient") -> str:
    party = one.party
    return f"{party.electronic_address_scheme}:{party.electronic_address}" if party.electronic_address else ""


_COLUMNS = (
    Column("ACCOUNT", lambda one: last(one.name)),
    Column("NAME", lambda one: one.party.name, prose=True),
    Column("ADDRESS", _place, prose=True),
    Column("ELECTRONIC", _electronic),
    Column("CHANGED", lambda one: moment(one.update_time)),
)
_MORE = (
    *_COLUMNS[:-1],
    Column("VAT ID", lambda one: one.party.vat_id),
    Column("REFERENCE", lambda one: one.reference),
    Column("CONTACT", lambda one: one.party.contact_name),
    _COLUMNS[-1],
    Column("ETAG", lambda one: one.etag),
)


def recipients(context: typer.Context, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List recipients by account."""
    from countinghouse.invoicing.v1 import recipients_pb2 as pb

    with session(context) as client:
        show_list(client.invoicing.list_recipients(pb.ListRecipientsRequest(), limit=limit or None), _COLUMNS, output)


def recipient(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")],
    output: Output = Format.TABLE,
) -> None:
    """Show to whom the invoices of an account go."""
    from countinghouse.invoicing.v1 import recipients_pb2 as pb

    with session(context) as client:
        request = pb.GetRecipientRequest(name=full("recipients", last(account)))
        show_one(client.invoicing.get_recipient(request), _MORE, output)
