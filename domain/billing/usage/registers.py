"""What a register counted between two days, from when it was read (BIL-21).

The first read of a day tells how it stood as the day began: so the read of the day on which a period ends is that with
which the next one begins. Quantities are attos.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from domain.billing.usage.clock import DAY_US, begin_us, day_after
from domain.billing.usage.errors import RegisterReadMissing, RegisterWentBack
from domain.billing.usage.model import Method
from domain.kernel.money import Rounding, rounded
from domain.kernel.quantities import ATTOS
from domain.kernel.time import iso_day, iso_of

PACE_MAX = 10
"""How many times as much a day as before it, where that is known, a rollover may come to."""


class Read(NamedTuple):
    """A read of a register."""

    at_us: int
    attos: int
    revision: int
    estimated: bool


class Bounds(NamedTuple):
    """The days [start, end) of a period, and the instants at which its first day, and the day after each, begin."""

    start: int
    end: int
    start_us: int
    after_start_us: int
    end_us: int
    after_end_us: int

    @classmethod
    def of(cls, zone: str, start: int, end: int) -> Bounds:
        """Those of the days [start, end) in a time zone (IANA)."""
        days = (start, day_after(start), end, day_after(end))
        return cls(start, end, *(begin_us(zone, day) for day in days))


class Stand(NamedTuple):
    """How a register stood as a day began: what it had counted since the first read; `estimated` names the method."""

    attos: int
    estimated: Method | None


class Used(NamedTuple):
    """What a register counted in a period, from which reads, and by which methods its stands were estimated."""

    attos: int
    reads: tuple[Read, ...]
    methods: tuple[Method, ...]


Fault = RegisterReadMissing | RegisterWentBack


def used(reads: Sequence[Read], bounds: Bounds, digits: int, *, estimate: bool) -> Used | Fault:
    """What was counted in a period; `reads` are those of its days and the nearest around them, by time.

    A read that is missing on its first or last day is estimated, if it may be: in proportion between the reads around
    it, or as between the two reads before it.
    """
    opening, closing = (
        _first(reads, bounds.start_us, bounds.after_start_us),
        _first(reads, bounds.end_us, bounds.after_end_us),
    )
    if not estimate and (opening is None or closing is None):
        return _missing(bounds.start if opening is None else bounds.end, "")
    low = 0 if opening is None else opening
    high = len(reads) - 1 if closing is None else closing
    if not reads:
        return _missing(bounds.start if opening is None else bounds.end, ", and there are no reads to estimate it from")
    begin = max(0, low - 1) if low == high else low  # a line needs two: the read before, if there is no other
    counted = _counted(reads, begin, high, digits)
    if isinstance(counted, RegisterWentBack):
        return counted
    span = reads[begin : high + 1]
    first = Stand(counted[opening - begin], None) if opening is not None else _stand(span, counted, bounds.start_us)
    last = Stand(counted[-1], None) if closing is not None else _stand(span, counted, bounds.end_us)
    if first is None or last is None:
        return _missing(bounds.start if first is None else bounds.end, ", and there are no reads to estimate it from")
    methods = tuple({stand.estimated: None for stand in (first, last) if stand.estimated})
    return Used(last.attos - first.attos, tuple(span), methods)


def _first(reads: Sequence[Read], from_us: int, until_us: int) -> int | None:
    """The place of the first read within [from, until)."""
    return next((place for place, read in enumerate(reads) if from_us <= read.at_us < until_us), None)


def _counted(reads: Sequence[Read], low: int, high: int, digits: int) -> list[int] | RegisterWentBack:
    """What was counted from the read at `low` to each up to the one at `high`; reads before `low` tell the pace."""
    found = [0]
    for place in range(low, high):
        step = reads[place + 1].attos - reads[place].attos
        if step < 0:
            step += 10**digits * ATTOS
            if not _is_plausible(step, reads, place, digits):
                return _went_back(reads[place], reads[place + 1])
        found.append(found[-1] + step)
    return found


def _is_plausible(step: int, reads: Sequence[Read], place: int, digits: int) -> bool:
    """Whether the register may have rolled over behind the read at `place`, and counted so much until the next.

    It has counted no more than half of what it can, and a day no more than PACE_MAX times as much as between the two
    reads before, if there are two and it counted between them.
    """
    if 2 * step > 10**digits * ATTOS:
        return False
    if place == 0:
        return True
    before, now, after = reads[place - 1 : place + 2]
    pace = now.attos - before.attos
    if pace <= 0:
        return True
    return step * (now.at_us - before.at_us) <= PACE_MAX * pace * (after.at_us - now.at_us)


def _stand(reads: Sequence[Read], counted: Sequence[int], at_us: int) -> Stand | None:
    """How the register stood at an instant at which it was not read."""
    after = next((place for place, read in enumerate(reads) if read.at_us > at_us), len(reads))
    if 0 < after < len(reads):
        return Stand(_on_line(reads, counted, after, at_us), Method.BETWEEN_READS)
    if after == len(reads) >= 2:  # noqa: PLR2004 - a line needs two
        return Stand(_on_line(reads, counted, after - 1, at_us), Method.AS_BEFORE)
    return None


def _on_line(reads: Sequence[Read], counted: Sequence[int], place: int, at_us: int) -> int:
    """The straight line through the read at `place` and the one before it, at an instant."""
    (from_us, *_), (until_us, *_) = reads[place - 1], reads[place]
    rise = counted[place] - counted[place - 1]
    return counted[place - 1] + rounded(rise * (at_us - from_us), until_us - from_us, Rounding.HALF_EVEN)


def _missing(day: int, why: str) -> RegisterReadMissing:
    return RegisterReadMissing(f"the register was not read on {iso_day(day)}{why}", day=iso_day(day))


def _went_back(before: Read, after: Read) -> RegisterWentBack:
    days = max(1, round((after.at_us - before.at_us) / DAY_US))
    return RegisterWentBack(
        f"the register reads less at {iso_of(after.at_us)} than {days} days before, at {iso_of(before.at_us)}, and it"
        " is not plausible that its digits rolled over",
        before=iso_of(before.at_us),
        after=iso_of(after.at_us),
    )


def source(name: str, used: Used) -> str:
    """A sentence on the reads of a profile: how many, from when to when, up to which revision, how many estimated."""
    first, last = used.reads[0], used.reads[-1]
    revision = max(read.revision for read in used.reads)
    marked = sum(read.estimated for read in used.reads)
    told = [f"{name}: {len(used.reads)} reads, {iso_of(first.at_us)} to {iso_of(last.at_us)}, revision {revision}"]
    if marked:
        told.append(f"{marked} came in as estimates")
    told += [f"estimated by {method}" for method in used.methods]
    return ", ".join(told)
