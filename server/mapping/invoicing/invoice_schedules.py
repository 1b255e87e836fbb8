"""Schedules of billing cycles as the contract tells them."""

from __future__ import annotations

from countinghouse.invoicing.v1 import invoice_schedules_pb2 as pb
from domain.invoicing.configuration.model import Schedule, ScheduleState
from domain.invoicing.configuration.schedule_changes import Given
from domain.invoicing.configuration.schedules import WORD, ScheduleKey
from domain.invoicing.names import batch_name, schedule_name
from domain.kernel.errors import Invalid, Violation
from server.mapping.instants import instant_from_proto
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code

_STATES = {
    ScheduleState.OPEN: pb.INVOICE_SCHEDULE_STATE_OPEN,
    ScheduleState.CLOSED: pb.INVOICE_SCHEDULE_STATE_CLOSED,
}
_TIMES = {"start_time": "start_us", "end_time": "end_us"}


def schedule_to_proto(found: Schedule) -> pb.InvoiceSchedule:
    """A schedule."""
    return pb.InvoiceSchedule(
        name=found.name,
        code=found.code,
        start_time=instant_to_proto(found.start_us),
        end_time=instant_to_proto(found.end_us),
        state=_STATES[found.state],
        invoice_batch=batch_name(found.batch_id) if found.batch_id else "",
        made=found.made,
        create_time=instant_to_proto(found.created_us),
        update_time=instant_to_proto(found.updated_us),
        etag=found.etag,
    )


def key_from_name(name: str) -> ScheduleKey:
    """The schedule that a name is of."""
    _, cycle, _, code = name.split("/")
    return ScheduleKey(cycle, code)


def given_from_proto(given: pb.InvoiceSchedule) -> Given:
    """The times that are given. Raises: Invalid for what is no instant after 1970."""
    return _times(given, list(_TIMES))


def schedule_change(request: pb.UpdateInvoiceScheduleRequest) -> tuple[ScheduleKey, Given]:
    """What is changed of which schedule. Raises: Invalid as `updated_code` and `given_from_proto`."""
    given, mask = request.invoice_schedule, request.update_mask
    if not given.name:
        raise Invalid(Violation(f"{WORD}.name", "FIELD_REQUIRED", "must be given"))
    cycle = given.name.removeprefix("billingCycles/").partition("/")[0]
    code = updated_code(given, mask, word=WORD, name_of=lambda code: schedule_name(cycle, code))
    return ScheduleKey(cycle, code), _times(given, asked_fields(given, mask, _TIMES))


def _times(given: pb.InvoiceSchedule, fields: list[str]) -> Given:
    return {_TIMES[field]: instant_from_proto(given, field, path=WORD) or 0 for field in fields}
