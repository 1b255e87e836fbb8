"""Configuration as documents: what is kept of it in JSON, and told in the audit trail."""

from __future__ import annotations

from dataclasses import asdict
from datetime import time as time_of_day
from typing import Any

from domain.accounting.channels.model import Channel
from domain.accounting.configuration.model import (
    AmountSource,
    BatchSettings,
    ClientSettings,
    DayKind,
    Delay,
    DeterminationRow,
    EntryAmount,
    FileFormat,
    PreCondition,
    Processing,
    Resolution,
    RuleSettings,
    ServiceLevel,
    ServiceSettings,
    Settlement,
)
from domain.kernel.calendars import Calendar
from domain.kernel.documents import Document, read_as
from domain.kernel.time import BusinessZone


def client_document(settings: ClientSettings) -> Document:
    """What is set of a client; amounts in minor units, durations in microseconds."""
    batch = settings.batch
    return {
        "calendar": {**asdict(settings.calendar), "zone": settings.calendar.zone.name},
        "service": asdict(settings.service) if settings.service else None,
        "batch": {**asdict(batch), "cut_off": batch.cut_off.isoformat()} if batch else None,
        "pre_conditions": [asdict(row) for row in settings.pre_conditions],
        "service_levels": {channel: asdict(level) for channel, level in settings.service_levels.items()},
        "manual_restricted": settings.manual_restricted,
        "approval_limits": dict(settings.approval_limits),
    }


def client_settings(document: Document) -> ClientSettings:
    """What `client_document` wrote. Raises: WrittenByNewer."""
    service, batch = document["service"], document["batch"]
    return read_as(
        ClientSettings,
        {
            **document,
            "calendar": _calendar(document["calendar"]),
            "service": read_as(ServiceSettings, service) if service else None,
            "batch": _batch(batch) if batch else None,
            "pre_conditions": tuple(map(_pre_condition, document["pre_conditions"])),
            "service_levels": {
                Channel(channel): read_as(ServiceLevel, level) for channel, level in document["service_levels"].items()
            },
        },
    )


def resolutions_document(zero_for: frozenset[Resolution]) -> Document:
    """The resolutions for which a collection must be zero."""
    return {"resolutions": sorted(zero_for)}


def resolutions(document: Document) -> frozenset[Resolution]:
    """What `resolutions_document` wrote."""
    return frozenset(map(Resolution, document["resolutions"]))


def rows_document(rows: tuple[DeterminationRow, ...]) -> Document:
    """The rows of a decision table."""
    return {"rows": [asdict(row) for row in rows]}


def determination_rows(document: Document) -> tuple[DeterminationRow, ...]:
    """What `rows_document` wrote. Raises: WrittenByNewer."""
    return tuple(read_as(DeterminationRow, row) for row in document["rows"])


def rule_document(settings: RuleSettings) -> Document:
    """What a version of a rule says."""
    return {**asdict(settings), "claim_types": sorted(settings.claim_types)}


def rule_settings(document: Document) -> RuleSettings:
    """What `rule_document` wrote. Raises: WrittenByNewer."""
    amount, delay, settlement = document["entry_amount"], document["delay"], document["settlement"]
    return read_as(
        RuleSettings,
        {
            **document,
            "claim_types": frozenset(document["claim_types"]),
            "entry_amount": read_as(EntryAmount, {**amount, "source": AmountSource(amount["source"])}),
            "processing": Processing(document["processing"]),
            "delay": read_as(Delay, {**delay, "kind": DayKind(delay["kind"])}) if delay else None,
            "settlement": read_as(Settlement, settlement) if settlement else None,
        },
    )


def _calendar(document: Document) -> Calendar:
    days: dict[str, Any] = {name: tuple(document[name]) for name in ("weekend_days", "holidays", "working_days")}
    return read_as(Calendar, {**document, **days, "zone": BusinessZone(document["zone"])})


def _batch(document: Document) -> BatchSettings:
    cut_off, file_format = time_of_day.fromisoformat(document["cut_off"]), FileFormat(document["file_format"])
    return read_as(BatchSettings, {**document, "cut_off": cut_off, "file_format": file_format})


def _pre_condition(document: Document) -> PreCondition:
    return read_as(PreCondition, {**document, "channel": Channel(document["channel"])})
