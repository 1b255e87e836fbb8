"""Estimates of interval data that are missing, by methods that are named (BIL-21). Quantities are attos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from domain.billing.configuration.model import DAY_S
from domain.billing.usage.clock import DAY_US, begin_us, day_after, day_at, instants_at, offset_us
from domain.billing.usage.model import Method
from domain.kernel.money import Rounding, rounded

WEEKS = 4
"""How many weeks before the period are looked at."""

_DAYS_A_WEEK = 7


class Estimate(NamedTuple):
    """What an interval is taken to have come to."""

    attos: int
    method: Method


def estimated(
    missing: Sequence[int], known: Mapping[int, int], zone: str, interval_s: int
) -> dict[int, Estimate] | None:
    """By the instant at which it begins, an estimate of each interval that is missing; None when nothing is known.

    `known` has the quantities of the period and of the WEEKS before it, by instant: of those at the same time by the
    clock, whole weeks before, the nearest counts, or else the average of all.
    """
    if not known:
        return None
    average = Estimate(rounded(sum(known.values()), len(known), Rounding.HALF_EVEN), Method.AVERAGE)
    found = {}
    for at_us in missing:
        before = (
            known.get(earlier) for week in range(1, WEEKS + 1) for earlier in _weeks(zone, interval_s, at_us, week)
        )
        same = next((attos for attos in before if attos is not None), None)
        found[at_us] = average if same is None else Estimate(same, Method.SAME_TIME_OF_WEEK)
    return found


def _weeks(zone: str, interval_s: int, at_us: int, weeks: int) -> tuple[int, ...]:
    """When the same time was by the clock, so many weeks before."""
    if interval_s == DAY_S:
        return (begin_us(zone, day_after(day_at(zone, at_us), -_DAYS_A_WEEK * weeks)),)
    return instants_at(zone, at_us + offset_us(zone, at_us) - weeks * _DAYS_A_WEEK * DAY_US)
