"""Asking how things stood at an instant."""

from __future__ import annotations

from domain.kernel.errors import OutOfRange
from domain.kernel.time import iso_of


class AsOfInFuture(OutOfRange):
    """A balance is told as of an instant that is over, or as of now."""

    reason = "AS_OF_IN_FUTURE"

    def __init__(self, as_of_us: int, now_us: int) -> None:
        super().__init__(f"as_of_time {iso_of(as_of_us)} is still to come: it is {iso_of(now_us)}", field="as_of_time")
