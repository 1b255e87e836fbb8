"""What billing is configured with as one document: the kinds that `configuring` reads and applies."""

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from countinghouse.billing.v1 import (
    bill_cycles_pb2,
    customer_classes_pb2,
    profile_types_pb2,
    rates_pb2,
    service_agreement_types_pb2,
    time_of_use_schemes_pb2,
)
from countinghouse.configuring import (
    CHANGED,
    CREATED,
    DISTRIBUTION_CODES,
    UNCHANGED,
    Kind,
    find,
    own_version,
    without,
)

_SERVICE = "billing"
_SERVERS = ("name", "create_time", "update_time", "etag")


def _own_rate(rate: rates_pb2.Rate) -> rates_pb2.Rate:
    """A rate without what is the server's alone, also of its version."""
    own: rates_pb2.Rate = without(rate, _SERVERS)
    own.newest_version.CopyFrom(own_version(rate.newest_version))
    return own


def _apply_rate(billing: Any, kind: Kind, rate: rates_pb2.Rate) -> str:  # noqa: ANN401 - the client's methods
    """Create a rate; or change its description, and add a version, unless the newest says the same."""
    found = find(billing, kind, rate)
    if found is None:
        billing.create_rate(kind.request("Create", rate=rate))
        return CREATED
    outcome = UNCHANGED
    if found.description != rate.description:
        wanted = rates_pb2.Rate(name=found.name, etag=found.etag, description=rate.description)
        found = billing.update_rate(kind.request("Update", rate=wanted, update_mask=FieldMask(paths=["description"])))
        outcome = CHANGED
    if not rate.HasField("newest_version"):
        return outcome
    request = rates_pb2.CreateRateVersionRequest(
        parent=found.name, etag=found.etag, rate_version=own_version(rate.newest_version), validate_only=True
    )
    if own_version(billing.create_rate_version(request)) == own_version(found.newest_version):
        return outcome
    request.validate_only = False
    billing.create_rate_version(request)
    return CHANGED


_WINDOWS = Kind(
    "windows", "BillCycleWindow", bill_cycles_pb2, "bill_cycle_window", "window", service=_SERVICE, nested=True
)
KINDS = (
    DISTRIBUTION_CODES,
    Kind(
        "customerClasses", "CustomerClass", customer_classes_pb2, "customer_class", "customer_class", service=_SERVICE
    ),
    Kind(
        "timeOfUseSchemes", "TimeOfUseScheme", time_of_use_schemes_pb2, "time_of_use_scheme", "scheme", service=_SERVICE
    ),
    Kind("profileTypes", "ProfileType", profile_types_pb2, "profile_type", "profile_type", service=_SERVICE),
    Kind("rates", "Rate", rates_pb2, "rate", "rate", service=_SERVICE, applied_by=_apply_rate, owned=_own_rate),
    Kind(
        "serviceAgreementTypes",
        "ServiceAgreementType",
        service_agreement_types_pb2,
        "service_agreement_type",
        "agreement_type",
        service=_SERVICE,
        order=lambda kind: (kind.processing_sequence, kind.code),  # what is charged comes after what it is charged on
    ),
    Kind("billCycles", "BillCycle", bill_cycles_pb2, "bill_cycle", "cycle", service=_SERVICE, within=_WINDOWS),
)
"""In the order in which they build on each other."""
