"""Claims and disputes as the contract tells them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money as MoneyProto

from countinghouse.accounting.v1 import claims_pb2 as pb
from domain.accounting.claims.model import Claim, ClaimChange, Dispute, DisputeChange, NewClaim, NewDispute
from domain.accounting.claims.states import ClaimState
from domain.accounting.claims.store import ClaimFilter
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money
from server.mapping.days import day_to_proto, days_from_proto
from server.mapping.money import money_to_proto, moneys_from_proto
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, mask_faults
from server.mapping.violations import both

# Looked up when the module loads: a state of the domain that the contract lacks stops the server.
_STATES = {state: pb.ClaimState.Value(f"CLAIM_STATE_{state}") for state in ClaimState}
_STATE_NAMES = {pb.CLAIM_STATE_UNSPECIFIED: ""} | {number: state.value for state, number in _STATES.items()}

_CLAIM_FIELDS = ("description", "account", "attributes", "dates")
_DISPUTE_FIELDS = ("description", "amount", "transaction_date", "attributes", "amounts")


@dataclass(frozen=True, slots=True)
class _Values:
    """Days and amounts of a request, by the paths of their fields."""

    days: dict[str, int]
    amounts: dict[str, Money]


def claim_id_from_name(name: str) -> str:
    """The id in `claims/{claim}`."""
    return name.rpartition("/")[2]


def dispute_key_from_name(name: str) -> tuple[str, str]:
    """The ids in `claims/{claim}/disputes/{dispute}`."""
    _, claim_id, _, dispute_id = name.split("/")
    return claim_id, dispute_id


def claim_to_proto(claim: Claim) -> pb.Claim:
    """A claim."""
    return pb.Claim(
        name=claim.name,
        client_code=claim.client_code,
        claim_type_code=claim.claim_type_code,
        description=claim.description,
        account=claim.account,
        attributes=claim.attributes,
        dates={name: day_to_proto(day) for name, day in claim.dates.items()},
        state=_STATES[claim.state],
        resolution=claim.resolution,
        resolve_time=instant_to_proto(claim.resolved_us),
        create_time=instant_to_proto(claim.created_us),
        update_time=instant_to_proto(claim.updated_us),
        etag=claim.etag,
    )


def dispute_to_proto(dispute: Dispute) -> pb.Dispute:
    """A dispute."""
    return pb.Dispute(
        name=dispute.name,
        description=dispute.description,
        amount=money_to_proto(dispute.amount),
        transaction_date=day_to_proto(dispute.transaction_day) if dispute.transaction_day else None,
        attributes=dispute.attributes,
        amounts={name: money_to_proto(amount) for name, amount in dispute.amounts.items()},
        create_time=instant_to_proto(dispute.created_us),
        update_time=instant_to_proto(dispute.updated_us),
        etag=dispute.etag,
    )


def new_claim_from_proto(request: pb.CreateClaimRequest) -> NewClaim:
    """The claim asked for. Raises: Invalid with every date and amount that is none."""
    given = request.claim
    paths = [f"disputes[{at}].dispute" for at in range(len(request.disputes))]
    disputes = {path: new.dispute for path, new in zip(paths, request.disputes, strict=True)}
    values = _values(_dates(given), disputes)
    return NewClaim(
        claim_id=request.claim_id,
        client_code=given.client_code,
        claim_type_code=given.claim_type_code,
        description=given.description,
        account=given.account,
        attributes=dict(given.attributes),
        dates={name: values.days[_in_map("claim.dates", name)] for name in given.dates},
        disputes=tuple(
            _new_dispute(new.dispute, new.dispute_id, path, values)
            for path, new in zip(paths, request.disputes, strict=True)
        ),
    )


def new_dispute_from_proto(request: pb.CreateDisputeRequest) -> NewDispute:
    """The dispute asked for. Raises: Invalid with every date and amount that is none."""
    values = _values({}, {"dispute": request.dispute})
    return _new_dispute(request.dispute, request.dispute_id, "dispute", values)


def filter_from_proto(request: pb.ListClaimsRequest) -> ClaimFilter:
    """Which claims."""
    return ClaimFilter(request.client_code, request.claim_type_code, _STATE_NAMES[request.state])


def claim_change_from_proto(request: pb.UpdateClaimRequest) -> ClaimChange:
    """What is changed of which claim. Raises: Invalid for one that is not named, a bad mask, a date that is none."""
    given = request.claim
    asked = _asked(given, request.update_mask, "claim", _CLAIM_FIELDS)
    values = _values(_dates(given) if "dates" in asked else {}, {})
    changes: dict[str, Any] = {
        "description": given.description,
        "account": given.account,
        "attributes": dict(given.attributes),
        "dates": {name: values.days.get(_in_map("claim.dates", name)) for name in given.dates},
    }
    return ClaimChange(
        claim_id_from_name(given.name),
        given.etag,
        given.client_code,
        given.claim_type_code,
        {field: changes[field] for field in asked},
    )


def dispute_change_from_proto(request: pb.UpdateDisputeRequest) -> DisputeChange:
    """What is changed of which dispute.

    Raises: Invalid for one that is not named, a bad mask, and every date and amount that is none.
    """
    given, path = request.dispute, "dispute"
    asked = _asked(given, request.update_mask, path, _DISPUTE_FIELDS)
    values = _values({}, {path: given}, asked)
    changes: dict[str, tuple[str, Any]] = {
        "description": ("description", given.description),
        "amount": ("amount", values.amounts.get(f"{path}.amount")),
        "transaction_date": ("transaction_day", values.days.get(f"{path}.transaction_date")),
        "attributes": ("attributes", dict(given.attributes)),
        "amounts": ("amounts", {name: values.amounts.get(_in_map(f"{path}.amounts", name)) for name in given.amounts}),
    }
    return DisputeChange(*dispute_key_from_name(given.name), given.etag, dict(changes[field] for field in asked))


def _new_dispute(given: pb.Dispute, dispute_id: str, path: str, values: _Values) -> NewDispute:
    return NewDispute(
        dispute_id=dispute_id,
        description=given.description,
        amount=values.amounts[f"{path}.amount"],
        transaction_day=values.days[f"{path}.transaction_date"],
        attributes=dict(given.attributes),
        amounts={name: values.amounts[_in_map(f"{path}.amounts", name)] for name in given.amounts},
    )


def _values(
    dates: dict[str, Date | None], disputes: dict[str, pb.Dispute], asked: Collection[str] = _DISPUTE_FIELDS
) -> _Values:
    """The dates, and those fields of the disputes, by path, that are asked for.

    Raises: Invalid with every date and amount that is none.
    """
    amounts: dict[str, MoneyProto | None] = {}
    for path, given in disputes.items():
        if "transaction_date" in asked:
            dates[f"{path}.transaction_date"] = given.transaction_date if given.HasField("transaction_date") else None
        if "amount" in asked:
            amounts[f"{path}.amount"] = given.amount if given.HasField("amount") else None
        if "amounts" in asked:
            amounts |= {_in_map(f"{path}.amounts", name): given.amounts[name] for name in sorted(given.amounts)}
    days, moneys = both(lambda: days_from_proto(dates), lambda: moneys_from_proto(amounts))
    return _Values(dict(zip(dates, days, strict=True)), dict(zip(amounts, moneys, strict=True)))


def _dates(given: pb.Claim) -> dict[str, Date | None]:
    return {_in_map("claim.dates", name): given.dates[name] for name in sorted(given.dates)}


def _in_map(path: str, name: str) -> str:
    """The path of a map's entry, as `buf.validate` writes it."""
    return f'{path}["{name}"]'


def _asked(given: pb.Claim | pb.Dispute, mask: FieldMask, word: str, changeable: Collection[str]) -> list[str]:
    """The fields to be changed. Raises: Invalid for a resource that is not named, and a mask with what is no field."""
    if found := tuple(_faults(given, mask, word)):
        raise Invalid(*found)
    return asked_fields(given, mask, changeable)


def _faults(given: pb.Claim | pb.Dispute, mask: FieldMask, word: str) -> Iterator[Violation]:
    if not given.name:
        yield Violation(f"{word}.name", "FIELD_REQUIRED", "must be given")
    yield from mask_faults(given, mask, word)
