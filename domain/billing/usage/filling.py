"""The intervals of a period one by one, where some are missing: told, or estimated (BIL-21)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from domain.billing.configuration.model import Missing
from domain.billing.names import profile_name
from domain.billing.usage import clock
from domain.billing.usage.buckets import Range
from domain.billing.usage.errors import UsageMissing
from domain.billing.usage.estimates import WEEKS, estimated
from domain.billing.usage.model import Method, Wanted
from domain.billing.usage.store.sums import Interval
from domain.kernel.time import iso_day

Totals = dict[str, int]
"""By bucket, attos."""

_DAYS_A_WEEK = 7


class Filled(NamedTuple):
    """What all profiles of a question came to in each interval, by time in microseconds UTC; none is missing."""

    totals: Mapping[int, int]
    sources: tuple[str, ...]
    estimated: bool


def history(start: int) -> int:
    """The first day whose data estimates of a period are made from, which begins on the day `start`."""
    return clock.day_after(start, -_DAYS_A_WEEK * WEEKS)


def filled(wanted: Wanted, kept: Mapping[str, Sequence[Interval]]) -> Filled | UsageMissing:
    """What a period's intervals came to, estimated where that is needed and allowed; `kept` is by profile."""
    interval_s = wanted.profile_type.interval_s
    begins = clock.begins(wanted.zone, interval_s, wanted.start, wanted.end)
    totals = dict.fromkeys(begins, 0)
    sources, any_estimated = [], False
    for profile, found in kept.items():
        known = {each.start_us: each.attos for each in found}
        missing = [at for at in begins if at not in known]
        methods: Counter[Method] = Counter()
        if missing:
            made = None
            if wanted.missing is Missing.ESTIMATE:
                made = estimated(missing, known, wanted.zone, interval_s)
            if made is None:
                return _missing(wanted, profile, missing, len(begins))
            known |= {at: each.attos for at, each in made.items()}
            methods.update(each.method for each in made.values())
        for at in begins:
            totals[at] += known[at]
        inside = [each for each in found if each.start_us in totals]
        marked = sum(each.estimated for each in inside)
        revision = max((each.revision for each in inside), default=0)
        sources.append(source(wanted, profile, len(begins), revision=revision, marked=marked, methods=methods))
        any_estimated = any_estimated or marked > 0 or bool(methods)
    return Filled(totals, tuple(sources), any_estimated)


def within(totals: Mapping[int, int], cuts: Sequence[Range]) -> Iterator[tuple[str, int]]:
    """The quantity of each interval within ranges, with the bucket that it falls into; both are in order of time."""
    place = 0
    for at, attos in totals.items():
        while place < len(cuts) and cuts[place].until_us <= at:
            place += 1
        if place == len(cuts):
            return
        if at >= cuts[place].from_us:
            yield cuts[place].bucket, attos


def source(
    wanted: Wanted,
    profile: str,
    expected: int,
    *,
    revision: int,
    marked: int,
    methods: Mapping[Method, int] | None = None,
) -> str:
    """A sentence on the intervals of a profile: how many, of which days, up to which revision, how many estimated."""
    name, days = profile_name(wanted.account, profile), f"{iso_day(wanted.start)} to {iso_day(wanted.end)}"
    told = [f"{name}: {expected} intervals, {days}, revision {revision}"]
    if marked:
        told.append(f"{marked} came in as estimates")
    told += [f"{number} estimated by {method}" for method, number in sorted((methods or {}).items())]
    return ", ".join(told)


def _missing(wanted: Wanted, profile: str, missing: Sequence[int], expected: int) -> UsageMissing:
    why = ", and there is nothing to estimate them from" if wanted.missing is Missing.ESTIMATE else ""
    name, since = profile_name(wanted.account, profile), clock.told(wanted.zone, missing[0])
    return UsageMissing(
        f"{name} lacks {len(missing):,} of {expected:,} intervals, the first of them at {since}{why}",
        profile=name,
        missing=len(missing),
        expected=expected,
        since=since,
    )
