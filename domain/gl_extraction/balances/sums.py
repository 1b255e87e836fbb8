"""Adding up, exactly: Python's integers have no end, those of the databases have 63 bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain.gl_extraction.balances.model import NOTHING, Movement, Place, Sums

PART_MAX = 1 << 61
"""The most that one row holds: what is more goes into several, so that no column overflows."""


def merged(movements: Iterable[Movement]) -> list[Movement]:
    """One movement a place, in the order of places; those that come to nothing are left out."""
    sums: dict[Place, tuple[Sums, Sums]] = {}
    for place, every, extracted in movements:
        before = sums.get(place)
        sums[place] = (every, extracted) if before is None else (before[0].plus(every), before[1].plus(extracted))
    return [Movement(place, *both) for place, both in sorted(sums.items()) if both != (NOTHING, NOTHING)]


def fits(movement: Movement) -> bool:
    """Whether one row holds the movement."""
    _, every, extracted = movement
    return max(*every, *extracted) <= PART_MAX and min(*every, *extracted) >= -PART_MAX


def parts(movement: Movement) -> Iterator[Movement]:
    """The movement, or several that sum to it and whose amounts each fit into a column with room to spare."""
    place, every, extracted = movement
    largest = max(map(abs, (*every, *extracted)))
    rest = Movement(place, every, extracted)
    while largest > PART_MAX:
        part = Movement(place, _cut(rest.all), _cut(rest.extracted))
        yield part
        rest = Movement(place, rest.all.less(part.all), rest.extracted.less(part.extracted))
        largest = max(map(abs, (*rest.all, *rest.extracted)))
    yield rest


def _cut(sums: Sums) -> Sums:
    return Sums(*(max(-PART_MAX, min(PART_MAX, figure)) for figure in sums))
