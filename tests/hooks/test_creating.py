"""A hook creates interval data: it is told all that one of ours would see, and what it says is checked (BIL-22)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.type.decimal_pb2 import Decimal

from countinghouse.connector.v1 import hook_pb2 as pb
from domain.billing.algorithms.errors import AlgorithmFailed, AlgorithmUnavailable
from domain.billing.creation.algorithms.model import Asked, ProfileView
from domain.billing.creation.deciding import Missing
from domain.billing.usage import clock
from domain.kernel.quantities import ATTOS
from server.outbound.hooks.asking import Hooks
from server.outbound.hooks.entries import read_hooks
from tests.hooks.test_asking import INFO, NEAR, serving
from tests.support.hook import hooking, hooks_file

ZONE = "Europe/Berlin"
OWN = ProfileView("A-1", "SHARE", "kWh", 86_400, ZONE)
METER = ProfileView("A-2", "METER", "m3", 86_400, ZONE)
BEGINS = clock.begins(ZONE, 86_400, 20260327, 20260401)
"""Friday to Tuesday; on the Sunday the clock is put on."""

MISSING = Missing(
    "weekend-factor", Asked(BEGINS, [[3 * ATTOS, 1, 2, -5 * ATTOS, 0]], {"factor": "0.5"}, OWN, [METER]), "k1"
)


def quantities(*texts: str) -> pb.CreateIntervalDataResponse:
    return pb.CreateIntervalDataResponse(quantities=[Decimal(value=each) for each in texts])


@pytest.mark.rule("BIL-22", "BIL-23")
def test_the_sample_knows_weekends_by_the_clock_of_the_profile(tmp_path: Path) -> None:
    """Exact, with one rounding to 18 decimals."""
    with hooking() as target:
        hooks = Hooks(read_hooks(hooks_file(tmp_path, target), NEAR), NEAR)
        assert hooks.create(MISSING) == [3 * ATTOS, 0, 1, -5 * ATTOS, 0]
        hooks.close()


@pytest.mark.rule("BIL-22", "BIL-23")
def test_a_hook_is_told_the_profiles_their_instants_and_quantities(tmp_path: Path) -> None:
    """Under the key that the answer is known by; days of 24 and 23 hours."""
    answer = quantities("1", "0.000000000000000001", "-2.5", "1e3", "0")
    with serving(tmp_path, lambda _: answer) as (hook, hooks):
        assert hooks.create(MISSING) == [ATTOS, 1, -ATTOS * 5 // 2, 1_000 * ATTOS, 0]
    (request,) = hook.data_requests
    assert (request.idempotency_key, request.algorithm_code) == ("k1", "weekend-factor")
    assert dict(request.parameters) == {"factor": "0.5"}
    assert [each.ToJsonString() for each in request.start_times] == [
        "2026-03-26T23:00:00Z",
        "2026-03-27T23:00:00Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z",
        "2026-03-30T22:00:00Z",
    ]
    own = request.profile
    assert (own.account_id, own.profile_id, own.unit, own.time_zone) == ("A-1", "SHARE", "kWh", ZONE)
    assert own.interval_length.ToSeconds() == 86_400
    (source,) = request.sources
    assert (source.profile.account_id, source.profile.profile_id, source.profile.unit) == ("A-2", "METER", "m3")
    texts = [each.value for each in source.quantities]
    assert texts == ["3", "0.000000000000000001", "0.000000000000000002", "-5", "0"]


@pytest.mark.rule("BIL-22", "BIL-23")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (quantities("1", "2", "3", "4"), "4 quantities for 5 intervals"),
        (quantities(*"123456"), "6 quantities for 5 intervals"),
        (quantities("1", "NaN", "3", "4", "5"), "the quantity of 2026-03-27T23:00:00.000000Z must be a decimal number"),
        (quantities("1", "", "3", "4", "5"), "must be a decimal number"),
        (quantities("1", "2", "3", "4", "1e-19"), "must not have more than 18 decimals"),
        (quantities("1", "2", "3", "4", "1e16"), "must not be beyond 1,000,000,000,000,000 units"),
    ],
)
def test_an_answer_that_cannot_be_fails_and_is_not_asked_for_again(
    tmp_path: Path, answer: pb.CreateIntervalDataResponse, why: str
) -> None:
    """Nothing of it is taken."""
    with serving(tmp_path, lambda _: answer) as (hook, hooks), pytest.raises(AlgorithmFailed) as failed:
        hooks.create(MISSING)
    assert failed.value.message.startswith("weekend-factor: its hook answered what cannot be: ")
    assert why in failed.value.message
    assert len(hook.data_requests) == 1


@pytest.mark.rule("BIL-22", "BIL-23")
def test_a_refusal_is_final_and_silence_is_not(tmp_path: Path) -> None:
    """By its reason; within its time."""
    go_on = threading.Event()

    def answer(number: int) -> Any:
        if number == 1:
            return grpc.StatusCode.FAILED_PRECONDITION, INFO
        go_on.wait(20)
        return quantities()

    with serving(tmp_path, answer, timeout_s=0.5) as (hook, hooks):
        with pytest.raises(AlgorithmFailed, match=r"^weekend-factor: its hook refuses it: CUSTOMER_BLOCKED$"):
            hooks.create(MISSING)
        with pytest.raises(AlgorithmUnavailable, match=r"^weekend-factor: no answer of its hook in time$"):
            hooks.create(MISSING)
        go_on.set()
    assert len(hook.data_requests) == 2
