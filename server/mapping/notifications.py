"""Notification endpoints and deliveries as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.field_mask_pb2 import FieldMask

from countinghouse.operations.v1 import notifications_pb2 as pb
from domain.deliveries import service as deliveries
from domain.deliveries.model import Delivery, DeliveryFilter, Kind, State
from domain.kernel.errors import Invalid, Violation
from domain.notifications.model import Change, Endpoint
from server.mapping.operations import instant_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_KINDS = {kind: pb.DeliveryKind.Value(f"DELIVERY_KIND_{kind}") for kind in Kind}
_STATES = {state: pb.DeliveryState.Value(f"DELIVERY_STATE_{state}") for state in State}
_KIND_BY_NUMBER = {number: kind for kind, number in _KINDS.items()}
_STATE_BY_NUMBER = {number: state for state, number in _STATES.items()}

_FIELD = "notification_endpoint"
_CHANGEABLE = ("url", "event_types", "description", "disabled")


def id_from_name(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def endpoint_to_proto(endpoint: Endpoint) -> pb.NotificationEndpoint:
    """An endpoint, without its secret."""
    return pb.NotificationEndpoint(
        name=endpoint.name,
        url=endpoint.url,
        event_types=endpoint.event_types,
        description=endpoint.description,
        disabled=endpoint.disabled,
        secret_number=endpoint.secret_no,
        old_secret_expire_time=instant_to_proto(endpoint.old_secret_until_us),
        create_time=instant_to_proto(endpoint.created_us),
        update_time=instant_to_proto(endpoint.updated_us),
        etag=endpoint.etag,
    )


def change_from_proto(given: pb.NotificationEndpoint, mask: FieldMask) -> Change:
    """What is changed of which endpoint (AIP-134). Raises: Invalid for a mask with what cannot be changed."""
    if found := tuple(_mask_faults(mask)):
        raise Invalid(*found)
    if "*" in mask.paths:
        asked = set(_CHANGEABLE)
    elif mask.paths:
        asked = set(mask.paths)
    else:
        asked = {name for name in _CHANGEABLE if getattr(given, name)}
    return Change(
        endpoint_id=id_from_name(given.name),
        etag=given.etag,
        url=given.url if "url" in asked else None,
        event_types=tuple(given.event_types) if "event_types" in asked else None,
        description=given.description if "description" in asked else None,
        disabled=given.disabled if "disabled" in asked else None,
    )


def delivery_to_proto(delivery: Delivery) -> pb.Delivery:
    """A delivery."""
    return pb.Delivery(
        name=deliveries.name_of(delivery.delivery_id),
        kind=_KINDS[delivery.kind],
        state=_STATES[delivery.state],
        target=delivery.target,
        subject=delivery.subject,
        key=delivery.key,
        event_type=delivery.event_type,
        attempts=delivery.attempts,
        redeliveries=delivery.redeliveries,
        create_time=instant_to_proto(delivery.created_us),
        attempt_time=instant_to_proto(delivery.attempted_us),
        next_attempt_time=instant_to_proto(delivery.next_attempt_us),
        end_time=instant_to_proto(delivery.ended_us),
        failure_reason=delivery.reason,
        failure_message=delivery.message,
    )


def filter_from_proto(request: pb.ListDeliveriesRequest) -> DeliveryFilter:
    """Which deliveries are listed."""
    return DeliveryFilter(
        state=_STATE_BY_NUMBER.get(request.state),
        kind=_KIND_BY_NUMBER.get(request.kind),
        target=request.target,
        subject=request.subject,
        key=request.key,
    )


def _mask_faults(mask: FieldMask) -> Iterator[Violation]:
    for path in mask.paths:
        if path == "*" or path in _CHANGEABLE:
            continue
        if path in pb.NotificationEndpoint.DESCRIPTOR.fields_by_name:
            yield Violation(f"{_FIELD}.{path}", "FIELD_IMMUTABLE", "is the server's, and no caller changes it")
        else:
            text = f"{path[:64]!r} is no field of a notification endpoint"
            yield Violation("update_mask", "UPDATE_MASK_INVALID", text)
