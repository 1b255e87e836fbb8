"""Schedules and their runs as the contract tells them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.message import DecodeError, Message

from countinghouse.accounting.v1 import batches_pb2
from countinghouse.billing.v1 import billing_runs_pb2, interval_data_sets_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.invoicing.v1 import invoice_batches_pb2, invoice_exports_pb2
from countinghouse.operations.v1 import schedules_pb2 as pb
from domain.accounting.batches import model as batches_model
from domain.billing.creation import model as creation_model
from domain.billing.runs import model as runs_model
from domain.gl_extraction.extraction.model import JOB_KIND, request_from_document, request_to_document
from domain.invoicing.batches.model import AGGREGATE_KIND, ENGINE_KIND
from domain.invoicing.export.model import EXPORT_ENGINE_KIND
from domain.kernel.documents import Document
from domain.kernel.errors import Invalid, Violation
from domain.operations.service import name_of
from domain.schedules.model import (
    Cause,
    MissedRuns,
    Outcome,
    Plan,
    RelativeDate,
    Run,
    Schedule,
    ScheduleState,
    schedule_name,
)
from domain.schedules.service import Change
from server.gate.validation import validate
from server.mapping.accounting import batches
from server.mapping.billing import interval_data_sets, runs
from server.mapping.gl_extraction import extraction
from server.mapping.invoicing import invoice_batches, invoice_exports
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_STATES = {state: pb.ScheduleState.Value(f"SCHEDULE_STATE_{state}") for state in ScheduleState}
_MISSED = {policy: pb.MissedRunPolicy.Value(f"MISSED_RUN_POLICY_{policy}") for policy in MissedRuns}
_MISSED_BY_NUMBER = {
    **{number: policy for policy, number in _MISSED.items()},
    pb.MISSED_RUN_POLICY_UNSPECIFIED: MissedRuns.ONCE,
}
_RELATIVE = {day: pb.RelativeDate.Value(f"RELATIVE_DATE_{day}") for day in RelativeDate}
_RELATIVE_BY_NUMBER = {number: day for day, number in _RELATIVE.items()}
_CAUSES = {cause: pb.ScheduleRunCause.Value(f"SCHEDULE_RUN_CAUSE_{cause}") for cause in Cause}
_OUTCOMES = {outcome: pb.ScheduleRunOutcome.Value(f"SCHEDULE_RUN_OUTCOME_{outcome}") for outcome in Outcome}

_CHANGEABLE = ("description", "cron", "time_zone", "request", "relative_dates", "missed_run_policy")
_OF_ONE_CALL = ("request_id", "validate_only")  # fields that mean nothing in a template


@dataclass(frozen=True, slots=True)
class Template:
    """The request of a kind: its message, and how that becomes the document which the kind knows, and back."""

    message: type[Message]
    to_document: Callable[[Any], Document]
    from_document: Callable[[Document], Message]


TEMPLATES: Mapping[str, Template] = {
    JOB_KIND: Template(
        extraction_pb2.GenerateAccountingMessageRequest,
        lambda request: request_to_document(extraction.request_from_proto(request)),
        lambda document: extraction.request_to_proto(request_from_document(document)),
    ),
    batches_model.GENERATE_KIND: Template(
        batches_pb2.GenerateAccountingFilesRequest,
        lambda request: batches_model.request_to_document(batches.request_from_proto(request)),
        lambda document: batches.request_to_proto(batches_model.request_from_document(document)),
    ),
    runs_model.RUN_KIND: Template(
        billing_runs_pb2.RunBillingRequest,
        lambda request: runs_model.request_to_document(runs.request_from_proto(request)),
        lambda document: runs.request_to_proto(runs_model.request_from_document(document)),
    ),
    creation_model.CREATE_KIND: Template(
        interval_data_sets_pb2.CreateIntervalDataRequest,
        lambda request: creation_model.request_to_document(interval_data_sets.request_from_proto(request)),
        lambda document: interval_data_sets.request_to_proto(creation_model.request_from_document(document)),
    ),
    ENGINE_KIND: Template(
        invoice_batches_pb2.RunInvoiceBatchEngineRequest,
        lambda request: asdict(invoice_batches.engine_request_from_proto(request)),
        invoice_batches.engine_request_to_proto,
    ),
    AGGREGATE_KIND: Template(
        invoice_batches_pb2.AggregateInvoicesRequest,
        lambda request: asdict(invoice_batches.engine_request_from_proto(request)),
        invoice_batches.aggregation_request_to_proto,
    ),
    EXPORT_ENGINE_KIND: Template(
        invoice_exports_pb2.RunInvoiceExportEngineRequest,
        lambda request: asdict(invoice_batches.engine_request_from_proto(request)),
        invoice_exports.engine_request_to_proto,
    ),
}
"""By the name of the kind: one entry a kind."""


def plan_from_proto(given: pb.Schedule) -> Plan:
    """What is to be started when. Raises: Invalid for a request that cannot be scheduled, or breaks its own rules."""
    kind, request = _request_from_proto(given.request)
    return Plan(
        description=given.description,
        kind=kind,
        request=request,
        relative_dates=_relative_from_proto(given),
        cron=given.cron,
        time_zone=given.time_zone,
        missed=_MISSED_BY_NUMBER[given.missed_run_policy],
    )


def change_from_proto(request: pb.UpdateScheduleRequest) -> Change:
    """What is changed of which schedule (AIP-134).

    Raises: Invalid for a schedule that is not named or named twice over, for a mask with what is no field, and as
    `plan_from_proto`.
    """
    given, mask = request.schedule, request.update_mask
    code = updated_code(given, mask, word="schedule", name_of=schedule_name)
    asked = asked_fields(given, mask, _CHANGEABLE)
    return Change(code, given.etag, {key: value for field in asked for key, value in _change(given, field).items()})


def schedule_to_proto(schedule: Schedule) -> pb.Schedule:
    """A schedule."""
    plan = schedule.plan
    proto = pb.Schedule(
        name=schedule.name,
        code=schedule.code,
        description=plan.description,
        cron=plan.cron,
        time_zone=plan.time_zone,
        relative_dates={field: _RELATIVE[day] for field, day in plan.relative_dates.items()},
        missed_run_policy=_MISSED[plan.missed],
        state=_STATES[schedule.state],
        next_run_time=instant_to_proto(schedule.next_us),
        last_run=run_to_proto(schedule.last_run) if schedule.last_run else None,
        caller=schedule.caller,
        create_time=instant_to_proto(schedule.created_us),
        update_time=instant_to_proto(schedule.updated_us),
        etag=schedule.etag,
    )
    template = TEMPLATES.get(plan.kind)
    if template is not None:
        proto.request.Pack(template.from_document(plan.request))
    return proto


def run_to_proto(run: Run) -> pb.ScheduleRun:
    """A run of a schedule."""
    return pb.ScheduleRun(
        name=f"{schedule_name(run.schedule_code)}/runs/{run.run_no}",
        cause=_CAUSES[run.cause],
        outcome=_OUTCOMES[run.outcome],
        scheduled_time=instant_to_proto(run.scheduled_us),
        missed_since=instant_to_proto(run.missed_since_us),
        run_time=instant_to_proto(run.at_us),
        caller=run.caller,
        operation=name_of(run.operation_id) if run.operation_id else "",
        reason=run.reason,
        message=run.message,
    )


def code_from_name(name: str) -> str:
    """The code in `schedules/{code}`."""
    return name.rpartition("/")[2]


def _change(given: pb.Schedule, field: str) -> dict[str, Any]:
    """The fields of the plan that a field of the contract stands for."""
    if field == "request":
        kind, request = _request_from_proto(given.request)
        return {"kind": kind, "request": request}
    if field == "relative_dates":
        return {field: _relative_from_proto(given)}
    if field == "missed_run_policy":
        return {"missed": _MISSED_BY_NUMBER[given.missed_run_policy]}
    return {field: getattr(given, field)}


def _relative_from_proto(given: pb.Schedule) -> dict[str, RelativeDate]:
    return {field: _RELATIVE_BY_NUMBER[number] for field, number in given.relative_dates.items()}


def _request_from_proto(packed: AnyProto) -> tuple[str, Document]:
    """The kind and the template that a packed request stands for, checked by the rules of its own message."""
    for kind, template in TEMPLATES.items():
        message = template.message()
        if packed.TypeName() == message.DESCRIPTOR.full_name:
            _unpack(packed, message)
            return kind, template.to_document(message)
    names = ", ".join(template.message.DESCRIPTOR.full_name for template in TEMPLATES.values())
    raise Invalid(Violation("schedule.request", "SCHEDULED_REQUEST_UNKNOWN", f"must be one of {names}"))


def _unpack(packed: AnyProto, message: Message) -> None:
    try:
        packed.Unpack(message)
    except DecodeError:
        text = f"are no bytes of a {message.DESCRIPTOR.full_name}"
        raise Invalid(Violation("schedule.request", "REQUEST_UNREADABLE", text)) from None
    faults = [
        Violation(f"schedule.request.{field}", "FIELD_OF_ONE_CALL", "belongs to a single call: leave it out")
        for field in _OF_ONE_CALL
        if field in message.DESCRIPTOR.fields_by_name and getattr(message, field)
    ]
    if faults:
        raise Invalid(*faults)
    try:
        validate(message)
    except Invalid as refused:
        under = [Violation(f"schedule.request.{v.field}", v.reason, v.description) for v in refused.violations]
        raise Invalid(*under) from None
