"""What notifications refuse."""

from __future__ import annotations

from domain.kernel.errors import Invalid, NotFound, Refused, Violation
from domain.notifications.model import ANNOUNCED, RESOURCE_TYPE, name_of


class EndpointNotFound(NotFound):
    """There is no such notification endpoint."""

    reason = "NOTIFICATION_ENDPOINT_NOT_FOUND"

    def __init__(self, endpoint_id: str) -> None:
        super().__init__(RESOURCE_TYPE, name_of(endpoint_id))


class TooManyEndpoints(Refused):
    """There are as many notification endpoints as there can be; delete some first."""

    reason = "NOTIFICATION_ENDPOINTS_TOO_MANY"


class EndpointDisabled(Refused):
    """The notification endpoint is disabled; enable it first."""

    reason = "NOTIFICATION_ENDPOINT_DISABLED"


class EventTypeUnknown(Invalid):
    """Notifications have no such type."""

    reason = "NOTIFICATION_EVENT_TYPE_UNKNOWN"

    def __init__(self, field: str) -> None:
        known = ", ".join(ANNOUNCED.values())
        super().__init__(Violation(field, self.reason, f"must be one of {known}"))
