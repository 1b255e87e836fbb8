"""Periods of a ledger tile: no gap, no overlap (GLX-04)."""

from __future__ import annotations

from domain.gl_extraction.periods.errors import PeriodEndsBeforeItStarts, PeriodLeavesGap, PeriodOverlaps
from domain.gl_extraction.periods.model import NewPeriod
from domain.kernel.time import iso_day, next_day

_LAST_DAY = 99991231
Tiled = tuple[int, int]
"""The first and the last day (yyyymmdd) of the periods that a ledger has; they tile, so nothing lies between."""


def refuse_untiled(period: NewPeriod, tiled: Tiled | None) -> None:
    """Refuse a period that does not tile with those there are (None: the first).

    Raises: PeriodEndsBeforeItStarts; PeriodOverlaps; PeriodLeavesGap.
    """
    if period.end_day < period.start_day:
        raise PeriodEndsBeforeItStarts
    if tiled is None:
        return
    first, last = tiled
    span = f"its periods reach from {iso_day(first)} to {iso_day(last)}"
    if period.start_day <= last and period.end_day >= first:
        raise PeriodOverlaps(f"the period would share days with others of ledger {period.ledger_code}: {span}")
    if not _follows(last, period.start_day) and not _follows(period.end_day, first):
        raise PeriodLeavesGap(f"the period would leave a gap in ledger {period.ledger_code}: {span}")


def _follows(day: int, other: int) -> bool:
    return day < _LAST_DAY and next_day(day) == other
