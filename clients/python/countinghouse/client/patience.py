"""How long a broken connection is put up with."""

import random
import time
from collections.abc import Callable

from countinghouse.client.errors import CountinghouseError

OnRetry = Callable[[CountinghouseError, float], None]
"""Told of a lost connection and of the seconds until the next try."""

_FIRST_S = 0.1
_LONGEST_S = 5.0


class Patience:
    """Bounds the time without progress, and spaces the tries.

    Waits grow from 0.1 to 5 seconds and vary by half, so that callers who lost the same server do not come back in
    step; what the server asks for (RetryInfo) goes before.
    """

    def __init__(
        self,
        limit_s: float,
        *,
        on_retry: OnRetry | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit_s = limit_s
        self._on_retry = on_retry
        self._now = now
        self._progress_at = now()
        self._tries = 0

    def progressed(self) -> None:
        """Start counting anew: something was received."""
        self._progress_at = self._now()
        self._tries = 0

    def delay_s(self, error: CountinghouseError) -> float:
        """Seconds to wait before the next try.

        Raises:
            CountinghouseError: `error` itself, when the limit without progress would pass before that try.
        """
        backoff_s = min(_LONGEST_S, _FIRST_S * 2.0**self._tries) * random.uniform(0.5, 1.5)  # noqa: S311 - spreads, hides nothing
        delay_s = max(backoff_s, error.details.retry_delay_s or 0)
        if self._now() + delay_s - self._progress_at > self._limit_s:
            raise error
        self._tries += 1
        if self._on_retry is not None:
            self._on_retry(error, delay_s)
        return delay_s
