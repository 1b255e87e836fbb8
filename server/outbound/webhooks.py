"""Sends notifications: CloudEvents 1.0 as JSON (structured mode), signed as Standard Webhooks describes (PLT-25)."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.deliveries.errors import LOST
from domain.deliveries.model import DELIVERED, Delivery, Kind, Outcome, failed
from domain.kernel.clock import now_us
from domain.kernel.documents import to_text
from domain.notifications import service as notifications
from domain.notifications.errors import EndpointDisabled, EndpointNotFound
from domain.notifications.model import Endpoint
from server.database.transaction import Database
from server.outbound.posting import Poster, PostFailed
from server.outbound.signing import MasterKey, signed
from server.telemetry import tracing

KEY_MISSING = "NOTIFICATION_KEY_MISSING"
KEY_CHANGED = "NOTIFICATION_KEY_CHANGED"

_GONE = 410
_REDIRECTS = range(300, 400)
_SUCCESSES = range(200, 300)
_SECOND_US = 1_000_000
_ASKED_MAX_S = 86_400
_LOOK_S = 1.0  # a changed endpoint is heeded so soon


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at an endpoint showed, at an instant of the database's clock and at one of `time.monotonic`."""

    endpoint: Endpoint | None
    secrets: tuple[bytes, ...]
    at_us: int
    looked_s: float

    @property
    def now_s(self) -> int:
        """The database's clock now, in seconds."""
        return self.at_us // _SECOND_US + int(time.monotonic() - self.looked_s)


class Webhooks:
    """The handler of notifications. Without a master key nothing is sent: it is tried again, and told."""

    kind = Kind.WEBHOOK

    def __init__(self, poster: Poster, key: MasterKey | None, *, source: str) -> None:
        self._poster = poster
        self._key = key
        self._source = source
        self._looks: dict[str, _Look] = {}

    def send(self, database: Database, delivery: Delivery, stopping: threading.Event) -> Outcome | None:
        """As `Handler.send`; a post is short, so it is not broken off."""
        del stopping
        look = self._look(database, delivery.target)
        endpoint = look.endpoint
        if endpoint is None:
            return failed(EndpointNotFound.reason, "the endpoint was deleted", final=True)
        if endpoint.disabled:
            return failed(EndpointDisabled.reason, "the endpoint is disabled", final=True)
        if self._key is None:
            return failed(KEY_MISSING, "the server has no master key for notifications")
        if endpoint.key_id != self._key.key_id:
            return failed(KEY_CHANGED, "the master key is another one by now: rotate the endpoint's secret")
        return self._post(endpoint.url, look, delivery)

    def _look(self, database: Database, target: str) -> _Look:
        """The endpoint as it is, or was a moment ago."""
        now_s = time.monotonic()
        look = self._looks.get(target)
        if look is not None and now_s - look.looked_s < _LOOK_S:
            return look
        endpoint, at_us = database.read(lambda tx: (notifications.find_target(tx, target), now_us(tx)))
        secrets: tuple[bytes, ...] = ()
        if endpoint is not None and self._key is not None:
            secrets = tuple(self._key.secret(endpoint.endpoint_id, no) for no in endpoint.secrets_at(at_us))
        look = _Look(endpoint, secrets, at_us, now_s)
        self._looks = {name: old for name, old in self._looks.items() if now_s - old.looked_s < _LOOK_S}
        self._looks[target] = look
        return look

    def lost(self, delivery: Delivery) -> Outcome:
        """As `Handler.lost`."""
        del delivery
        return LOST

    def record(self, tx: Connection, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Nothing else depends on it."""

    def rest(self) -> None:
        """As `Handler.rest`."""
        self._poster.rest()

    def _post(self, url: str, look: _Look, delivery: Delivery) -> Outcome:
        body = body_of(delivery, self._source)
        headers = {
            **signed(look.secrets, delivery.key, look.now_s, body),
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": "countinghouse",
            **tracing.headers(),
        }
        try:
            answer = self._poster.post(url, headers, body)
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
