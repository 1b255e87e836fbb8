"""What a hook is asked for a profile's data, and what it answers, as the contract tells it (BIL-22, BIL-23)."""

from __future__ import annotations

from google.type.decimal_pb2 import Decimal as DecimalProto

from countinghouse.connector.v1 import hook_pb2 as pb
from domain.billing.creation.algorithms.model import ProfileView
from domain.billing.creation.deciding import Missing
from domain.kernel.quantities import attos_of, quantity_fault, quantity_texts
from domain.kernel.time import iso_of
from server.mapping.durations import duration_to_proto
from server.mapping.operations import instant_to_proto
from server.outbound.hooks.telling import BadAnswer


def data_request_of(missing: Missing) -> pb.CreateIntervalDataRequest:
    """What is asked."""
    asked = missing.asked
    return pb.CreateIntervalDataRequest(
        idempotency_key=missing.key,
        algorithm_code=missing.algorithm,
        parameters=asked.parameters,
        profile=_profile(asked.profile),
        start_times=filter(None, map(instant_to_proto, asked.begins)),
        sources=(
            pb.IntervalSource(
                profile=_profile(profile), quantities=(DecimalProto(value=text) for text in quantity_texts(values))
            )
            for profile, values in zip(asked.source_profiles, asked.sources, strict=True)
        ),
    )


def values_of(missing: Missing, answer: pb.CreateIntervalDataResponse) -> list[int]:
    """What is answered: attos for each interval. Raises: BadAnswer with the first fault."""
    begins = missing.asked.begins
    if len(answer.quantities) != len(begins):
        raise BadAnswer(f"{len(answer.quantities):,} quantities for {len(begins):,} intervals")
    found = []
    for at, quantity in zip(begins, answer.quantities, strict=True):
        attos = attos_of(quantity.value)
        if attos is None:
            _, why = quantity_fault(quantity.value) or ("", "is no number")
            raise BadAnswer(f"the quantity of {iso_of(at)} {why}")
        found.append(attos)
    return found


def _profile(profile: ProfileView) -> pb.IntervalProfile:
    return pb.IntervalProfile(
        account_id=profile.account_id,
        profile_id=profile.profile_id,
        unit=profile.unit,
        interval_length=duration_to_proto(profile.interval_s * 1_000_000),
        time_zone=profile.time_zone,
    )
