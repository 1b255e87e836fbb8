"""Interval data and reads, by callers whose permissions hold for some bill cycles (PLT-14)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.scope.world import World


@pytest.mark.rule("PLT-14", "BIL-24")
def test_data_of_a_profile_outside_are_refused_as_those_of_an_unknown_one(world: World) -> None:
    """In the same words; nothing is stored, and nobody learns whether it is there."""

    def sent(names: dict[str, str]) -> Any:
        row = {"local_start_time": "2026-05-01", "quantity": {"value": "1"}}
        usage = [{"profile": names["profile"], "interval_data": [row]}]
        answer = world.ann.billing("IngestUsage", usage_import={"time_zone": "UTC"}, usage=usage)
        assert (answer.received_count, answer.refused_count) == (1, 1)
        return answer.refused_rows[0].violations

    theirs = sent(world.theirs)
    assert theirs == sent(world.missing)
    assert theirs[0].reason == "PROFILE_UNKNOWN"
    assert not world.ben.billing("ListIntervalData", parent=world.theirs["profile"]).interval_data
