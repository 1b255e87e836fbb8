"""What invoicing is configured with as one document: the kinds that `configuring` reads and applies."""

from typing import Any

from countinghouse.configuring import DISTRIBUTION_CODES, Kind, without
from countinghouse.invoicing.v1 import billing_cycles_pb2, invoice_schedules_pb2, issuers_pb2

_SERVICE = "invoicing"
_SERVERS_OF_SCHEDULES = ("name", "create_time", "update_time", "etag", "state", "invoice_batch", "made")


def _own_schedule(schedule: invoice_schedules_pb2.InvoiceSchedule) -> Any:  # noqa: ANN401 - the same message
    return without(schedule, _SERVERS_OF_SCHEDULES)


def _is_open(schedule: invoice_schedules_pb2.InvoiceSchedule) -> bool:
    return schedule.state == invoice_schedules_pb2.INVOICE_SCHEDULE_STATE_OPEN


_SCHEDULES = Kind(
    "schedules",
    "InvoiceSchedule",
    invoice_schedules_pb2,
    "invoice_schedule",
    "schedule",
    service=_SERVICE,
    owned=_own_schedule,
    nested=True,
    shown=_is_open,
)
KINDS = (
    DISTRIBUTION_CODES,
    Kind("issuers", "Issuer", issuers_pb2, "issuer", "issuer", service=_SERVICE),
    Kind(
        "billingCycles",
        "BillingCycle",
        billing_cycles_pb2,
        "billing_cycle",
        "cycle",
        service=_SERVICE,
        within=_SCHEDULES,
    ),
)
"""In the order in which they build on each other."""
