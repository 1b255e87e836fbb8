"""Who is served next, and what follows from an attempt."""

import pytest

from domain.deliveries import rules
from domain.deliveries.model import DELIVERED, Delivery, Kind, Patience, State, Trouble, Waiting, failed

NOW = 1_000_000_000_000
PATIENCE = Patience(attempts_max=4, within_us=1_000_000_000, pause_us=1_000_000, pause_max_us=3_000_000)


def waiting(target: str, *, due_us: int = 0, under_way: int = 0, trouble: Trouble | None = None) -> Waiting:
    return Waiting(Kind.WEBHOOK, target, due_us, under_way, trouble)


def claimed(*, attempts: int = 1, since_us: int = NOW) -> Delivery:
    return Delivery(
        delivery_id="d1",
        kind=Kind.WEBHOOK,
        target="a",
        key="k",
        subject="operations/1",
        event_type="",
        payload={},
        state=State.PENDING,
        attempts=attempts,
        redeliveries=0,
        epoch=1,
        claimed=True,
        next_attempt_us=NOW,
        since_us=since_us,
        created_us=since_us,
        attempted_us=NOW,
        ended_us=0,
        reason="",
        message="",
        scope_id=0,
    )


@pytest.mark.rule("PLT-25")
def test_hands_are_dealt_one_by_one_to_whom_has_the_fewest() -> None:
    """A target with much to send takes what is left over, never what another needs."""
    dealt = rules.shares(
        [waiting("busy", due_us=1, under_way=2), waiting("calm", due_us=9), waiting("new", due_us=5)],
        free=5,
        per_target_max=4,
        now_us=NOW,
    )
    assert dealt == {"new": 2, "calm": 2, "busy": 1}


@pytest.mark.rule("PLT-25")
def test_a_target_in_trouble_gets_one_hand_and_none_in_its_pause() -> None:
    """A dead endpoint holds up nobody."""
    probing = Trouble(rules.TROUBLED_FROM, NOW - 5, NOW - 1)
    resting = Trouble(rules.TROUBLED_FROM, NOW - 5, NOW + 1)
    few = Trouble(rules.TROUBLED_FROM - 1, NOW - 5, 0)
    dealt = rules.shares(
        [
            waiting("probed", trouble=probing),
            waiting("probed already", under_way=1, trouble=probing),
            waiting("resting", trouble=resting),
            waiting("shaky", trouble=few),
            waiting("full", under_way=4),
            waiting("not due", due_us=NOW + 1),
        ],
        free=100,
        per_target_max=4,
        now_us=NOW,
    )
    assert dealt == {"probed": 1, "shaky": 4}


@pytest.mark.rule("PLT-25")
def test_a_failed_attempt_is_repeated_after_a_random_part_of_a_growing_pause() -> None:
    """Full jitter, doubled with each attempt, up to the bound."""
    outcome = failed("RECEIVER_FAILED", "500")
    pauses = []
    for attempt in (1, 2, 3):
        after = rules.after_attempt(claimed(attempts=attempt), outcome, PATIENCE, now_us=NOW, chance=rules.CHANCE_MAX)
        assert (after.state, after.claimed, after.reason) == (State.PENDING, False, "RECEIVER_FAILED")
        pauses.append(after.next_attempt_us - NOW)
    assert pauses == [1_000_000, 2_000_000, 3_000_000]
    at_once = rules.after_attempt(claimed(), outcome, PATIENCE, now_us=NOW, chance=0)
    assert at_once.next_attempt_us == NOW


@pytest.mark.rule("PLT-25")
def test_a_receiver_may_ask_for_a_longer_pause_up_to_the_bound() -> None:
    """Retry-After counts, but nobody can put off a delivery for ever."""
    for asked, given in ((2_500_000, 2_500_000), (900_000_000, 3_000_000)):
        outcome = failed("RECEIVER_BUSY", "429", pause_us=asked)
        after = rules.after_attempt(claimed(), outcome, PATIENCE, now_us=NOW, chance=0)
        assert after.next_attempt_us == NOW + given


@pytest.mark.rule("PLT-25")
@pytest.mark.parametrize(
    "delivery",
    [claimed(attempts=PATIENCE.attempts_max), claimed(attempts=1, since_us=NOW - PATIENCE.within_us)],
    ids=["attempts", "time"],
)
def test_a_delivery_is_given_up_when_its_attempts_or_its_time_are_used_up(delivery: Delivery) -> None:
    """Attempts are bounded; success at the last of them counts."""
    after = rules.after_attempt(
        delivery, failed("RECEIVER_FAILED", "500"), PATIENCE, now_us=NOW, chance=rules.CHANCE_MAX
    )
    assert (after.state, after.ended_us, after.reason) == (State.GIVEN_UP, NOW, "RECEIVER_FAILED")
    assert (
        rules.after_attempt(delivery, DELIVERED, PATIENCE, now_us=NOW, chance=rules.CHANCE_MAX).state is State.DELIVERED
    )


@pytest.mark.rule("PLT-25")
def test_a_target_is_left_alone_longer_with_each_failure_until_it_takes_something() -> None:
    """Five failures in a row begin its pauses; one success ends them."""
    trouble, outcome = None, failed("RECEIVER_FAILED", "500")
    pauses = []
    for _ in range(rules.TROUBLED_FROM + 12):
        trouble = rules.trouble_after(trouble, outcome, now_us=NOW, chance=rules.CHANCE_MAX)
        assert trouble is not None
        pauses.append(max(0, trouble.paused_until_us - NOW))
    quiet = rules.TROUBLED_FROM - 1
    assert pauses[:quiet] == [0] * quiet
    assert pauses[quiet : quiet + 3] == [1_000_000, 2_000_000, 4_000_000]
    assert pauses[-1] == 300_000_000
    assert rules.trouble_after(trouble, DELIVERED, now_us=NOW, chance=rules.CHANCE_MAX) is None
