"""Service agreement types as the contract tells them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from countinghouse.billing.v1 import service_agreement_types_pb2 as pb
from domain.billing.configuration.model import (
    AgreementType,
    AgreementTypeSettings,
    ChargedOn,
    Measured,
    Missing,
    Plausible,
    UsageSource,
)
from domain.billing.names import agreement_type_name
from domain.kernel.registers.service import Change
from server.mapping.billing.algorithms import uses_from_proto, uses_to_proto
from server.mapping.decimals import decimal_from_proto, decimal_to_proto
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code

# Looked up when the module loads: a word of the domain that the contract lacks stops the server.
_MISSING = {each: pb.MissingData.Value(f"MISSING_DATA_{each}") for each in Missing}
_MISSING_BY_NUMBER = {pb.MISSING_DATA_UNSPECIFIED: Missing.ERROR, **{number: each for each, number in _MISSING.items()}}


def type_to_proto(found: AgreementType) -> pb.ServiceAgreementType:
    """A service agreement type."""
    settings = found.settings
    return pb.ServiceAgreementType(
        name=agreement_type_name(found.code),
        code=found.code,
        description=found.description,
        processing_sequence=settings.sequence,
        period_months=settings.months,
        anchor_day=settings.anchor_day,
        rate_code=settings.rate,
        receivable_distribution_code=settings.receivable,
        usage=map(_source_to_proto, settings.usage),
        plausible_range=_plausible_to_proto(settings.plausible) if settings.plausible else None,
        algorithms=uses_to_proto(settings.algorithms),
        create_time=instant_to_proto(found.created_us),
        update_time=instant_to_proto(found.updated_us),
        etag=found.etag,
    )


def settings_from_proto(given: pb.ServiceAgreementType) -> AgreementTypeSettings:
    """What is set of a type."""
    return AgreementTypeSettings(**dict(_READS[field](given) for field in _READS))


def change_from_proto(request: pb.UpdateServiceAgreementTypeRequest) -> Change:
    """What is changed of which type. Raises: Invalid as `updated_code`."""
    given = request.service_agreement_type
    code = updated_code(given, request.update_mask, word="service_agreement_type", name_of=agreement_type_name)
    asked = asked_fields(given, request.update_mask, ("description", *_READS))
    changes = dict(_READS[field](given) for field in asked if field in _READS)
    return Change(
        code, given.etag, {**changes, **({"description": given.description} if "description" in asked else {})}
    )


def _sequence(given: pb.ServiceAgreementType) -> int | None:
    return given.processing_sequence if given.HasField("processing_sequence") else None


def _source(given: pb.UsageSource) -> UsageSource:
    if given.WhichOneof("source") == "measured":
        measured = given.measured
        missing = _MISSING_BY_NUMBER[measured.missing_data]
        source = Measured(measured.profile_type_code, measured.time_of_use_scheme_code, measured.maximum, missing)
        return UsageSource(given.name, measured=source)
    charged_on = given.charged_on
    types = tuple(charged_on.service_agreement_type_codes)
    return UsageSource(given.name, charged_on=ChargedOn(types, charged_on.measure))


def _source_to_proto(source: UsageSource) -> pb.UsageSource:
    return pb.UsageSource(
        name=source.name,
        measured=_measured_to_proto(source.measured) if source.measured else None,
        charged_on=_charged_on_to_proto(source.charged_on) if source.charged_on else None,
    )


def _measured_to_proto(measured: Measured) -> pb.MeasuredUsage:
    return pb.MeasuredUsage(
        profile_type_code=measured.profile_type,
        time_of_use_scheme_code=measured.scheme,
        maximum=measured.maximum,
        missing_data=_MISSING[measured.missing],
    )


def _charged_on_to_proto(charged_on: ChargedOn) -> pb.ChargedOnUsage:
    return pb.ChargedOnUsage(service_agreement_type_codes=charged_on.types, measure=charged_on.measure)


def _plausible(given: pb.ServiceAgreementType) -> Plausible | None:
    if not given.HasField("plausible_range"):
        return None
    limits = given.plausible_range
    low, high = (
        decimal_from_proto(getattr(limits, name)) if limits.HasField(name) else None
        for name in ("low_percent", "high_percent")
    )
    return Plausible(limits.segments, low, high)


def _plausible_to_proto(plausible: Plausible) -> pb.PlausibleRange:
    low, high = plausible.low_percent, plausible.high_percent
    return pb.PlausibleRange(
        segments=plausible.segments,
        low_percent=None if low is None else decimal_to_proto(low),
        high_percent=None if high is None else decimal_to_proto(high),
    )


_READS: Mapping[str, Callable[[pb.ServiceAgreementType], tuple[str, Any]]] = {
    "processing_sequence": lambda given: ("sequence", _sequence(given)),
    "period_months": lambda given: ("months", given.period_months or 1),
    "anchor_day": lambda given: ("anchor_day", given.anchor_day or 1),
    "rate_code": lambda given: ("rate", given.rate_code),
    "receivable_distribution_code": lambda given: ("receivable", given.receivable_distribution_code),
    "usage": lambda given: ("usage", tuple(map(_source, given.usage))),
    "plausible_range": lambda given: ("plausible", _plausible(given)),
    "algorithms": lambda given: ("algorithms", uses_from_proto(given.algorithms)),
}
"""By field of the contract: the setting that it means, and its value."""
