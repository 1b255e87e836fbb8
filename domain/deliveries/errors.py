"""What deliveries refuse, and why they fail."""

from __future__ import annotations

from domain.deliveries.model import RESOURCE_TYPE, failed
from domain.kernel.errors import IllegalTransition, NotFound, Refused

LOST_ITS_SENDERS = "DELIVERY_LOST_ITS_SENDERS"
"""Reason of a delivery whose attempts all ended with the process that made them."""

LOST = failed(LOST_ITS_SENDERS, "each attempt ended with the process that made it", final=True)
"""The outcome of such a delivery."""

HELD_BACK = "DELIVERY_HELD_BACK"
"""Reason of a delivery whose target failed for so long that it was never tried in its time."""


class DeliveryNotFound(NotFound):
    """There is no such delivery."""

    reason = "DELIVERY_NOT_FOUND"

    def __init__(self, delivery_id: str) -> None:
        super().__init__(RESOURCE_TYPE, f"deliveries/{delivery_id}")


class DeliveryStillPending(IllegalTransition):
    """The delivery has not ended; it is tried again by itself."""

    reason = "DELIVERY_STILL_PENDING"


class DeliveryRetriedElsewhere(Refused):
    """The delivery carries out an accounting assignment; retry the assignment."""

    reason = "DELIVERY_RETRIED_ELSEWHERE"
