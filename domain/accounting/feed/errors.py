"""What the feed refuses."""

from __future__ import annotations

from domain.kernel.errors import OutOfRange


class FeedCursorAhead(OutOfRange):
    """The watch asks to go on from an event that there has not been."""

    reason = "FEED_CURSOR_AHEAD"
