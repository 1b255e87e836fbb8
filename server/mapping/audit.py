"""Audit entries: events of the domain as the contract tells them."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct

from countinghouse.operations.v1 import audit_pb2
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid, Violation
from domain.kernel.events import AuditFilter, Event
from domain.operations.service import name_of
from server.mapping.instants import instant_from_proto
from server.mapping.operations import id_from_name, instant_to_proto

_INTEGER_MAX = 2**53
"""Beyond it a number in a Struct, which is a double, would be another: such integers are written as text."""


def filter_from_proto(request: audit_pb2.ListAuditEntriesRequest) -> AuditFilter:
    """Which entries. Raises: Invalid for text that nothing can hold, an end not after the start, or a wild instant."""
    require_storable(resource=request.resource, caller=request.caller, type=request.type)
    start_us = instant_from_proto(request, "start_time") or 0
    end_us = instant_from_proto(request, "end_time") or 0
    if start_us and end_us and end_us <= start_us:
        raise Invalid(Violation("end_time", "END_NOT_AFTER_START", "must be after start_time"))
    return AuditFilter(
        resource=request.resource,
        caller=request.caller,
        type=request.type,
        operation_id=id_from_name(request.operation) if request.operation else "",
        from_us=start_us,
        before_us=end_us,
    )


def entry_to_proto(event: Event) -> audit_pb2.AuditEntry:
    """One change."""
    changes = Struct()
    changes.update({key: _plain(value) for key, value in event.payload.items()})
    return audit_pb2.AuditEntry(
        name=f"auditEntries/{event.event_id}",
        event_time=instant_to_proto(event.at_us),
        type=event.type,
        resource=event.owner,
        caller=event.caller,
        method=event.method,
        request_id=event.request_id,
        operation=name_of(event.operation_id) if event.operation_id else "",
        changes=changes,
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The value as a Struct can hold it without loss."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _INTEGER_MAX:
        return str(value)
    return value
