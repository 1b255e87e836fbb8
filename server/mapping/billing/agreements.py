"""Service agreements and their processing order as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.type.date_pb2 import Date

from countinghouse.billing.v1 import service_agreements_pb2 as pb
from domain.billing.accounts.explaining import Explained
from domain.billing.accounts.model import ServiceAgreement
from domain.billing.accounts.requests import Change, NewAgreement
from domain.billing.names import agreement_name, premise_name, profile_name
from domain.billing.ordering.model import Turn, Why
from server.mapping.billing.names import id_from_name, key_or_none, require_sound_update
from server.mapping.days import day_to_proto, days_from_proto
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields

# Looked up when the module loads: a reason of the domain that the contract lacks stops the server.
_REASONS = {why: pb.PlaceReason.Value(f"PLACE_REASON_{why}") for why in Why}

_FIELDS = {
    "description": "description",
    "master": "master",
    "rate_code": "rate_code",
    "start_date": "start_day",
    "end_date": "end_day",
    "attributes": "attributes",
}
"""What can be changed, by the contract's name the domain's."""

_DATES = ("start_date", "end_date")


def agreement_to_proto(agreement: ServiceAgreement) -> pb.ServiceAgreement:
    """A service agreement."""
    master_id, premise_id = agreement.master_id, agreement.premise_id
    return pb.ServiceAgreement(
        name=agreement.name,
        description=agreement.description,
        type_code=agreement.type_code,
        premise=premise_name(premise_id) if premise_id else "",
        time_zone=agreement.time_zone,
        master=agreement_name(agreement.account_id, master_id) if master_id else "",
        rate_code=agreement.rate_code,
        start_date=day_to_proto(agreement.start_day),
        end_date=day_to_proto(agreement.end_day) if agreement.end_day else None,
        attributes=agreement.attributes,
        create_time=instant_to_proto(agreement.created_us),
        update_time=instant_to_proto(agreement.updated_us),
        etag=agreement.etag,
    )


def new_agreement_from_proto(given: pb.ServiceAgreement, agreement_id: str, path: str) -> NewAgreement:
    """The agreement asked for, which stands at `path` of the request. Raises: Invalid with every date that is none."""
    values = _values(given, _days(given, path, _DATES))
    return NewAgreement(
        agreement_id=agreement_id, type_code=given.type_code, premise_id=id_from_name(given.premise), **values
    )


def agreement_change_from_proto(request: pb.UpdateServiceAgreementRequest) -> Change:
    """What is changed.

    Raises: Invalid for an agreement that is not named, a mask with what is no field, and every date that is none.
    """
    given, mask = request.service_agreement, request.update_mask
    require_sound_update(given, mask, "service_agreement")
    asked = asked_fields(given, mask, _FIELDS)
    values = _values(given, _days(given, "service_agreement", [field for field in _DATES if field in asked]))
    fixed = {"type_code": ("type_code", given.type_code), "premise": ("premise_id", id_from_name(given.premise))}
    return Change(given.etag, {_FIELDS[field]: values[_FIELDS[field]] for field in asked}, fixed)


def order_to_proto(explained: Iterable[Explained]) -> list[pb.ProcessingPlace]:
    """The places of agreements."""
    return [_place_to_proto(each) for each in explained]


def _place_to_proto(explained: Explained) -> pb.ProcessingPlace:
    place, agreement = explained.place, explained.agreement
    return pb.ProcessingPlace(
        position=place.position,
        service_agreement=agreement.name,
        master=agreement_name(agreement.account_id, agreement.master_id) if agreement.master_id else "",
        type_code=agreement.type_code,
        sequence=place.agreement.sequence,
        reasons=[_REASONS[why] for why in place.why],
        explanation=place.sentence,
        creation_turns=[_turn_to_proto(turn, agreement.account_id) for turn in explained.turns],
    )


def _turn_to_proto(turn: Turn, account_id: str) -> pb.CreationTurn:
    return pb.CreationTurn(
        position=turn.position,
        profile=profile_name(account_id, turn.item.id),
        creation_priority=turn.item.rank,
        reasons=[_REASONS[why] for why in (Why.SEQUENCE, *((Why.TIE,) if turn.tied else ()))],
    )


def _values(given: pb.ServiceAgreement, days: dict[str, int]) -> dict[str, Any]:
    return {
        "description": given.description,
        "master": key_or_none(given.master),
        "rate_code": given.rate_code,
        "start_day": days.get("start_date", 0),
        "end_day": days.get("end_date", 0),
        "attributes": dict(given.attributes),
    }


def _days(given: pb.ServiceAgreement, path: str, fields: Iterable[str]) -> dict[str, int]:
    """The days of its dates, by field. Raises: Invalid with every date that is none."""
    names = list(fields)
    dates: dict[str, Date | None] = {
        f"{path}.{name}": getattr(given, name) if given.HasField(name) else None  # type: ignore[arg-type]
        for name in names
    }
    return dict(zip(names, days_from_proto(dates), strict=True))
