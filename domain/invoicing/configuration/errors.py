"""What a change of the configuration is refused for, beside what is wrong with what it says."""

from __future__ import annotations

from domain.invoicing.names import SCHEDULE_TYPE, batch_name, cycle_name
from domain.kernel.errors import Refused


class ScheduleClosed(Refused):
    """The schedule is closed: it stays as it is."""

    reason = "INVOICE_SCHEDULE_CLOSED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is closed: it stays as it is", resource_type=SCHEDULE_TYPE, resource_name=name)


class ScheduleInBatch(Refused):
    """The schedule is in a batch: it stays as it is until that is canceled, or releases it."""

    reason = "INVOICE_SCHEDULE_IN_BATCH"

    def __init__(self, name: str, batch: str) -> None:
        super().__init__(
            f"{name} is in {batch_name(batch)}: it stays as it is until that is canceled, or releases it",
            resource_type=SCHEDULE_TYPE,
            resource_name=name,
            batch=batch_name(batch),
        )


class ScheduleBetweenOthers(Refused):
    """Other schedules come before and after it: without it there would be a gap."""

    reason = "INVOICE_SCHEDULE_BETWEEN_OTHERS"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"schedules come before {name} and after it: without it there would be a gap",
            resource_type=SCHEDULE_TYPE,
            resource_name=name,
        )


class ScheduleHasInvoices(Refused):
    """There are invoices in the schedule: it cannot be deleted."""

    reason = "INVOICE_SCHEDULE_HAS_INVOICES"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there are invoices in {name}: it cannot be deleted", resource_type=SCHEDULE_TYPE, resource_name=name
        )


class SchedulesFarBehind(Refused):
    """The last schedule of the cycle ended too many periods ago: add one that goes on from there, up to now."""

    reason = "INVOICE_SCHEDULES_FAR_BEHIND"

    def __init__(self, cycle: str, *, most: int) -> None:
        super().__init__(
            f"the last schedule of {cycle_name(cycle)} ended more than {most:,} periods ago: add one that goes on from"
            " there, up to now",
            resource_name=cycle_name(cycle),
        )
