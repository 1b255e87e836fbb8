"""Profile types as the contract tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countinghouse.billing.v1 import profile_types_pb2 as pb
from domain.billing.configuration.model import ProfileKind, ProfileType, ProfileTypeSettings
from domain.billing.names import profile_type_name
from domain.kernel.registers.service import Change
from server.mapping.durations import duration_from_proto, duration_to_proto
from server.mapping.entries import Reads, change_from_proto, stamps, values_of

# Looked up when the module loads: a word of the domain that the contract lacks stops the server.
_KINDS = {each: pb.ProfileKind.Value(f"PROFILE_KIND_{each}") for each in ProfileKind}
_KINDS_BY_NUMBER = {number: each for each, number in _KINDS.items()}
_SECOND_US = 1_000_000
_NO_LENGTH = -1


def _interval(given: pb.ProfileType) -> Mapping[str, Any]:
    """The length in seconds; _NO_LENGTH where that is no whole number."""
    us = duration_from_proto(given, "interval_length")
    whole = us % _SECOND_US == 0 and given.interval_length.nanos % 1_000 == 0
    return {"interval_s": us // _SECOND_US if whole else _NO_LENGTH}


_READS: Reads = {
    "kind": lambda given: {"kind": _KINDS_BY_NUMBER[given.kind]},
    "unit": lambda given: {"unit": given.unit},
    "interval_length": _interval,
    "register_digits": lambda given: {"digits": given.register_digits},
    "creation_algorithm": lambda given: {"creation": given.creation_algorithm},
    "creation_priority": lambda given: {"creation_priority": given.creation_priority},
}
_FINAL = frozenset({"kind", "unit", "interval_length", "register_digits"})
"""Fields that never change: an update may leave them out, or tell what they are."""


def type_to_proto(found: ProfileType) -> pb.ProfileType:
    """A profile type."""
    settings = found.settings
    return pb.ProfileType(
        name=profile_type_name(found.code),
        code=found.code,
        description=found.description,
        kind=_KINDS[settings.kind],
        unit=settings.unit,
        interval_length=duration_to_proto(settings.interval_s * _SECOND_US),
        register_digits=settings.digits,
        creation_algorithm=settings.creation,
        creation_priority=settings.creation_priority,
        **stamps(found),
    )


def settings_from_proto(given: pb.ProfileType) -> ProfileTypeSettings:
    """What is set of a profile type, checked for nothing but its form."""
    return ProfileTypeSettings(**values_of(given, _READS))


def type_change(request: pb.UpdateProfileTypeRequest) -> Change:
    """What is changed of which profile type. Raises: Invalid as `updated_code`."""
    given = {field.name for field, _ in request.profile_type.ListFields()}
    reads = {field: read for field, read in _READS.items() if field in given or field not in _FINAL}
    return change_from_proto(request, "profile_type", profile_type_name, reads)
