"""What was used in periods, by part and bucket: one answer for each question, however many accounts (BIL-21)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import count

from sqlalchemy import Connection

from domain.billing.configuration.model import Missing, ProfileKind, SchemeSettings
from domain.billing.names import profile_name
from domain.billing.rating.segments import Intervals, Part, Register
from domain.billing.usage import clock, coming, filling, registers
from domain.billing.usage.buckets import ranges
from domain.billing.usage.errors import UsageProfileMissing
from domain.billing.usage.filling import Filled, Totals
from domain.billing.usage.model import Gathered, Wanted
from domain.billing.usage.store import sums
from domain.billing.usage.store.sums import Series, Span, Sum, Window
from domain.kernel.errors import DomainError

_Shape = tuple[SchemeSettings | None, str, tuple[Part, ...]]
"""What cuts a period: the same for most agreements of a run."""


def gather(tx: Connection, wanted: Sequence[Wanted]) -> dict[Hashable, Gathered]:
    """By key, what was used or why that is not known; keys are unique.

    Before something is estimated in a transaction that may keep it, data that are coming in are waited for.

    Cost: a statement each for sums, for maximums and for registers, as far as they are asked for, all by ranges of
    primary keys; and one more for all that misses intervals, or has the maximum of several profiles. Estimates on
    PostgreSQL: one more, and the same again.
    """
    found: dict[Hashable, Gathered] = {
        each.key: UsageProfileMissing(account=each.account) for each in wanted if not each.profiles
    }
    asked = [each for each in wanted if each.profiles]
    assert len({each.key for each in wanted}) == len(wanted)
    found |= _asked(tx, asked)
    guessed = [each for each in asked if each.missing is Missing.ESTIMATE and _is_estimated(found[each.key])]
    if guessed and coming.hold(tx, {each.account for each in guessed}):
        found |= _asked(tx, guessed)
    return found


def _asked(tx: Connection, wanted: Sequence[Wanted]) -> dict[Hashable, Gathered]:
    registers_ = [each for each in wanted if each.profile_type.kind is ProfileKind.REGISTER]
    intervals = [each for each in wanted if each.profile_type.kind is ProfileKind.INTERVALS]
    return _registers(tx, registers_) | _intervals(tx, intervals)


def _is_estimated(found: Gathered) -> bool:
    return not isinstance(found, DomainError) and found.estimated


# Intervals


def _intervals(tx: Connection, wanted: Sequence[Wanted]) -> dict[Hashable, Gathered]:
    """All that is complete by sums alone; the rest interval by interval."""
    cuts = Cuts()
    summed = [each for each in wanted if not each.maximum]
    topped = [each for each in wanted if each.maximum and len(each.profiles) == 1]
    found: dict[Hashable, Gathered] = {}
    for asked, ask in ((summed, sums.sums), (topped, sums.highest)):
        numbers = count()
        series = [
            [Series(next(numbers), each.account, profile, cuts.number(each)) for profile in each.profiles]
            for each in asked
        ]
        totals = ask(tx, [one for several in series for one in several], cuts.spans)
        for each, several in zip(asked, series, strict=True):
            complete = _complete(each, several, totals, cuts.places(each))
            if complete is not None:
                found[each.key] = complete
    return found | _one_by_one(tx, [each for each in wanted if each.key not in found])


class Cuts:
    """The ways in which periods are cut, each by a number: into places, which are a bucket of a part."""

    def __init__(self) -> None:
        self._numbers: dict[_Shape, int] = {}
        self._places: list[list[tuple[int, str]]] = []
        self.spans: list[Span] = []

    def number(self, wanted: Wanted) -> int:
        """The number of the way in which a period is cut."""
        shape = _shape(wanted)
        if shape not in self._numbers:
            self._numbers[shape] = len(self._numbers)
            self._cut(*shape)
        return self._numbers[shape]

    def places(self, wanted: Wanted) -> list[tuple[int, str]]:
        """What its places are: the number of the part, and the bucket."""
        return self._places[self.number(wanted)]

    def _cut(self, scheme: SchemeSettings | None, zone: str, parts: tuple[Part, ...]) -> None:
        places: dict[tuple[int, str], int] = {}
        for part in parts:
            for each in ranges(scheme, zone, part.start, part.end):
                place = places.setdefault((part.number, each.bucket), len(places))
                self.spans.append(Span(len(self._places), place, each.from_us, each.until_us))
        self._places.append(list(places))


def _shape(wanted: Wanted) -> _Shape:
    return (None if wanted.scheme is None else wanted.scheme.settings, wanted.zone, wanted.parts)


def _complete(
    wanted: Wanted, series: Sequence[Series], totals: dict[tuple[int, int], Sum], places: Sequence[tuple[int, str]]
) -> Intervals | None:
    """The answer, if no interval is missing."""
    expected = clock.count(wanted.zone, wanted.profile_type.interval_s, wanted.start, wanted.end)
    parts: list[dict[str, int]] = [{} for _ in wanted.parts]
    first = wanted.parts[0].number
    sources, estimated = [], False
    for one in series:
        kept = [(place, totals[one.number, at]) for at, place in enumerate(places) if (one.number, at) in totals]
        if sum([total.found for _, total in kept]) != expected:
            return None
        for (part, bucket), total in kept:
            into = parts[part - first]
            into[bucket] = into.get(bucket, 0) + total.attos
        marked = sum([total.estimated for _, total in kept])
        estimated = estimated or marked > 0
        revision = max([total.revision for _, total in kept], default=0)
        sources.append(filling.source(wanted, one.profile, expected, revision=revision, marked=marked))
    return _told(wanted, parts, sources, estimated=estimated)


def _told(wanted: Wanted, parts: Sequence[Mapping[str, int]], sources: Sequence[str], *, estimated: bool) -> Intervals:
    """The answer. Of a maximum each bucket of the scheme has one: so a part without time in it is told from none."""
    if wanted.maximum and wanted.scheme is not None:
        parts = [{**dict.fromkeys(sorted(wanted.scheme.settings.buckets), 0), **each} for each in parts]
    return Intervals(wanted.profile_type.unit, tuple(parts), tuple(sources), estimated)


def _one_by_one(tx: Connection, wanted: Sequence[Wanted]) -> dict[Hashable, Gathered]:
    """The answers for which intervals have to be looked at themselves."""
    numbers = count()
    windows = [[_window(next(numbers), each, profile) for profile in each.profiles] for each in wanted]
    kept = sums.intervals(tx, [window for several in windows for window in several])
    found: dict[Hashable, Gathered] = {}
    for each, several in zip(wanted, windows, strict=True):
        filled = filling.filled(each, {window.profile: kept.get(window.number, []) for window in several})
        found[each.key] = _cut_up(each, filled) if isinstance(filled, Filled) else filled
    return found


def _window(number: int, wanted: Wanted, profile: str) -> Window:
    """The period, and if something may have to be estimated also what lies before it."""
    first = wanted.start if wanted.missing is Missing.ERROR else filling.history(wanted.start)
    return Window(
        number, wanted.account, profile, clock.begin_us(wanted.zone, first), clock.begin_us(wanted.zone, wanted.end)
    )


def _cut_up(wanted: Wanted, filled: Filled) -> Intervals:
    """The intervals of a period by part and bucket: their sum, or the highest."""
    parts = []
    for part in wanted.parts:
        buckets: Totals = {}
        cuts = ranges(_shape(wanted)[0], wanted.zone, part.start, part.end)
        for bucket, attos in filling.within(filled.totals, cuts):
            known = buckets.get(bucket)
            if known is None:
                buckets[bucket] = attos
            else:
                buckets[bucket] = max(known, attos) if wanted.maximum else known + attos
        parts.append(buckets)
    return _told(wanted, parts, filled.sources, estimated=filled.estimated)


# Registers


def _registers(tx: Connection, wanted: Iterable[Wanted]) -> dict[Hashable, Gathered]:
    """What registers counted, each profile by itself."""
    asked = [(each, _bounds(each)) for each in wanted]
    numbers = count()
    windows = [
        [Window(next(numbers), each.account, name, at.start_us, at.after_end_us) for name in each.profiles]
        for each, at in asked
    ]
    reads = sums.reads(tx, [window for several in windows for window in several])
    found: dict[Hashable, Gathered] = {}
    for (each, bounds), several in zip(asked, windows, strict=True):
        found[each.key] = _register(each, bounds, [(one.profile, reads.get(one.number, [])) for one in several])
    return found


def _bounds(wanted: Wanted) -> registers.Bounds:
    assert wanted.scheme is None, "a register tells how much, not when: a type that asks is refused"
    assert not wanted.maximum, "as above"
    return registers.Bounds.of(wanted.zone, wanted.start, wanted.end)


def _register(
    wanted: Wanted, bounds: registers.Bounds, profiles: Iterable[tuple[str, Sequence[registers.Read]]]
) -> Gathered:
    estimate = wanted.missing is Missing.ESTIMATE
    attos, sources, estimated = 0, [], False
    for profile, reads in profiles:
        used = registers.used(reads, bounds, wanted.profile_type.digits, estimate=estimate)
        if not isinstance(used, registers.Used):
            return used
        attos += used.attos
        estimated = estimated or bool(used.methods) or any(read.estimated for read in used.reads)
        sources.append(registers.source(profile_name(wanted.account, profile), used))
    return Register(wanted.profile_type.unit, {"": attos}, tuple(sources), estimated)
