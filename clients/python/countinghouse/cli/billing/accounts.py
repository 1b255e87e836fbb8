"""`countinghouse billing account` and `order`: whom bills are made for, and in which order."""

from typing import TYPE_CHECKING, Any

import typer

from countinghouse.cli.billing.words import Account, account_name, stacked
from countinghouse.cli.names import last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    day,
    jsonable,
    moment,
    show_list,
    show_one,
    show_value,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.billing.v1.service_agreements_pb2 import CreationTurn, ProcessingPlace


def _attributes(one: Any) -> str:  # noqa: ANN401 - the types are imported when they are needed
    return stacked(*(f"{name}={one.attributes[name]}" for name in sorted(one.attributes)))


_ACCOUNT = (
    Column("ACCOUNT", lambda one: last(one.name)),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
    Column("CUSTOMER CLASS", lambda one: one.customer_class_code),
    Column("BILL CYCLE", lambda one: one.bill_cycle_code or "none"),
    Column("INVOICE CYCLE", lambda one: one.invoice_cycle_code),
    Column("CURRENCY", lambda one: one.currency_code),
    Column("TIME ZONE", lambda one: one.time_zone),
    Column("ATTRIBUTES", _attributes),
    Column("CHANGED", lambda one: moment(one.update_time)),
    Column("ETAG", lambda one: one.etag),
)
_AGREEMENTS = (
    Column("AGREEMENT", lambda one: last(one.name)),
    Column("TYPE", lambda one: stacked(one.type_code, one.rate_code and f"rate {one.rate_code}")),
    Column("MASTER", lambda one: last(one.master)),
    Column("FROM", lambda one: day(one.start_date)),
    Column("UNTIL", lambda one: day(one.end_date) if one.HasField("end_date") else ""),
    Column("PREMISE", lambda one: stacked(last(one.premise), one.time_zone)),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)
_PROFILES = (
    Column("PROFILE", lambda one: last(one.name)),
    Column("TYPE", lambda one: one.type_code),
    Column("AGREEMENT", lambda one: last(one.service_agreement)),
    Column("TIME ZONE", lambda one: one.time_zone),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)


def _sequence(place: "ProcessingPlace") -> str:
    return str(place.sequence) if place.HasField("sequence") else ""


def _turn(turn: "CreationTurn") -> str:
    return f"{turn.position}. {last(turn.profile)}, priority {turn.creation_priority}"


_PLACES = (
    Column("", lambda one: str(one.position), right=True),
    Column("AGREEMENT", lambda one: last(one.service_agreement)),
    Column("MASTER", lambda one: last(one.master)),
    Column("TYPE", lambda one: one.type_code),
    Column("SEQUENCE", _sequence, right=True),
    Column("WHY", lambda one: one.explanation, prose=True),
    Column("CREATED DATA", lambda one: stacked(*map(_turn, one.creation_turns))),
)


def account(context: typer.Context, account: Account, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """Show an account with its service agreements and profiles."""
    from countinghouse.billing.v1 import accounts_pb2, profiles_pb2, service_agreements_pb2

    name = account_name(account)
    with session(context) as client:
        found = client.billing.get_account(accounts_pb2.GetAccountRequest(name=name))
        agreements = client.billing.list_agreements(
            service_agreements_pb2.ListServiceAgreementsRequest(parent=name), limit=limit or None
        )
        profiles = client.billing.list_profiles(profiles_pb2.ListProfilesRequest(parent=name), limit=limit or None)
        if output is Format.TABLE:
            show_one(found, _ACCOUNT, output)
            print()
            show_list(agreements, _AGREEMENTS, output)
            print()
            show_list(profiles, _PROFILES, output)
        else:
            parts = {
                "serviceAgreements": [jsonable(one) for one in agreements],
                "profiles": [jsonable(one) for one in profiles],
            }
            show_value({**jsonable(found), **parts}, output)


def order(context: typer.Context, account: Account, limit: Limit = 0, output: ListOutput = Format.TABLE) -> None:
    """Show in which order an account's agreements are processed, and why."""
    from countinghouse.billing.v1 import service_agreements_pb2 as pb

    request = pb.ExplainProcessingOrderRequest(name=account_name(account))
    with session(context) as client:
        show_list(client.billing.explain_order(request, limit=limit or None), _PLACES, output)
