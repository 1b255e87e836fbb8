"""Customer classes as the contract tells them."""

from __future__ import annotations

from countinghouse.billing.v1 import customer_classes_pb2 as pb
from domain.billing.configuration.model import ClassSettings, CustomerClass
from domain.billing.names import customer_class_name
from domain.kernel.calendars import Calendar
from domain.kernel.registers.service import Change
from domain.kernel.time import BusinessZone
from server.mapping.billing.algorithms import uses_from_proto, uses_to_proto
from server.mapping.calendars import calendar_to_proto, calendar_values
from server.mapping.entries import Reads, change_from_proto, stamps, values_of

_ZONE = BusinessZone("UTC")
"""Of calendars that are asked about days alone, which are the same everywhere."""

_READS: Reads = {
    "calendar": lambda given: {"calendar": Calendar(_ZONE, **calendar_values(given))},
    "due_days": lambda given: {"due_days": given.due_days},
    "routing": lambda given: {"routing": given.routing},
    "algorithms": lambda given: {"algorithms": uses_from_proto(given.algorithms)},
}


def class_to_proto(found: CustomerClass) -> pb.CustomerClass:
    """A customer class."""
    settings = found.settings
    return pb.CustomerClass(
        name=customer_class_name(found.code),
        code=found.code,
        description=found.description,
        calendar=calendar_to_proto(settings.calendar),
        due_days=settings.due_days,
        routing=settings.routing,
        algorithms=uses_to_proto(settings.algorithms),
        **stamps(found),
    )


def settings_from_proto(given: pb.CustomerClass) -> ClassSettings:
    """What is set of a customer class, checked for nothing but its form."""
    return ClassSettings(**values_of(given, _READS))


def class_change(request: pb.UpdateCustomerClassRequest) -> Change:
    """What is changed of which customer class. Raises: Invalid as `updated_code`."""
    return change_from_proto(request, "customer_class", customer_class_name, _READS)
