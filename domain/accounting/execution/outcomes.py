"""What systems of record answered becomes what is executed, failed or in doubt (ACC-21 to ACC-23)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.accounting.claims import store as claims
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution import failing
from domain.accounting.execution.closing import Key
from domain.accounting.execution.failing import Failed
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.settling import Done, Posting, settle
from domain.accounting.execution.states import AssignmentState
from domain.accounting.execution.store import assignments
from domain.deliveries.model import Delivery, Outcome, State
from domain.kernel.call import Call
from domain.kernel.errors import IllegalTransition, Refused
from domain.kernel.script import Script

CALLER = "countinghouse"
"""Who records what systems of record answer, as the audit trail names it."""

_METHOD = "accounting.outcomes"


def executor_of(connection: str) -> str:
    """Who has executed what a system of record posted: `systemsOfRecord/{connection}`."""
    return f"systemsOfRecord/{connection}"


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What is posted outside, and not taken by the general ledger now."""

    done: Done
    error: Refused


class Outcomes:
    """Records outcomes of deliveries to systems of record (`Recorder` of their handler)."""

    def __init__(self, configurations: Configurations, posting: Posting, clock_us: Callable[[], int]) -> None:
        self._configurations = configurations
        self._posting = posting
        self._clock_us = clock_us

    def record(self, tx: Connection, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Change what depends on outcomes, as a set. The deliveries are locked before; claims are locked here.

        What was posted is executed. A failure that ended the delivery fails the assignment, or leaves it in doubt, and
        a person gets a task; of any other the assignment shows attempts and error. What was posted outside while the
        general ledger does not take it is in doubt, with its reason, until a person records it.

        Cost: about twenty statements and those of the posting, however many; where the ledger refuses some, more.
        """
        call = Call(CALLER, _METHOD, "", self._clock_us())
        claims.lock_many(tx, {_key(delivery)[0] for delivery, _ in pairs})
        done = [_done(delivery, outcome, call.now_us) for delivery, outcome in pairs if outcome.delivered]
        refused = self._settle(tx, call, done)
        there = assignments.find_many(tx, [_key(delivery) for delivery, outcome in pairs if not outcome.delivered])
        tried = [_tried(there[_key(delivery)], delivery, call) for delivery, outcome in pairs if not outcome.delivered]
        script = Script(tx)
        assignments.change(script, [each for each, ended in tried if not ended])
        script.run()
        failing.fail(tx, call, [_failed(each) for each, ended in tried if ended])
        failing.fail(tx, call, self._not_taken(tx, refused))

    def _settle(self, tx: Connection, call: Call, done: Sequence[Done]) -> list[_Refusal]:
        """Settle what the ledger takes; gives the rest. Halves the set until it knows whom the refusal concerns."""
        if not done:
            return []
        try:
            with tx.begin_nested():
                settle(tx, call, self._configurations, self._posting, done)
        except IllegalTransition:
            raise
        except Refused as error:
            if len(done) == 1:
                return [_Refusal(done[0], error)]
            half = len(done) // 2
            return [*self._settle(tx, call, done[:half]), *self._settle(tx, call, done[half:])]
        return []

    def _not_taken(self, tx: Connection, refused: Sequence[_Refusal]) -> list[Failed]:
        there = assignments.find_many(tx, [each.done.key for each in refused])
        return [
            Failed(
                replace(
                    there[each.done.key],
                    reason=each.error.reason,
                    message=f"it is posted as {each.done.external_reference!r}; {each.error.message}",
                    unanswered=False,
                ),
                AssignmentState.IN_DOUBT,
            )
            for each in refused
        ]


def _key(delivery: Delivery) -> Key:
    return delivery.payload["claim"], delivery.payload["operation_id"]


def _done(delivery: Delivery, outcome: Outcome, now_us: int) -> Done:
    """What is done; a system of record whose clock is ahead has done it now."""
    posted_us = int(outcome.facts.get("posted_us", 0))
    return Done(
        *_key(delivery),
        executed_us=posted_us if 0 < posted_us < now_us else now_us,
        executed_by=executor_of(delivery.payload["connection"]),
        external_reference=str(outcome.facts.get("external_reference", "")),
        attempts=delivery.attempts,
    )


def _tried(assignment: Assignment, delivery: Delivery, call: Call) -> tuple[Assignment, bool]:
    """The assignment after an attempt that failed, and whether that was the last."""
    tried = replace(
        assignment,
        attempts=delivery.attempts,
        unanswered=delivery.in_doubt,
        reason=delivery.reason,
        message=delivery.message,
        updated_us=call.now_us,
    )
    return tried, delivery.state is State.GIVEN_UP


def _failed(assignment: Assignment) -> Failed:
    return Failed(assignment, AssignmentState.IN_DOUBT if assignment.unanswered else AssignmentState.FAILED)
