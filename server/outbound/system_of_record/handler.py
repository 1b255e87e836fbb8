"""Posts adjustments to clients' systems of record; asks first what became of those in doubt (ACC-20 to ACC-24)."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

import tenacity
from sqlalchemy import Connection

from domain.deliveries.errors import LOST
from domain.deliveries.model import Delivery, Kind, Outcome, failed, rejected, unanswered
from server.database.transaction import Database
from server.outbound.recording import Recorder
from server.outbound.system_of_record.model import (
    Adjustment,
    Connector,
    Failure,
    Means,
    NotPosted,
    Posting,
    adjustment_from,
)

UNAVAILABLE = "SERVICE_UNAVAILABLE"
"""Reason of an attempt that was not posted, and may be later."""
REJECTED = "SERVICE_REJECTED"
"""Reason of an attempt that the system of record refused for good."""
UNFIT = "SERVICE_UNFIT"
"""Reason of an attempt that was refused before anybody looked at it: credentials, address, contract."""
NO_ANSWER = "SERVICE_NO_ANSWER"
"""Reason of an attempt of which nobody knows whether it was posted."""
UNKNOWN_CONNECTION = "SERVICE_UNKNOWN_CONNECTION"
"""Reason of an attempt at a system of record that this server's settings do not have."""

_LOOKUPS = 3
_LOOKUP_PAUSE_S = 0.1
_LOOKUP_PAUSE_MAX_S = 1.0
_ASKED_MAX_S = 86_400
_SECOND_US = 1_000_000


class SystemsOfRecord:
    """The handler of adjustments, by the connection that each names."""

    kind = Kind.SYSTEM_OF_RECORD

    def __init__(self, connectors: Mapping[str, Connector], recorder: Recorder) -> None:
        self._connectors = connectors
        self._recorder = recorder

    def send(self, database: Database, delivery: Delivery, stopping: threading.Event) -> Outcome | None:
        """As `Handler.send`. A call is bounded by its own time, so it is not broken off."""
        del database
        adjustment = adjustment_from(delivery.payload)
        connector = self._connectors.get(adjustment.connection)
        if connector is None:
            return _unknown(delivery)
        if delivery.in_doubt:
            found = _ask(connector, adjustment, stopping)
            if not isinstance(found, NotPosted):
                return _outcome(found, in_doubt=True)
        outcome = _outcome(connector.post(adjustment))
        if outcome.unanswered and delivery.attempts >= delivery.limits.attempts_max:
            return _settled(outcome, _ask(connector, adjustment, stopping))
        return outcome

    def lost(self, delivery: Delivery) -> Outcome:
        """As `Handler.lost`: the system of record knows what became of it."""
        adjustment = adjustment_from(delivery.payload)
        connector = self._connectors.get(adjustment.connection)
        if connector is None:
            return replace(_unknown(delivery), final=True)
        found = _ask(connector, adjustment, threading.Event())
        return LOST if isinstance(found, NotPosted) else replace(_outcome(found, in_doubt=True), final=True)

    def record(self, tx: Connection, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        """As `Handler.record`."""
        self._recorder.record(tx, pairs)

    def rest(self) -> None:
        """As `Handler.rest`."""
        for connector in self._connectors.values():
            connector.rest()


def _unknown(delivery: Delivery) -> Outcome:
    message = "this server's settings have no such system of record"
    if delivery.in_doubt:
        return unanswered(UNKNOWN_CONNECTION, message)
    return failed(UNKNOWN_CONNECTION, message)


def _ask(connector: Connector, adjustment: Adjustment, stopping: threading.Event) -> Posting | NotPosted | Failure:
    """What became of the adjustment; asked a few times, with growing random pauses, unless the process stops."""
    asking = tenacity.Retrying(
        stop=tenacity.stop_any(tenacity.stop_after_attempt(_LOOKUPS), tenacity.stop_when_event_set(stopping)),
        wait=tenacity.wait_random_exponential(_LOOKUP_PAUSE_S, _LOOKUP_PAUSE_MAX_S),
        sleep=tenacity.sleep_using_event(stopping),
        retry=tenacity.retry_if_result(_is_worth_asking_again),
        retry_error_callback=_last_answer,
    )
    return asking(connector.lookup, adjustment)


def _is_worth_asking_again(answer: Posting | NotPosted | Failure) -> bool:
    return isinstance(answer, Failure) and answer.means in {Means.LATER, Means.UNANSWERED} and not answer.pause_s


def _last_answer(state: tenacity.RetryCallState) -> Posting | NotPosted | Failure:
    assert state.outcome is not None
    answer: Posting | NotPosted | Failure = state.outcome.result()
    return answer


def _settled(outcome: Outcome, found: Posting | NotPosted | Failure) -> Outcome:
    """The outcome of a last attempt without an answer, by what Lookup says of it."""
    if isinstance(found, Failure):
        return outcome
    return _outcome(found) if isinstance(found, Posting) else replace(outcome, unanswered=False)


def _outcome(answer: Posting | Failure, *, in_doubt: bool = False) -> Outcome:
    """What an answer means for the delivery; `in_doubt`: a failure is Lookup's, and tells nothing about the posting."""
    if isinstance(answer, Posting):
        return Outcome(delivered=True, facts=answer.facts)
    pause_us = round(min(answer.pause_s, _ASKED_MAX_S) * _SECOND_US)
    if in_doubt or answer.means is Means.UNANSWERED:
        told = unanswered(NO_ANSWER, answer.message)
        return replace(told, pause_us=pause_us, pause_all=pause_us > 0)
    if answer.means is Means.REJECTED:
        return rejected(REJECTED, answer.message)
    if answer.means is Means.UNFIT:
        return failed(UNFIT, answer.message, final=True)
    return failed(UNAVAILABLE, answer.message, pause_us=pause_us, pause_all=pause_us > 0)
