"""Accounts and premises as the contract tells them."""

from __future__ import annotations

from typing import Any

from countinghouse.billing.v1 import accounts_pb2 as pb
from countinghouse.billing.v1 import premises_pb2
from domain.billing.accounts.model import Account, Premise
from domain.billing.accounts.requests import Change, NewAccount, NewPremise
from domain.billing.accounts.store import AccountFilter
from server.mapping.billing.names import require_sound_update
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields

_FIELDS = {
    "description": "description",
    "customer_class_code": "customer_class_code",
    "bill_cycle_code": "cycle_code",
    "invoice_cycle_code": "invoice_cycle_code",
    "currency_code": "currency",
    "time_zone": "time_zone",
    "attributes": "attributes",
}
"""What can be changed, by the contract's name the domain's."""

_PREMISE_FIELDS = ("description", "attributes")


def account_to_proto(account: Account) -> pb.Account:
    """An account."""
    return pb.Account(
        name=account.name,
        description=account.description,
        customer_class_code=account.customer_class_code,
        bill_cycle_code=account.cycle_code,
        invoice_cycle_code=account.invoice_cycle_code,
        currency_code=account.currency,
        time_zone=account.time_zone,
        attributes=account.attributes,
        create_time=instant_to_proto(account.created_us),
        update_time=instant_to_proto(account.updated_us),
        etag=account.etag,
    )


def premise_to_proto(premise: Premise) -> premises_pb2.Premise:
    """A premise."""
    return premises_pb2.Premise(
        name=premise.name,
        description=premise.description,
        time_zone=premise.time_zone,
        attributes=premise.attributes,
        create_time=instant_to_proto(premise.created_us),
        update_time=instant_to_proto(premise.updated_us),
        etag=premise.etag,
    )


def new_account_from_proto(given: pb.Account, account_id: str) -> NewAccount:
    """The account asked for."""
    return NewAccount(account_id, **_values(given))


def new_premise_from_proto(given: premises_pb2.Premise, premise_id: str) -> NewPremise:
    """The premise asked for."""
    return NewPremise(premise_id, given.description, given.time_zone, dict(given.attributes))


def filter_from_proto(request: pb.ListAccountsRequest) -> AccountFilter:
    """Which accounts."""
    return AccountFilter(request.bill_cycle_code, request.customer_class_code)


def account_change_from_proto(request: pb.UpdateAccountRequest) -> Change:
    """What is changed. Raises: Invalid for an account that is not named, and a mask with what is no field."""
    given, mask = request.account, request.update_mask
    require_sound_update(given, mask, "account")
    values = _values(given)
    names = (_FIELDS[field] for field in asked_fields(given, mask, _FIELDS))
    return Change(given.etag, {name: values[name] for name in names})


def premise_change_from_proto(request: premises_pb2.UpdatePremiseRequest) -> Change:
    """What is changed. Raises: Invalid for a premise that is not named, and a mask with what is no field."""
    given, mask = request.premise, request.update_mask
    require_sound_update(given, mask, "premise")
    values: dict[str, Any] = {"description": given.description, "attributes": dict(given.attributes)}
    changes = {field: values[field] for field in asked_fields(given, mask, _PREMISE_FIELDS)}
    return Change(given.etag, changes, {"time_zone": ("time_zone", given.time_zone)})


def _values(given: pb.Account) -> dict[str, Any]:
    return {
        "description": given.description,
        "customer_class_code": given.customer_class_code,
        "cycle_code": given.bill_cycle_code,
        "invoice_cycle_code": given.invoice_cycle_code,
        "currency": given.currency_code,
        "time_zone": given.time_zone,
        "attributes": dict(given.attributes),
    }
