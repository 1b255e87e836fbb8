"""Profiles as the contract tells them."""

from __future__ import annotations

from typing import Any

from countinghouse.billing.v1 import profiles_pb2 as pb
from domain.billing.accounts.model import Profile
from domain.billing.accounts.requests import Change, NewProfile
from domain.billing.configuration.model import Derivation
from domain.billing.names import agreement_name, profile_name
from server.mapping.billing.names import key_from_name, key_or_none, require_sound_update
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields

_FIELDS = {"description": "description", "service_agreement": "owner", "derivation": "derivation"}
"""What can be changed, by the contract's name the domain's."""


def profile_to_proto(profile: Profile) -> pb.Profile:
    """A profile."""
    owner, derivation = profile.agreement_id, profile.derivation
    return pb.Profile(
        name=profile.name,
        description=profile.description,
        type_code=profile.type_code,
        service_agreement=agreement_name(profile.account_id, owner) if owner else "",
        time_zone=profile.time_zone,
        derivation=_derivation_to_proto(derivation) if derivation != Derivation() else None,
        create_time=instant_to_proto(profile.created_us),
        update_time=instant_to_proto(profile.updated_us),
        etag=profile.etag,
    )


def new_profile_from_proto(given: pb.Profile, profile_id: str) -> NewProfile:
    """The profile asked for."""
    return NewProfile(profile_id, type_code=given.type_code, **_values(given))


def profile_change_from_proto(request: pb.UpdateProfileRequest) -> Change:
    """What is changed. Raises: Invalid for a profile that is not named, and a mask with what is no field."""
    given, mask = request.profile, request.update_mask
    require_sound_update(given, mask, "profile")
    values = _values(given)
    names = (_FIELDS[field] for field in asked_fields(given, mask, _FIELDS))
    return Change(given.etag, {name: values[name] for name in names}, {"type_code": ("type_code", given.type_code)})


def _values(given: pb.Profile) -> dict[str, Any]:
    derivation = given.derivation
    sources = tuple(key_from_name(name) for name in derivation.sources)
    return {
        "description": given.description,
        "owner": key_or_none(given.service_agreement),
        "derivation": Derivation(sources, dict(derivation.parameters)),
    }


def _derivation_to_proto(derivation: Derivation) -> pb.Derivation:
    return pb.Derivation(
        sources=[profile_name(*source) for source in derivation.sources], parameters=derivation.parameters
    )
