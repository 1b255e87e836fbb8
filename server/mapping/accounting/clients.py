"""Clients as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time as time_of_day
from typing import Any

from google.type.timeofday_pb2 import TimeOfDay

from countinghouse.accounting.v1 import clients_pb2 as pb
from domain.accounting.configuration import client_rules
from domain.accounting.configuration.client_rules import GivenClient
from domain.accounting.configuration.model import (
    BatchSettings,
    Client,
    ClientSettings,
    FileFormat,
    PreCondition,
    ServiceLevel,
    ServiceSettings,
)
from domain.accounting.names import client_name
from domain.kernel.money import Money
from domain.kernel.registers.service import Change
from server.mapping.accounting.vocabulary import CHANNELS, CHANNELS_BY_NUMBER
from server.mapping.calendars import calendar_to_proto, calendar_values
from server.mapping.durations import duration_from_proto, duration_to_proto
from server.mapping.money import money_to_proto
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code

_FORMATS = {each: pb.BatchFileFormat.Value(f"BATCH_FILE_FORMAT_{each}") for each in FileFormat}
_FORMATS_BY_NUMBER = {number: each for each, number in _FORMATS.items()}
_FIELDS = (
    "description",
    "time_zone",
    "calendar",
    "service",
    "batch",
    "pre_conditions",
    "service_levels",
    "manual_restricted",
    "approval_limits",
)


def client_to_proto(client: Client) -> pb.Client:
    """A client."""
    settings = client.settings
    return pb.Client(
        name=client_name(client.code),
        code=client.code,
        description=client.description,
        time_zone=settings.calendar.zone.name,
        calendar=calendar_to_proto(settings.calendar),
        service=_service_to_proto(settings.service) if settings.service else None,
        batch=_batch_to_proto(settings.batch) if settings.batch else None,
        pre_conditions=[
            pb.PreCondition(condition=row.condition, channel=CHANNELS[row.channel]) for row in settings.pre_conditions
        ],
        service_levels=_levels_to_proto(settings),
        manual_restricted=settings.manual_restricted,
        approval_limits=[
            money_to_proto(Money(minor, currency)) for currency, minor in sorted(settings.approval_limits.items())
        ],
        create_time=instant_to_proto(client.created_us),
        update_time=instant_to_proto(client.updated_us),
        etag=client.etag,
    )


def given_from_proto(given: pb.Client) -> GivenClient:
    """The client as it is given, checked for nothing but its form."""
    return GivenClient(**_values(given, _FIELDS))


def change_from_proto(request: pb.UpdateClientRequest) -> Change:
    """What is changed of which client. Raises: Invalid as `updated_code`."""
    given, mask = request.client, request.update_mask
    code = updated_code(given, mask, word="client", name_of=client_name)
    return Change(code, given.etag, _values(given, asked_fields(given, mask, _FIELDS)))


def _values(given: pb.Client, fields: Iterable[str]) -> dict[str, Any]:
    """Fields of `GivenClient`, of these fields of the contract."""
    values: dict[str, Any] = {}
    for field in fields:
        if field == "calendar":
            values |= calendar_values(given)
        elif field in {"description", "time_zone", "manual_restricted"}:
            values[field] = getattr(given, field)
        else:
            values[field] = _READ[field](given)
    return values


def _service(given: pb.Client) -> ServiceSettings | None:
    service = given.service
    if not given.HasField("service"):
        return None
    backoff_us = duration_from_proto(service, "backoff", default=client_rules.BACKOFF_US)
    return ServiceSettings(
        system_of_record=service.system_of_record,
        max_retries=service.max_retries,
        timeout_us=duration_from_proto(service, "timeout", default=client_rules.TIMEOUT_US),
        backoff_us=backoff_us,
        backoff_max_us=duration_from_proto(
            service, "backoff_max", default=max(backoff_us, client_rules.BACKOFF_MAX_US)
        ),
        concurrency_max=service.concurrency_max or client_rules.CONCURRENCY,
    )


def _batch(given: pb.Client) -> BatchSettings | None:
    batch = given.batch
    if not given.HasField("batch"):
        return None
    cut_off = time_of_day(batch.cut_off.hours, batch.cut_off.minutes)
    return BatchSettings(cut_off, _FORMATS_BY_NUMBER[batch.format], batch.data_file_set_code)


def _pre_conditions(given: pb.Client) -> tuple[PreCondition, ...]:
    return tuple(PreCondition(row.condition, CHANNELS_BY_NUMBER[row.channel]) for row in given.pre_conditions)


def _service_levels(given: pb.Client) -> tuple[tuple[Any, ServiceLevel], ...]:
    return tuple(
        (
            CHANNELS_BY_NUMBER[level.channel],
            ServiceLevel(duration_from_proto(level, "goal"), duration_from_proto(level, "deadline")),
        )
        for level in given.service_levels
    )


def _approval_limits(given: pb.Client) -> tuple[tuple[str, int, int], ...]:
    return tuple((limit.currency_code, limit.units, limit.nanos) for limit in given.approval_limits)


_READ = {
    "service": _service,
    "batch": _batch,
    "pre_conditions": _pre_conditions,
    "service_levels": _service_levels,
    "approval_limits": _approval_limits,
}


def _service_to_proto(service: ServiceSettings) -> pb.SystemOfRecordSettings:
    return pb.SystemOfRecordSettings(
        system_of_record=service.system_of_record,
        max_retries=service.max_retries,
        timeout=duration_to_proto(service.timeout_us),
        backoff=duration_to_proto(service.backoff_us),
        backoff_max=duration_to_proto(service.backoff_max_us),
        concurrency_max=service.concurrency_max,
    )


def _batch_to_proto(batch: BatchSettings) -> pb.BatchSettings:
    return pb.BatchSettings(
        cut_off=TimeOfDay(hours=batch.cut_off.hour, minutes=batch.cut_off.minute),
        format=_FORMATS[batch.file_format],
        data_file_set_code=batch.data_file_set_code,
    )


def _levels_to_proto(settings: ClientSettings) -> list[pb.ServiceLevel]:
    return [
        pb.ServiceLevel(
            channel=CHANNELS[channel],
            goal=duration_to_proto(level.goal_us),
            deadline=duration_to_proto(level.deadline_us),
        )
        for channel, level in sorted(settings.service_levels.items())
    ]
