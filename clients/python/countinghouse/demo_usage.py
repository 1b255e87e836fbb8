"""What the accounts of the demo used: by the hour, the day and the season, and always the same."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.decimal_pb2 import Decimal

from countinghouse.billing.v1.usage_pb2 import IntervalData, RegisterRead
from countinghouse.client.usage import UsageRow
from countinghouse.demo_accounts import Case, Habit, Service
from countinghouse.demo_tariffs import COUNTER, COUNTER_DIGITS, HOURLY, STARTS, ZONE

_ZONE = ZoneInfo(ZONE)
_FIRST, _LAST_MONTH, _END = STARTS[0], STARTS[2], STARTS[3]
_HOURS = (18, 15, 14, 14, 15, 20, 32, 45, 42, 38, 36, 38, 42, 40, 36, 36, 40, 52, 66, 70, 60, 46, 34, 24)
"""Hundredths of a kWh by the hour of a usual day."""
_SEASON = {1: 130, 2: 118, 3: 104}
"""Hundredths of what is usual, by month."""
_HABIT = {Habit.USUAL: 100, Habit.SILENT: 100, Habit.WILD: 100, Habit.LITTLE: 4}
_WILD = 7
_WRONG_DAY = date(2026, 2, 10)
_DAY = timedelta(days=1)


def rows(cases: Iterable[Case]) -> Iterator[UsageRow]:
    """Everything that their meters have told."""
    for case in cases:
        for service in case.story.services:
            if service.meter:
                profile = case.name("profiles", service.service_id)
                yield from ((profile, value) for value in _values(case, service))


def correction(case: Case) -> Iterator[UsageRow]:
    """A day of February is another than was told."""
    service = case.story.services[0]
    wrong = _of_day(case, service, _WRONG_DAY)
    yield case.name("profiles", service.service_id), _interval(_midnight(_WRONG_DAY), 3 * wrong)


def _values(case: Case, service: Service) -> Iterator[IntervalData | RegisterRead]:
    if service.meter == COUNTER:
        return _reads(case, service)
    return _hours(case, service) if service.meter == HOURLY else _days(case, service)


def _days(case: Case, service: Service) -> Iterator[IntervalData]:
    return (_interval(_midnight(day), _of_day(case, service, day)) for day in _told(service))


def _hours(case: Case, service: Service) -> Iterator[IntervalData]:
    """Each hour of each day: there are 23 of them on the last Sunday of March."""
    for day in _told(service):
        at, end, part = _midnight(day), _midnight(day + _DAY), _part(case, service, day)
        while at < end:
            yield _interval(at, _HOURS[at.astimezone(_ZONE).hour] * part // 10_000)
            at += timedelta(hours=1)


def _reads(case: Case, service: Service) -> Iterator[RegisterRead]:
    """The counter on the first of each month; it stands near its end in January."""
    shown = (10**COUNTER_DIGITS - 400) * 100
    for start, end in pairwise(STARTS):
        whole = shown % 10 ** (COUNTER_DIGITS + 2)
        yield RegisterRead(read_time=_timestamp(_midnight(start)), quantity=_kwh(whole))
        if start < _END:
            shown += sum(_of_day(case, service, day) for day in _between(start, end))


def _told(service: Service) -> Iterator[date]:
    end = _LAST_MONTH if service.habit is Habit.SILENT else _END
    return _between(_FIRST, min(end, service.until or end))


def _between(start: date, end: date) -> Iterator[date]:
    return (start + n * _DAY for n in range((end - start).days))


def _of_day(case: Case, service: Service, day: date) -> int:
    """Hundredths of a kWh."""
    return sum(_HOURS) * _part(case, service, day) // 10_000


def _part(case: Case, service: Service, day: date) -> int:
    """What a day is of a usual one, in ten thousandths."""
    of_account = 70 + case.number * 37 % 61
    of_day = 90 + (case.number * 13 + len(service.service_id) + day.toordinal() * 29) % 21
    wild = _WILD if service.habit is Habit.WILD and day >= _LAST_MONTH else 1
    return of_account * of_day * _SEASON[day.month] * _HABIT[service.habit] * wild // 10_000


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=_ZONE).astimezone(UTC)


def _timestamp(at: datetime) -> Timestamp:
    return Timestamp(seconds=int(at.timestamp()))


def _kwh(hundredths: int) -> Decimal:
    return Decimal(value=f"{hundredths // 100}.{hundredths % 100:02}")


def _interval(at: datetime, hundredths: int) -> IntervalData:
    return IntervalData(start_time=_timestamp(at), quantity=_kwh(hundredths))
