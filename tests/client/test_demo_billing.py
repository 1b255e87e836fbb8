"""The demo's consumption is the same each time, has the days of its time zone, and tells its stories."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from countinghouse import demo_accounts, demo_usage
from countinghouse.billing.v1.usage_pb2 import IntervalData, RegisterRead
from countinghouse.demo_accounts import STORIES, Case, Fate, Habit
from countinghouse.demo_tariffs import COUNTED, COUNTER_DIGITS, STEPS, TIME


def told(type_code: str, number: int = 1) -> list[IntervalData | RegisterRead]:
    """What the first meter of a story has told."""
    story = next(each for each in STORIES if each.services[0].type_code == type_code)
    case = Case(number, story)
    profile = case.name("profiles", story.services[0].service_id)
    return [value for name, value in demo_usage.rows([case]) if name == profile]


def test_usage_is_the_same_each_time_and_differs_by_account() -> None:
    """Byte by byte."""
    first, again = (
        [(name, value.SerializeToString()) for name, value in demo_usage.rows(demo_accounts.cases(13))]
        for _ in range(2)
    )
    assert first == again
    one, two = (sum(Decimal(value.quantity.value) for value in told(STEPS, number)) for number in (1, 2))
    assert one != two
    assert 300 < one < 2_000


@pytest.mark.rule("BIL-21")
def test_an_hour_is_missing_on_the_day_that_has_none() -> None:
    """The ninety days from January to March have an hour less, and no instant comes twice."""
    hours = [value for value in told(TIME) if isinstance(value, IntervalData)]
    assert len({value.start_time.seconds for value in hours}) == len(hours) == 90 * 24 - 1


@pytest.mark.rule("BIL-24")
def test_the_counter_begins_at_zero_again() -> None:
    """Once in four reads."""
    shown = [Decimal(value.quantity.value) for value in told(COUNTED)]
    assert len(shown) == 4
    assert [after < before for before, after in pairwise(shown)].count(True) == 1
    assert max(shown) < 10**COUNTER_DIGITS


def test_the_stories_tell_what_billing_has() -> None:
    """Every habit and every fate, and all types of agreements."""
    services = [service for story in STORIES for service in story.services]
    assert {service.habit for service in services} == set(Habit)
    assert {story.fate for story in STORIES} == set(Fate)
    assert any(service.master for service in services)
    assert any(service.until for service in services)
    assert len({story.told for story in STORIES}) == len(STORIES)
