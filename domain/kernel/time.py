"""Time: instants are microseconds UTC, days are yyyymmdd integers, and one business time zone joins them (PLT-04)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NO_DAY = 0


def instant_us(moment: datetime) -> int:
    """An aware datetime as microseconds UTC."""
    assert moment.tzinfo is not None
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(us: int) -> datetime:
    """Microseconds UTC as an aware datetime."""
    return _EPOCH + timedelta(microseconds=us)


def iso_of(us: int) -> str:
    """Microseconds UTC as ISO 8601 with microseconds and Z."""
    return moment_of(us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def day_of(value: date) -> int:
    """A date as yyyymmdd: sortable, readable, four bytes."""
    return value.year * 10_000 + value.month * 100 + value.day


def real_day(year: int, month: int, day: int) -> int | None:
    """The day as yyyymmdd; None where the calendar has no such day (30 February, year 0)."""
    try:
        return day_of(date(year, month, day))
    except (ValueError, OverflowError):
        return None


def date_of(day: int) -> date:
    """The date that `day_of` wrote."""
    return date(day // 10_000, day // 100 % 100, day % 100)


def iso_day(day: int) -> str:
    """A day as yyyy-mm-dd; the empty string for none."""
    return date_of(day).isoformat() if day != NO_DAY else ""


def next_day(day: int) -> int:
    """The day after."""
    return day_of(date_of(day) + timedelta(days=1))


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this IANA name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@dataclass(frozen=True)
class BusinessZone:
    """The time zone in which business dates and cut-offs are meant (IANA name)."""

    name: str

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone's rules."""
        return ZoneInfo(self.name)

    def today(self, now_us: int) -> int:
        """The business day of an instant."""
        return day_of(moment_of(now_us).astimezone(self.zone).date())

    def first_instant(self, day: date, at: time_of_day) -> int:
        """The instant at which a wall-clock minute begins; of a repeated hour its first pass.

        A minute that does not exist (clocks put forward) stands for the first instant after the gap.
        """
        wall = datetime.combine(day, at)
        early = instant_us(wall.replace(tzinfo=self.zone, fold=0))
        if self._wall(early) == wall:
            return early
        return self._gap_end(wall)

    def last_instant(self, day: date, at: time_of_day) -> int:
        """The last microsecond of a wall-clock minute; of a repeated hour its second pass."""
        wall = datetime.combine(day, at)
        late = instant_us(wall.replace(tzinfo=self.zone, fold=1))
        if self._wall(late) == wall:
            return late + 60_000_000 - 1
        return self._gap_end(wall) - 1

    def _wall(self, us: int) -> datetime:
        return moment_of(us).astimezone(self.zone).replace(tzinfo=None)

    def _offset_us(self, us: int) -> int:
        offset = moment_of(us).astimezone(self.zone).utcoffset()
        assert offset is not None
        return offset // _MICROSECOND

    def _gap_end(self, wall: datetime) -> int:
        """The first instant after the gap in which `wall` lies: where the offset changes."""
        low = instant_us(wall.replace(tzinfo=self.zone, fold=1))
        high = instant_us(wall.replace(tzinfo=self.zone, fold=0))
        low, high = min(low, high), max(low, high)
        before = self._offset_us(low)
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset_us(middle) == before:
                low = middle
            else:
                high = middle
        return high
