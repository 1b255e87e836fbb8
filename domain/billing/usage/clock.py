"""Days and intervals of a time zone as instants: a day has 23, 24 or 25 hours, or what else its zone gives it (BIL-21).

Instants are microseconds UTC, days yyyymmdd. An interval begins where the clock on the wall shows a whole multiple of
its length, so that of half hours none begins at a quarter past; an interval of a day begins with the day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from datetime import time as time_of_day
from functools import lru_cache
from typing import NamedTuple

from domain.billing.configuration.model import DAY_S
from domain.kernel.time import BusinessZone, date_of, day_of, instant_us, moment_of

SECOND_US = 1_000_000
DAY_US = DAY_S * SECOND_US
_MIDNIGHT = time_of_day(0)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class Piece(NamedTuple):
    """A stretch of time [from, until) in which the zone's clock is `offset_us` ahead of UTC."""

    from_us: int
    until_us: int
    offset_us: int


@lru_cache(maxsize=1 << 10)
def _zone(name: str) -> BusinessZone:
    return BusinessZone(name)


@lru_cache(maxsize=1 << 16)
def begin_us(zone: str, day: int) -> int:
    """The instant at which a day begins; of a midnight that comes twice the first."""
    return _zone(zone).first_instant(date_of(day), _MIDNIGHT)


def day_at(zone: str, us: int) -> int:
    """The day that an instant belongs to."""
    return _day((us + offset_us(zone, us)) // DAY_US)


def told(zone: str, us: int) -> str:
    """An instant by the zone's clock, such as 2026-03-01T00:00:00+01:00, for people."""
    return moment_of(us).astimezone(_zone(zone).zone).isoformat()


def day_after(day: int, days: int = 1) -> int:
    """The day so many days after; before, for less than 0."""
    return day_of(date_of(day) + timedelta(days=days))


def days_between(start: int, end: int) -> int:
    """How many days [start, end) has."""
    return (date_of(end) - date_of(start)).days


@lru_cache(maxsize=1 << 16)
def pieces(zone: str, day: int) -> tuple[Piece, ...]:
    """A day, cut where the clock is put on or back, which it is once a day at most."""
    begin, end = begin_us(zone, day), begin_us(zone, day_after(day))
    if begin >= end:
        return ()  # a day that the zone left out as it crossed the date line
    first, last = _offset_us(zone, begin), _offset_us(zone, end - 1)
    if first == last:
        return (Piece(begin, end, first),)
    low, high = begin, end - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_us(zone, middle) == first else (low, middle)
    return Piece(begin, high, first), Piece(high, end, last)


def offset_us(zone: str, us: int) -> int:
    """How far the zone's clock is ahead of UTC at an instant."""
    even = _even_of_utc(zone, us // DAY_US)
    return _offset_us(zone, us) if even is None else even


@lru_cache(maxsize=1 << 16)
def even_offset_us(zone: str, wall_day: int) -> int | None:
    """The offset all through a day, counted from 1970-01-01, on which no time is left out or repeated; else None."""
    found = pieces(zone, _day(wall_day))
    whole = len(found) == 1 and found[0].until_us - found[0].from_us == DAY_US
    return found[0].offset_us if whole else None


def instants_at(zone: str, wall_us: int) -> tuple[int, ...]:
    """The instants at which the clock shows a time (microseconds from 1970 as if in UTC): none, one, or two."""
    even = even_offset_us(zone, wall_us // DAY_US)
    if even is not None:
        return (wall_us - even,)
    wall = moment_of(wall_us).replace(tzinfo=_zone(zone).zone)
    first, second = instant_us(wall.replace(fold=0)), instant_us(wall.replace(fold=1))
    if first == second:
        return (first,)
    return (first, second) if first < second else ()


def is_begin(zone: str, interval_s: int, us: int) -> bool:
    """Whether an interval of a length begins at an instant."""
    if interval_s == DAY_S:
        return us == begin_us(zone, day_at(zone, us))
    return (us + offset_us(zone, us)) % (interval_s * SECOND_US) == 0


def beginning(zone: str, interval_s: int) -> Callable[[int], bool]:
    """Whether an interval of a length begins at an instant, as `is_begin`: quick for instants of one day of UTC."""
    if interval_s == DAY_S:
        return lambda us: is_begin(zone, interval_s, us)
    step = interval_s * SECOND_US
    until, ahead = 0, 0

    def begins(us: int) -> bool:
        nonlocal until, ahead
        if not until - DAY_US <= us < until:
            even = _even_of_utc(zone, us // DAY_US)
            if even is None:
                return is_begin(zone, interval_s, us)
            until, ahead = us - us % DAY_US + DAY_US, even
        return (us + ahead) % step == 0

    return begins


@lru_cache(maxsize=1 << 14)
def count(zone: str, interval_s: int, start: int, end: int) -> int:
    """How many intervals of a length begin on the days [start, end)."""
    if interval_s == DAY_S:
        return sum(bool(pieces(zone, day)) for day in _days(start, end))
    step = interval_s * SECOND_US
    walls = [_wall(piece, step) for day in _days(start, end) for piece in pieces(zone, day)]
    return sum([len(wall) for wall in walls])


def begins(zone: str, interval_s: int, start: int, end: int) -> list[int]:
    """The instants at which intervals of a length begin on the days [start, end), in their order."""
    if interval_s == DAY_S:
        return [begin_us(zone, day) for day in _days(start, end) if pieces(zone, day)]
    step = interval_s * SECOND_US
    return [
        wall_us - piece.offset_us
        for day in _days(start, end)
        for piece in pieces(zone, day)
        for wall_us in _wall(piece, step)
    ]


def _days(start: int, end: int) -> list[int]:
    first = date_of(start)
    return [day_of(first + timedelta(days=number)) for number in range(days_between(start, end))]


def _wall(piece: Piece, step: int) -> range:
    """What the clock shows, as microseconds from 1970, whenever it shows a multiple of `step`."""
    first, until = piece.from_us + piece.offset_us, piece.until_us + piece.offset_us
    return range(-(first // -step) * step, until, step)


@lru_cache(maxsize=1 << 16)
def _even_of_utc(zone: str, utc_day: int) -> int | None:
    """The offset all through a day of UTC; None where it changes."""
    first = _offset_us(zone, utc_day * DAY_US)
    return first if _offset_us(zone, (utc_day + 1) * DAY_US - 1) == first else None


def _offset_us(zone: str, us: int) -> int:
    offset = moment_of(us).astimezone(_zone(zone).zone).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)


def _day(number: int) -> int:
    return day_of(date.fromordinal(_EPOCH_DAY + number))
