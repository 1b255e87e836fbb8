"""Which periods of an agreement are billed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.segments.periods import Period, full_period, unbilled
from domain.kernel.time import date_of, day_of

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@pytest.mark.rule("BIL-20")
@given(
    start=DAYS,
    lasts=st.integers(1, 900) | st.none(),
    through=DAYS,
    months=st.sampled_from([1, 2, 3, 5, 6, 12]),
    anchor=st.integers(1, 28),
)
def test_periods_tile_the_days_without_gap_or_overlap(
    start: date, lasts: int | None, through: date, months: int, anchor: int
) -> None:
    """From the first unbilled day; each within one full period; never beyond the agreement nor the day asked for."""
    end = 0 if lasts is None else day_of(start + timedelta(days=lasts))
    found = list(
        unbilled(start=day_of(start), end=end, through=day_of(through), months=months, anchor_day=anchor),
    )
    begins = day_of(start)
    for each in found:
        first, last = full_period(each.start, months, anchor)
        assert each.start == begins
        assert day_of(first) <= each.start < each.end <= day_of(last)
        assert each.full_days == (last - first).days
        assert each.end in {day_of(last), end}
        assert each.end <= day_of(through)
        begins = each.end
    first, last = full_period(begins, months, anchor)
    stop = min(day_of(last), end or day_of(last))
    assert begins == end or stop > day_of(through), "what is over does not wait"


@pytest.mark.rule("BIL-20")
@given(day=DAYS, months=st.sampled_from([1, 2, 3, 5, 6, 12]), anchor=st.integers(1, 28))
def test_full_periods_follow_on_each_other(day: date, months: int, anchor: int) -> None:
    """Each day lies in one, which has so many months; the next begins where it ends."""
    first, last = full_period(day_of(day), months, anchor)
    assert first <= day < last
    assert first.day == last.day == anchor
    assert (last.year - first.year) * 12 + last.month - first.month == months
    assert full_period(day_of(last), months, anchor)[0] == last


@pytest.mark.rule("BIL-20")
def test_days_served_and_what_waits() -> None:
    """Taken up within a month, ended within another; the day of the end and the day asked for are not served."""
    found = list(unbilled(start=20260110, end=20260315, through=20260315, months=1, anchor_day=1))
    assert found == [Period(20260110, 20260201, 31), Period(20260201, 20260301, 28), Period(20260301, 20260315, 31)]
    assert [each.days for each in found] == [22, 28, 14]
    assert list(unbilled(start=20260110, end=20260315, through=20260314, months=1, anchor_day=1)) == found[:2]
    assert list(unbilled(start=20260110, end=0, through=20260131, months=1, anchor_day=1)) == []
    assert list(unbilled(start=20260315, end=20260315, through=20260501, months=1, anchor_day=1)) == []


@pytest.mark.rule("BIL-20")
def test_quarters_begin_in_january() -> None:
    """Whenever an agreement began."""
    assert full_period(20260228, 3, 1) == (date(2026, 1, 1), date(2026, 4, 1))
    assert full_period(20260114, 3, 15) == (date(2025, 10, 15), date(2026, 1, 15))
    assert date_of(20260101) == full_period(20261231, 12, 1)[0]
