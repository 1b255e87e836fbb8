"""What a client's settings must be (ACC-10, ACC-12, ACC-21, ACC-30, ACC-57): all that is wrong is told at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from domain.accounting.channels.model import Channel
from domain.accounting.channels.registry import way_of
from domain.accounting.configuration import vocabulary
from domain.accounting.configuration.model import (
    BatchSettings,
    ClientSettings,
    PreCondition,
    ServiceLevel,
    ServiceSettings,
)
from domain.data_files.errors import code_violation
from domain.kernel import calendars
from domain.kernel.amounts import Amount, amount_fault, amount_of, minor_of
from domain.kernel.calendars import Calendar
from domain.kernel.characters import REASON, character_fault
from domain.kernel.conditions.expressions import compile_condition
from domain.kernel.errors import Invalid, Violation
from domain.kernel.time import BusinessZone

SECOND_US = 1_000_000
TIMEOUT_US, TIMEOUT_MAX_US = 10 * SECOND_US, 60 * SECOND_US
BACKOFF_US, BACKOFF_MAX_US = SECOND_US, 60 * SECOND_US
PAUSE_MAX_US = 86_400 * SECOND_US
RETRIES_MAX = 100
CONCURRENCY, CONCURRENCY_MAX = 8, 1_000
"""What is taken where nothing is said, and the most there can be."""


@dataclass(frozen=True, slots=True)
class GivenClient:
    """A client's description and settings as callers give them, checked for nothing yet.

    Amounts and days are as the contract has them: a day that there is not is 0.
    """

    description: str
    time_zone: str
    weekend_days: tuple[int, ...] = calendars.WEEKEND
    country: str = ""
    subdivision: str = ""
    holidays: tuple[int, ...] = ()
    working_days: tuple[int, ...] = ()
    service: ServiceSettings | None = None
    batch: BatchSettings | None = None
    pre_conditions: tuple[PreCondition, ...] = ()
    service_levels: tuple[tuple[Channel, ServiceLevel], ...] = ()
    manual_restricted: bool = False
    approval_limits: tuple[Amount, ...] = ()

    @property
    def calendar(self) -> Calendar:
        """Its business calendar."""
        days = (self.weekend_days, self.country, self.subdivision, self.holidays, self.working_days)
        return Calendar(BusinessZone(self.time_zone), *days)


def given_of(description: str, settings: ClientSettings) -> GivenClient:
    """Settings that there are, as they could have been given."""
    calendar = settings.calendar
    return GivenClient(
        description=description,
        time_zone=calendar.zone.name,
        weekend_days=calendar.weekend_days,
        country=calendar.country,
        subdivision=calendar.subdivision,
        holidays=calendar.holidays,
        working_days=calendar.working_days,
        service=settings.service,
        batch=settings.batch,
        pre_conditions=settings.pre_conditions,
        service_levels=tuple(settings.service_levels.items()),
        manual_restricted=settings.manual_restricted,
        approval_limits=tuple(amount_of(minor, currency) for currency, minor in settings.approval_limits.items()),
    )


def sound_settings(given: GivenClient, connections: Collection[str]) -> ClientSettings:
    """The settings; `connections` are the systems of record that the servers know.

    Raises: Invalid with every violation.
    """
    if found := tuple(violations(given, connections)):
        raise Invalid(*found)
    return ClientSettings(
        calendar=given.calendar,
        service=given.service,
        batch=given.batch,
        pre_conditions=given.pre_conditions,
        service_levels=dict(given.service_levels),
        manual_restricted=given.manual_restricted,
        approval_limits={amount[0]: minor_of(amount) for amount in given.approval_limits},
    )


def violations(given: GivenClient, connections: Collection[str]) -> Iterator[Violation]:
    """Everything that is wrong with it."""
    if fault := character_fault(given.description):
        yield Violation("client.description", REASON, fault)
    yield from calendars.faults(given.calendar, time_zone="client.time_zone", field="client.calendar")
    if given.service:
        yield from _service(given.service, connections)
    set_code = given.batch.data_file_set_code if given.batch else ""
    if (wrong := code_violation("client.batch.data_file_set_code", set_code)) is not None:
        yield wrong
    yield from _pre_conditions(given)
    yield from _service_levels(given)
    yield from _approval_limits(given)


def _service(service: ServiceSettings, connections: Collection[str]) -> Iterator[Violation]:
    path = "client.service"
    if service.system_of_record not in connections:
        known = ", ".join(sorted(connections)) or "none"
        text = f"the servers know no system of record {service.system_of_record!r}; known: {known}"
        yield Violation(f"{path}.system_of_record", "SYSTEM_OF_RECORD_UNKNOWN", text)
    if not 0 <= service.max_retries <= RETRIES_MAX:
        text = f"must be from 0, for a single call, to {RETRIES_MAX}"
        yield Violation(f"{path}.max_retries", "MAX_RETRIES_INVALID", text)
    if not 0 < service.timeout_us <= TIMEOUT_MAX_US:
        yield _duration(f"{path}.timeout", f"must be above 0 and at most {TIMEOUT_MAX_US // SECOND_US} seconds")
    if not 0 < service.backoff_us <= PAUSE_MAX_US:
        yield _duration(f"{path}.backoff", "must be above 0 and at most a day")
    elif not service.backoff_us <= service.backoff_max_us <= PAUSE_MAX_US:
        yield _duration(f"{path}.backoff_max", "must be at least the first pause and at most a day")
    if not 1 <= service.concurrency_max <= CONCURRENCY_MAX:
        yield Violation(f"{path}.concurrency_max", "CONCURRENCY_INVALID", f"must be from 1 to {CONCURRENCY_MAX:,}")


def _pre_conditions(given: GivenClient) -> Iterator[Violation]:
    settings = ClientSettings(given.calendar, given.service, given.batch)
    for at, row in enumerate(given.pre_conditions):
        path = f"client.pre_conditions[{at}]"
        try:
            compile_condition(row.condition, vocabulary.OPERATIONS, path=f"{path}.condition")
        except Invalid as refused:
            yield from refused.violations
        if not way_of(row.channel).is_configured(settings):
            yield Violation(f"{path}.channel", "CHANNEL_NOT_CONFIGURED", f"the client has no {row.channel} configured")


def _service_levels(given: GivenClient) -> Iterator[Violation]:
    counts = Counter(channel for channel, _ in given.service_levels)
    for at, (channel, level) in enumerate(given.service_levels):
        path = f"client.service_levels[{at}]"
        if counts[channel] > 1:
            yield Violation(
                f"{path}.channel", "CHANNEL_TWICE", f"{channel} has {counts[channel]} entries; one is enough"
            )
        for name, us in (("goal", level.goal_us), ("deadline", level.deadline_us)):
            if not 0 <= us <= calendars.SPAN_MAX_US:
                yield _duration(f"{path}.{name}", f"must be from 0 to {calendars.SPAN_MAX_DAYS:,} days")
        if 0 < level.deadline_us < level.goal_us:
            yield Violation(f"{path}.goal", "GOAL_AFTER_DEADLINE", "must not be after the deadline")


def _approval_limits(given: GivenClient) -> Iterator[Violation]:
    counts = Counter(currency for currency, _, _ in given.approval_limits)
    for at, amount in enumerate(given.approval_limits):
        path = f"client.approval_limits[{at}]"
        fault = amount_fault(amount)
        if fault:
            yield Violation(path, *fault)
        elif minor_of(amount) <= 0:
            yield Violation(path, "AMOUNT_NOT_POSITIVE", "must be above zero")
        if counts[amount[0]] > 1:
            yield Violation(path, "CURRENCY_TWICE", f"{amount[0][:8]} has {counts[amount[0]]} limits; one is enough")


def _duration(field: str, text: str) -> Violation:
    return Violation(field, "DURATION_OUT_OF_RANGE", text)
