"""Interval data that hooks create, through a real client, worker and hook on both databases (BIL-22, BIL-23)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest

from countinghouse.billing.v1 import billing_exceptions_pb2 as exceptions_pb
from server.database.transaction import Database
from tests.billing.shop import NOW_US, open_shop
from tests.hooks.test_asking import INFO, answering
from tests.hooks.test_creating import quantities
from tests.support.hook import hooking, hooks_file
from tests.support.server import serving
from tests.wire.billing.creator import ACCOUNT, COMPLETE, ERROR, JANUARY, Creator, berlin, hours
from tests.wire.billing.registry import Registry

SECOND = date(2026, 1, 2)
SUNDAY = date(2026, 1, 4)
MONDAY = date(2026, 1, 5)
WEEKEND: dict[str, Any] = {
    "kind": "PROFILE_KIND_INTERVALS",
    "unit": "kWh",
    "interval_length": "3600s",
    "creation_algorithm": "weekend-factor",
}


@contextmanager
def served(database: Database, url: str, folder: Path, target: str) -> Iterator[Creator]:
    """A server with a worker that asks the hook there, and an account whose METER is read."""
    open_shop(database)
    path = hooks_file(folder, target, timeout_s="1")
    with serving(url, folder, clock_us=lambda: NOW_US, hooks_file=path, hooks_loopback=True) as server:
        creator = Creator(server)
        Registry(creator.billing).create("ProfileType", "WEEKEND", creation_priority=20, **WEEKEND)
        creator.office.account()
        creator.office.agreement()
        creator.office.profile("METER", type_code="HOURLY")
        yield creator


def reasons(creator: Creator) -> dict[str, tuple[str, str]]:
    """Reason and message of the data sets in error, by profile."""
    return {each.profile.rpartition("/")[2]: (each.reason, each.message) for each in creator.sets(state=ERROR)}


def opened(creator: Creator) -> list[str]:
    """The reasons of open exceptions."""
    state = exceptions_pb.BILLING_EXCEPTION_STATE_OPEN
    request = exceptions_pb.ListBillingExceptionsRequest(parent=ACCOUNT, state=state)
    return sorted(each.reason for each in creator.billing.ListBillingExceptions(request).billing_exceptions)


@pytest.mark.rule("BIL-03", "BIL-22", "BIL-23")
def test_a_hook_creates_data_in_its_turn(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """From what was created just before, and others are created from what it gave; again it changes nothing."""
    with hooking() as target, served(database, migrated_url, tmp_path, target) as creator:
        creator.derived("half", "S-1", "CREATED-10", "METER", factor="0.5")
        creator.derived("rest", "S-1", "WEEKEND", "half", factor="0.1")
        creator.derived("thin", "S-1", "WEEKEND", "rest", factor="0.1")
        creator.derived("last", "S-1", "CREATED-90", "thin", factor="-1")
        creator.read("METER", hours(berlin(SUNDAY), ["2"] * 48))
        end = date(2026, 1, 6)
        assert creator.create(end, start=SUNDAY).created_count == 4 * 48
        assert creator.values("thin") == [("0.01", 1)] * 24 + [("1", 1)] * 24
        assert creator.values("last") == [("-0.01", 1)] * 24 + [("-1", 1)] * 24
        assert creator.create(end, start=SUNDAY).unchanged_count == 4 * 48
        creator.read("METER", hours(berlin(MONDAY), ["4"]), correction=True)
        figures = creator.create(end, start=SUNDAY)
        assert (figures.replaced_count, figures.unchanged_count) == (4, 4 * 47)
        assert creator.values("last")[24] == ("-2", 2)
        assert opened(creator) == []


@pytest.mark.rule("BIL-22", "BIL-23")
def test_each_profile_whose_hook_fails_is_an_exception_and_the_others_go_on(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """A refusal, a silence, a break-off and nonsense; what is created from them waits. Once it answers, all is well."""
    go_on = threading.Event()
    answers: dict[str, Any] = {
        "refused": (grpc.StatusCode.FAILED_PRECONDITION, INFO),
        "broken": (grpc.StatusCode.INTERNAL,),
        "odd": quantities("1", "2"),
    }

    def answer(_: int) -> Any:
        wanted = hook.data_requests[-1].profile.profile_id
        if wanted == "silent" and not go_on.is_set():
            go_on.wait(20)
        return answers.get(wanted, quantities(*["7"] * 24))

    with answering(answer) as (hook, target), served(database, migrated_url, tmp_path, target) as creator:
        for each in ("refused", "silent", "broken", "odd", "sound"):
            creator.derived(each, "S-1", "WEEKEND", "METER", factor="1")
        creator.derived("after", "S-1", "CREATED-90", "silent", factor="1")
        creator.read("METER", hours(berlin(JANUARY), ["1"] * 24))
        figures = creator.create(SECOND)
        assert (figures.complete_data_set_count, figures.error_data_set_count) == (1, 5)
        assert reasons(creator) == {
            "refused": ("INTERVAL_DATA_NOT_CREATED", "weekend-factor: its hook refuses it: CUSTOMER_BLOCKED"),
            "silent": ("ALGORITHM_UNAVAILABLE", "weekend-factor: no answer of its hook in time"),
            "broken": ("ALGORITHM_UNAVAILABLE", "weekend-factor: its hook answered INTERNAL"),
            "odd": (
                "INTERVAL_DATA_NOT_CREATED",
                "weekend-factor: its hook answered what cannot be: 2 quantities for 24 intervals",
            ),
            "after": (
                "SOURCE_DATA_IN_ERROR",
                f"{ACCOUNT}/profiles/silent: the data are in error, and these are created from them",
            ),
        }
        assert len(opened(creator)) == 5
        assert creator.values("sound") == [("7", 1)] * 24
        assert creator.values("odd") == []
        go_on.set()
        answers.clear()
        assert creator.create(SECOND).created_count == 5 * 24
        assert {each.state for each in creator.sets()} == {COMPLETE}
        assert opened(creator) == []


@pytest.mark.rule("BIL-22", "BIL-23")
def test_an_answer_to_data_that_have_changed_since_is_not_used(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """Corrected while the hook thinks: an exception that says so, and the next time it is asked anew."""

    def answer(number: int) -> Any:
        if number == 1:
            creator.read("METER", hours(berlin(JANUARY), ["9"]), correction=True)
        return quantities(*(each.value for each in hook.data_requests[-1].sources[0].quantities))

    with answering(answer) as (hook, target), served(database, migrated_url, tmp_path, target) as creator:
        creator.derived("copy", "S-1", "WEEKEND", "METER", factor="1")
        creator.read("METER", hours(berlin(JANUARY), ["1"] * 24))
        assert creator.create(SECOND).error_data_set_count == 1
        assert opened(creator) == ["SOURCE_DATA_CHANGED"]
        assert creator.values("copy") == []
        assert creator.create(SECOND).created_count == 24
        assert creator.values("copy") == [("9", 1), *[("1", 1)] * 23]
        assert opened(creator) == []


@pytest.mark.rule("BIL-22", "BIL-23")
def test_a_hook_is_asked_about_so_much_at_once(
    database: Database, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same days of all profiles, which are created from one another; each question once, before the transaction."""
    monkeypatch.setattr("domain.billing.creation.gathering.HOOK_VALUES_MAX", 24 * 2 * 2)
    numbers = count()

    def answer(_: int) -> Any:
        request = hook.data_requests[-1]
        return quantities(*[f"{next(numbers)}"] * len(request.start_times))

    with answering(answer) as (hook, target), served(database, migrated_url, tmp_path, target) as creator:
        creator.derived("copy", "S-1", "WEEKEND", "METER", factor="1")
        creator.derived("next", "S-1", "CREATED-90", "copy", factor="1")
        creator.read("METER", hours(berlin(JANUARY), ["1"] * 24 * 5))
        assert creator.create(date(2026, 1, 6), start=JANUARY).created_count == 2 * 24 * 5
        asked = [(each.start_times[0].ToJsonString()[:10], len(each.start_times)) for each in hook.data_requests]
        assert asked == [("2025-12-31", 48), ("2026-01-02", 48), ("2026-01-04", 24)]
        assert [value for value, _ in creator.values("next")] == ["0"] * 48 + ["1"] * 48 + ["2"] * 24
        assert [each.state for each in creator.sets()] == [COMPLETE] * 6
