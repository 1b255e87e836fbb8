"""Who is served next, and what follows from an attempt: pure decisions on small facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.deliveries.model import Delivery, Outcome, Patience, State, Trouble, Waiting

TROUBLED_FROM = 10
"""So many failures one after another, and a target is sent one delivery at a time, with pauses between."""

AHEAD = 3
"""So many times as many are claimed as are sent at once, so that no hand waits for a transaction."""

CHANCE_MAX = 1_000
"""Random parts are drawn from 0 to this."""

_TARGET_PAUSE_US = 1_000_000
_TARGET_PAUSE_MAX_US = 300_000_000
_DOUBLINGS_MAX = 40  # beyond it every pause is at its bound


def shares(waiting: Sequence[Waiting], *, free: int, per_target_max: int, now_us: int) -> dict[str, int]:
    """How many deliveries of each target are to be claimed into so many `free` hands.

    Hands are dealt one by one, to the target with the fewest under way, then to the one whose first is due longest: a
    target that is slow or dead holds `per_target_max` hands at most, one that is in trouble one, and none in its pause.
    """
    open_to = [each for each in waiting if opens_us(each, per_target_max=per_target_max) <= now_us]
    most = {each.target: room(each, per_target_max=per_target_max) for each in open_to}
    given = dict.fromkeys(most, 0)
    for _ in range(free):
        able = [each for each in open_to if given[each.target] < most[each.target]]
        if not able:
            break
        first = min(able, key=lambda each: (each.under_way + given[each.target], each.due_us, each.target))
        given[first.target] += 1
    return {target: number for target, number in given.items() if number}


def room(each: Waiting, *, per_target_max: int) -> int:
    """How many more of the target may be claimed."""
    if _is_troubled(each):
        return max(0, 1 - each.under_way)
    if not each.under_way_max:
        return max(0, per_target_max - each.under_way)
    return max(0, min(per_target_max, AHEAD * at_once(each)) - each.held)


def at_once(each: Waiting) -> int:
    """How many of a target with a limit of its own this sender may send at once: what the others' claims leave of it.

    So all together never pass the limit. A sender that claims no more goes on with what it was told before: others have
    counted all that it still holds.
    """
    return max(0, each.under_way_max - (each.under_way - each.held))


def opens_us(each: Waiting, *, per_target_max: int) -> int:
    """From when on the target's next delivery may be claimed; far in the future while its hands are full."""
    if not room(each, per_target_max=per_target_max):
        return NEVER_US
    return max(each.due_us, each.trouble.paused_until_us if each.trouble else 0)


NEVER_US = 2**62
"""An instant that does not come."""


def after_attempt(delivery: Delivery, outcome: Outcome, patience: Patience, *, now_us: int, chance: int) -> Delivery:
    """The delivery after an attempt; `chance` of CHANCE_MAX is the part of the pause that it rests (full jitter)."""
    assert delivery.state is State.PENDING
    assert 0 <= chance <= CHANCE_MAX
    if outcome.delivered:
        ended = replace(delivery, claimed=False, next_attempt_us=0, ended_us=now_us)
        return replace(ended, state=State.DELIVERED, reason="", message="", unanswered=0)
    told = replace(delivery, claimed=False, reason=outcome.reason, message=outcome.message)
    told = told if outcome.unanswered else replace(told, unanswered=0)
    if outcome.final or is_last_attempt(delivery, patience) or _is_late(delivery, patience, now_us):
        return replace(told, state=State.GIVEN_UP, next_attempt_us=0, ended_us=now_us)
    limits = delivery.limits
    longest_us = _doubled(
        limits.pause_us or patience.pause_us, delivery.attempts - 1, limits.pause_max_us or patience.pause_max_us
    )
    pause_us = max(longest_us * chance // CHANCE_MAX, min(outcome.pause_us, patience.pause_max_us))
    return replace(told, next_attempt_us=now_us + pause_us)


def is_last_attempt(delivery: Delivery, patience: Patience) -> bool:
    """Whether a claimed delivery has no attempt left after this one."""
    return delivery.attempts >= (delivery.limits.attempts_max or patience.attempts_max)


def _is_late(delivery: Delivery, patience: Patience, now_us: int) -> bool:
    """Whether its time is over; one with attempts of its own has no limit of time."""
    return not delivery.limits.attempts_max and now_us >= delivery.since_us + patience.within_us


def trouble_after(before: Trouble | None, outcome: Outcome, *, now_us: int, chance: int) -> Trouble | None:
    """The target's trouble after an attempt; None once it took something, or refused this one thing for good."""
    if outcome.delivered or outcome.rejected or (outcome.final and before is None):
        return None
    failures = (before.failures if before else 0) + 1
    since_us = before.failing_since_us if before else now_us
    asked_us = min(outcome.pause_us, _TARGET_PAUSE_MAX_US) if outcome.pause_all else 0
    if failures < TROUBLED_FROM:
        return Trouble(failures, since_us, paused_until_us=now_us + asked_us if asked_us else 0)
    longest_us = _doubled(_TARGET_PAUSE_US, failures - TROUBLED_FROM, _TARGET_PAUSE_MAX_US)
    pause_us = max(longest_us * (CHANCE_MAX + chance) // (2 * CHANCE_MAX), min(outcome.pause_us, _TARGET_PAUSE_MAX_US))
    return Trouble(failures, since_us, now_us + pause_us)


def _is_troubled(each: Waiting) -> bool:
    return each.trouble is not None and each.trouble.failures >= TROUBLED_FROM


def _doubled(pause_us: int, times: int, at_most_us: int) -> int:
    return min(pause_us << max(0, min(times, _DOUBLINGS_MAX)), at_most_us)
