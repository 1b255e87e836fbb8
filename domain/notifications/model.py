"""Endpoints and what they are told, as values (PLT-25)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.kernel.documents import Document

RESOURCE_TYPE = "countinghouse.operations/NotificationEndpoint"

TESTED = "countinghouse.notification_endpoint.tested"
"""The type of the notification that a test of an endpoint sends."""

ANNOUNCED: Mapping[str, str] = {
    "operation.succeeded": "countinghouse.operation.succeeded",
    "operation.failed": "countinghouse.operation.failed",
    "operation.canceled": "countinghouse.operation.canceled",
}
"""Which events are announced, and under which type (that of CloudEvents): one line a kind."""

ENDPOINTS_MAX = 1_000
"""So many endpoints there can be: each end of an operation looks at all of them."""

OLD_SECRET_US = 86_400_000_000
"""So long after a rotation the secret before it signs, too."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where notifications go.

    `event_types` are of ANNOUNCED's values; none: all. `key_id` tells which master key the secrets are derived from,
    `secret_no` which secret is the present one; the one before signs, too, until `old_secret_until_us`.
    """

    endpoint_id: str
    url: str
    event_types: tuple[str, ...]
    description: str
    disabled: bool
    key_id: str
    secret_no: int
    old_secret_until_us: int
    version: int
    created_us: int
    updated_us: int
    scope_id: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return name_of(self.endpoint_id)

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)

    def wants(self, event_type: str) -> bool:
        """Whether it is told of events of the type."""
        return not self.disabled and (not self.event_types or event_type in self.event_types)

    def secrets_at(self, now_us: int) -> tuple[int, ...]:
        """The numbers of the secrets that sign at an instant, the present one first."""
        both = self.secret_no > 1 and now_us < self.old_secret_until_us
        return (self.secret_no, self.secret_no - 1) if both else (self.secret_no,)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be of an endpoint; None leaves what it is."""

    endpoint_id: str
    etag: str
    url: str | None = None
    event_types: tuple[str, ...] | None = None
    description: str | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """An event that may be announced.

    `kind` is the event's own type, `subject` the resource name of what it is about, `data` what is told of it: names of
    resources and codes, never an amount or a person. `scope_id` is that of what it concerns.
    """

    event_id: str
    kind: str
    subject: str
    at_us: int
    scope_id: int
    data: Document = field(default_factory=dict)


def name_of(endpoint_id: str) -> str:
    """The endpoint's resource name."""
    return f"notificationEndpoints/{endpoint_id}"
