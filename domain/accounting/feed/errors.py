"""What the feed refuses."""

from __future__ import annotations

from domain.kernel.errors import OutOfRange


class FeedCursorAhead(OutOfRange):
    """The watch asks to go on from an event that there has not been."""

    reason = "FEED_CURSOR_AHEAD"


class FeedCursorForgotten(OutOfRange):
    """The watch asks to go on from events that are kept no longer; read the claims anew, then go on from `oldest`."""

    reason = "FEED_CURSOR_FORGOTTEN"

    def __init__(self, field: str, *, after: int, oldest: int) -> None:
        message = f"{field}: {after} lies before the oldest event that is kept, which is {oldest}: read the claims anew"
        super().__init__(message, field=field, after=after, oldest=oldest)
