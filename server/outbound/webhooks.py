"""Sends notifications: CloudEvents 1.0 as JSON (structured mode), signed as Standard Webhooks describes (PLT-25)."""

from __future__ import annotations

import threading

from sqlalchemy import Connection

from domain.deliveries.model import DELIVERED, Delivery, Kind, Outcome, failed
from domain.kernel.clock import now_us
from domain.kernel.documents import to_text
from domain.notifications import service as notifications
from domain.notifications.errors import EndpointDisabled, EndpointNotFound
from domain.notifications.model import Endpoint
from server import tracing
from server.database.transaction import Database
from server.outbound.posting import Poster, PostFailed
from server.outbound.signing import MasterKey, signed

KEY_MISSING = "NOTIFICATION_KEY_MISSING"
KEY_CHANGED = "NOTIFICATION_KEY_CHANGED"

_GONE = 410
_REDIRECTS = range(300, 400)
_SUCCESSES = range(200, 300)
_SECOND_US = 1_000_000
_ASKED_MAX_S = 86_400


class Webhooks:
    """The handler of notifications. Without a master key nothing is sent: it is tried again, and told."""

    kind = Kind.WEBHOOK

    def __init__(self, poster: Poster, key: MasterKey | None, *, source: str) -> None:
        self._poster = poster
        self._key = key
        self._source = source

    def send(self, database: Database, delivery: Delivery, stopping: threading.Event) -> Outcome | None:
        """As `Handler.send`; a post is short, so it is not broken off."""
        del stopping
        endpoint, at_us = database.read(lambda tx: (notifications.find_target(tx, delivery.target), now_us(tx)))
        if endpoint is None:
            return failed(EndpointNotFound.reason, "the endpoint was deleted", final=True)
        if endpoint.disabled:
            return failed(EndpointDisabled.reason, "the endpoint is disabled", final=True)
        if self._key is None:
            return failed(KEY_MISSING, "the server has no master key for notifications")
        if endpoint.key_id != self._key.key_id:
            return failed(KEY_CHANGED, "the master key is another one by now: rotate the endpoint's secret")
        return self._post(self._key, endpoint, delivery, at_us)

    def record(self, tx: Connection, delivery: Delivery, outcome: Outcome) -> None:
        """Nothing else depends on it."""

    def _post(self, key: MasterKey, endpoint: Endpoint, delivery: Delivery, at_us: int) -> Outcome:
        body = body_of(delivery, self._source)
        secrets = [key.secret(endpoint.endpoint_id, number) for number in endpoint.secrets_at(at_us)]
        headers = {
            **signed(secrets, delivery.key, at_us // _SECOND_US, body),
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": "countinghouse",
            **tracing.headers(),
        }
        try:
            answer = self._poster.post(endpoint.url, headers, body)
        except PostFailed as error:
            return failed(error.reason, str(error))
        if answer.status in _SUCCESSES:
            return DELIVERED
        pause_us = round(min(answer.pause_s, _ASKED_MAX_S) * _SECOND_US)
        if answer.status in _REDIRECTS:
            return failed("WEBHOOK_REDIRECTED", f"the receiver answered {answer.status}; redirects are not followed")
        message = f"the receiver answered {answer.status}"
        return failed("WEBHOOK_REFUSED", message, final=answer.status == _GONE, pause_us=pause_us)


def body_of(delivery: Delivery, source: str) -> bytes:
    """The event, the same bytes at every attempt."""
    event = {
        "specversion": "1.0",
        "source": source,
        "datacontenttype": "application/json",
        **delivery.payload,
    }
    return to_text(event).encode()
