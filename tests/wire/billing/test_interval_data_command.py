"""`countinghouse billing create-intervals` and `data-sets` against a real server with a worker, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.billing.shop import NOW_US, open_shop
from tests.client.command import run
from tests.support.server import Served, serving
from tests.wire.billing.creator import JANUARY, Creator, berlin, hours


@pytest.fixture
def served(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with an account whose data are created from a meter that was read for a day."""
    open_shop(database)
    with serving(migrated_url, tmp_path, clock_us=lambda: NOW_US) as server:
        creator = Creator(server)
        creator.office.account()
        creator.office.agreement("S-1")
        creator.office.profile("METER", type_code="HOURLY")
        creator.derived("HALF", "S-1", "CREATED-10", "METER", factor="0.5")
        creator.derived("REST", "S-1", "CREATED-90", "HALF", factor="2")
        creator.read("METER", hours(berlin(JANUARY), ["1"] * 24))
        yield server


@pytest.mark.rule("BIL-22")
def test_data_are_created_and_their_sets_are_shown(served: Served) -> None:
    """Of an account or of a cycle; what is wrong is told with its reason, and where to read on."""
    command = ("billing", "create-intervals")
    done = run(served.target, *command, "A-1", "--through", "2026-01-02")
    assert done.exit_code == 0, done.stderr
    words = " ".join(done.stdout.split())
    for told in ("accounts 1", "complete 2 data sets", "in error 0 data sets", "intervals 48 new, 0 as before"):
        assert told in words, done.stdout
    wrong = run(served.target, *command, "--cycle", "NORTH", "--through", "2026-01-03", "--from", "2026-01-01")
    words = " ".join(wrong.stdout.split())
    for told in ("in error 2 data sets", "SOURCE_DATA_MISSING 1", "SOURCE_DATA_IN_ERROR 1"):
        assert told in words, wrong.stdout
    assert "countinghouse billing exceptions --cycle NORTH" in wrong.stderr
    listed = run(served.target, "billing", "data-sets", "A-1")
    text = " ".join(listed.stdout.split())
    for told in ("HALF", "of S-1", "SOURCE_DATA_MISSING", "has no data for 24 of 48 intervals"):
        assert told in text, listed.stdout
    found = json.loads(run(served.target, "billing", "data-sets", "A-1", "--state", "error", "-o", "json").stdout)
    assert [each["profile"][-4:] for each in found] == ["HALF", "REST"]
    exceptions = run(served.target, "billing", "exceptions", "--account", "A-1").stdout
    assert "SOURCE_DATA_IN_ERROR" in exceptions


def test_a_target_is_needed_and_only_one(served: Served) -> None:
    """An account, or a cycle."""
    command = ("billing", "create-intervals", "--through", "2026-01-02")
    assert run(served.target, *command).exit_code != 0
    assert run(served.target, *command, "A-1", "--cycle", "NORTH").exit_code != 0
    started = run(served.target, *command, "A-1", "--no-wait")
    assert started.exit_code == 0
