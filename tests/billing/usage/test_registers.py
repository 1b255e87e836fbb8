"""What registers counted between two days, from when they were read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.usage.clock import DAY_US, begin_us, day_after
from domain.billing.usage.errors import RegisterReadMissing, RegisterWentBack
from domain.billing.usage.model import Method
from domain.billing.usage.registers import Bounds, Read, Used, used
from domain.kernel.quantities import ATTOS

START, END, DIGITS = 20260201, 20260301, 5
DAYS = 28


def at(day: int, hour: int = 0) -> int:
    return begin_us("UTC", day) + hour * DAY_US // 24


BOUNDS = Bounds(START, END, at(START), at(START) + DAY_US, at(END), at(END) + DAY_US)


def reads(*found: tuple[int, int]) -> list[Read]:
    """Reads of whole units at instants."""
    return [Read(us, units * ATTOS, 1, estimated=False) for us, units in found]


def counted(*found: tuple[int, int], estimate: bool = False) -> tuple[int, tuple[Method, ...]]:
    """Whole units that were counted, and how stands were estimated."""
    told = used(reads(*found), BOUNDS, DIGITS, estimate=estimate)
    assert isinstance(told, Used), told
    assert told.attos % ATTOS == 0
    return told.attos // ATTOS, told.methods


@pytest.mark.rule("BIL-21")
def test_the_first_read_of_a_day_tells_how_it_began() -> None:
    """A later read of the day on which the period ends belongs to the next period."""
    assert counted((at(START, 9), 100), (at(END, 8), 180), (at(END, 12), 190)) == (80, ())


@pytest.mark.rule("BIL-21")
def test_a_rollover_is_reckoned_from_the_digits() -> None:
    """Behind 99,999 comes 0."""
    assert counted((at(20260101), 99_880), (at(START), 99_950), (at(END), 30)) == (80, ())


@pytest.mark.rule("BIL-21")
@pytest.mark.parametrize(
    "found",
    [
        [(at(START), 60_000), (at(END), 59_000)],  # 99,000: more than half of what it can count
        [(at(20260101), 99_000), (at(START), 99_010), (at(END), 5_000)],  # 5,990, after 10 in a month
    ],
)
def test_an_implausible_rollover_is_an_error(found: list[tuple[int, int]]) -> None:
    """A register that reads less than before was read wrongly, or was exchanged."""
    told = used(reads(*found), BOUNDS, DIGITS, estimate=True)
    assert isinstance(told, RegisterWentBack)
    assert told.reason == "REGISTER_WENT_BACK"


@pytest.mark.rule("BIL-21")
@pytest.mark.parametrize(("found", "day"), [((at(END), 180), "2026-02-01"), ((at(START), 100), "2026-03-01")])
def test_a_missing_read_is_an_error_that_names_its_day(found: tuple[int, int], day: str) -> None:
    """What was not read is never taken for nothing."""
    told = used(reads((at(20260115), 90), found), BOUNDS, DIGITS, estimate=False)
    assert isinstance(told, RegisterReadMissing)
    assert told.details["day"] == day


@pytest.mark.rule("BIL-21")
def test_a_missing_read_is_estimated_between_those_around_it() -> None:
    """Half of the time between two reads has half of what was counted."""
    half = (at(END) - 7 * DAY_US, 100), (at(END) + 7 * DAY_US, 200)
    assert counted((at(START), 20), *half, estimate=True) == (130, (Method.BETWEEN_READS,))


@pytest.mark.rule("BIL-21")
def test_a_missing_last_read_goes_on_as_before() -> None:
    """Where there is no read behind it, the register goes on as between the last two reads."""
    assert counted((at(START), 100), (at(START) + 14 * DAY_US, 150), estimate=True) == (100, (Method.AS_BEFORE,))
    before = (at(START) - 28 * DAY_US, 20)
    assert counted(before, (at(START), 100), estimate=True) == (80, (Method.AS_BEFORE,)), (
        "one of them before the period"
    )


@pytest.mark.rule("BIL-21")
def test_one_read_alone_is_not_enough_for_an_estimate() -> None:
    """There is nothing to go on as."""
    told = used(reads((at(START), 100)), BOUNDS, DIGITS, estimate=True)
    assert isinstance(told, RegisterReadMissing)
    assert "no reads to estimate it from" in told.message


@pytest.mark.rule("BIL-21")
@given(st.lists(st.integers(0, 3_000), min_size=2, max_size=10), st.integers(0, 99_999))
def test_periods_of_a_register_sum_to_the_whole(steps: list[int], first: int) -> None:
    """However often it rolls over: days counted by themselves sum to what all of them counted."""
    totals = [first + sum(steps[:place]) for place in range(len(steps) + 1)]
    found = reads(*((at(day_after(START, number)), total % 10**DIGITS) for number, total in enumerate(totals)))

    def between(low: int, high: int) -> int:
        days = [day_after(START, number) for number in (low, low + 1, high, high + 1)]
        told = used(found[low:], Bounds(days[0], days[2], *map(at, days)), DIGITS, estimate=False)
        assert isinstance(told, Used), told
        return told.attos

    daily = [between(number, number + 1) for number in range(len(steps))]
    assert daily == [step * ATTOS for step in steps]
    if all(step > max(steps) // 10 for step in steps):
        assert between(0, len(steps)) == sum(daily)
