"""The connector contract over HTTP and JSON; every failure says whether it may have been posted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from domain.kernel.documents import Document, to_text
from domain.kernel.money import decimal_text
from domain.kernel.time import iso_day
from server.outbound.addresses import Reach
from server.outbound.connections import Connection
from server.outbound.grpc_line import shown_reason
from server.outbound.posting import Answer, Poster, PostFailed
from server.outbound.system_of_record.answers import TOO_SLOW, rejection
from server.outbound.system_of_record.model import Adjustment, Failure, Means, NotPosted, Posting, posting_of
from server.telemetry import tracing

NOT_POSTED = "NOT_POSTED"
"""The reason by which a 404 of a lookup is the system's word, and not that of a wrong address."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUCCESSES = range(200, 300)
_REFUSALS = range(400, 500)
_UNFIT = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}


class HttpConnector:
    """A system of record that takes postings at an address."""

    def __init__(self, connection: Connection, reach: Reach) -> None:
        certificate = None
        if connection.certificate_file and connection.key_file:
            certificate = (str(connection.certificate_file), str(connection.key_file))
        ca_file = str(connection.ca_file) if connection.ca_file else None
        self._poster = Poster(reach, timeout_s=60, ca_file=ca_file, certificate=certificate)
        self._base = connection.target.rstrip("/")
        self._headers = {"user-agent": "countinghouse", "accept": "application/json"}
        if connection.token:
            self._headers["authorization"] = f"Bearer {connection.token}"

    def post(self, adjustment: Adjustment) -> Posting | Failure:
        """As `Connector.post`."""
        headers = {
            "content-type": "application/json; charset=utf-8",
            "idempotency-key": adjustment.idempotency_key,
        }
        body = to_text(document_of(adjustment)).encode()
        answer = self._call("POST", f"{self._base}/postings", headers, body, adjustment.timeout_s)
        if isinstance(answer, Failure):
            return answer
        if answer.status in _SUCCESSES:
            return _posting(answer)
        return failure_of(answer)

    def lookup(self, adjustment: Adjustment) -> Posting | NotPosted | Failure:
        """As `Connector.lookup`."""
        key, client = quote(adjustment.idempotency_key, safe=""), urlencode({"client": adjustment.client})
        answer = self._call("GET", f"{self._base}/postings/{key}?{client}", {}, b"", adjustment.timeout_s)
        if isinstance(answer, Failure):
            return answer
        if answer.status == HTTPStatus.OK:
            return _posting(answer)
        if answer.status == HTTPStatus.NOT_FOUND and _told(answer).reason == NOT_POSTED:
            return NotPosted()
        return failure_of(answer)

    def rest(self) -> None:
        """As `Connector.rest`."""
        self._poster.rest()

    def _call(self, method: str, url: str, headers: dict[str, str], body: bytes, timeout_s: float) -> Answer | Failure:
        headers = {**self._headers, **headers, **tracing.headers()}
        try:
            return self._poster.call(method, url, headers, body, timeout_s=timeout_s)
        except PostFailed as error:
            if error.unsent:
                return Failure(Means.LATER, f"no connection to the system of record: {error}")
            message = TOO_SLOW if error.reason == "WEBHOOK_TOO_SLOW" else str(error)
            return Failure(Means.UNANSWERED, message)


def document_of(adjustment: Adjustment) -> Document:
    """The adjustment as JSON: amounts as decimal text, days as ISO 8601; without what is empty."""
    document = {
        "idempotencyKey": adjustment.idempotency_key,
        "client": adjustment.client,
        "operation": adjustment.operation,
        "operationId": adjustment.operation_id,
        "claim": adjustment.claim,
        "dispute": adjustment.dispute,
        "debitAccount": adjustment.debit_account,
        "creditAccount": adjustment.credit_account,
        "amount": decimal_text(adjustment.amount_minor, adjustment.currency),
        "currencyCode": adjustment.currency,
        "entryReason": adjustment.reason,
        "rule": adjustment.rule,
        "ruleVersion": adjustment.rule_version,
        "accountingDate": iso_day(adjustment.accounting_day),
        "description": adjustment.description,
        "reversesOperationId": adjustment.reverses_operation_id,
    }
    return {name: value for name, value in document.items() if value}


def failure_of(answer: Answer) -> Failure:
    """What a status means, as the guide says: one of a proxy's leaves open what became of the call."""
    told = _told(answer)
    message = f"the system of record answered {answer.status}{shown_reason(told.reason)}"
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure(Means.LATER, message, answer.pause_s)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure(Means.LATER if told.reason else Means.UNANSWERED, message, answer.pause_s)
    if answer.status == HTTPStatus.REQUEST_TIMEOUT:
        return Failure(Means.UNANSWERED, message)
    if answer.status in _REFUSALS and answer.status not in _UNFIT and told.reason:
        return rejection(told.reason)
    return Failure(Means.UNFIT, f"the system of record does not accept the call ({answer.status})")


@dataclass(frozen=True, slots=True)
class _Told:
    """What the body of an answer says."""

    reason: str = ""
    external_reference: str = ""
    posted_us: int = 0


def _told(answer: Answer) -> _Told:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return _Told()
    if not isinstance(body, dict):
        return _Told()
    return _Told(_text(body, "reason"), _text(body, "externalReference"), _instant(_text(body, "postTime")))


def _posting(answer: Answer) -> Posting | Failure:
    told = _told(answer)
    if not told.external_reference:  # any page can be answered with 200
        return Failure(Means.UNANSWERED, "the system of record's answer holds no posting")
    return posting_of(told.external_reference, told.posted_us)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _instant(text: str) -> int:
    """Microseconds of an RFC 3339 instant; 0 for what is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return (at - _EPOCH) // timedelta(microseconds=1) if at.tzinfo else 0
