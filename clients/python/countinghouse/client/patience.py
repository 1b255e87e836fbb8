"""How long a broken connection is put up with."""

import math
import random
import time
from collections.abc import Callable

from google.protobuf.message import Message

from countinghouse.client.errors import CountinghouseError, ResourceExhausted, TokenExpired
from countinghouse.client.requests import is_safe_to_repeat

OnRetry = Callable[[CountinghouseError, float], None]
"""Told of a lost connection and of the seconds until the next try."""

_FIRST_S = 0.1
_LONGEST_S = 5.0


class Patience:
    """Bounds the time without progress, and spaces the tries.

    Waits grow from 0.1 to 5 seconds and vary by half, so that callers who lost the same server do not come back in
    step; what the server asks for (RetryInfo) goes before. An expired token is tried again once, as there may be a new
    one by then; and nothing more than `tries_max` times.
    """

    def __init__(
        self,
        limit_s: float,
        *,
        tries_max: float = math.inf,
        on_retry: OnRetry | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit_s = limit_s
        self._tries_max = tries_max
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
            CountinghouseError: `error` itself, when the limit without progress would pass before that try, or all
                tries have been made.
        """
        tries_max = 1 if isinstance(error, TokenExpired) else self._tries_max
        spread = random.uniform(0.5, 1.5)  # noqa: S311 - spreads, hides nothing
        backoff_s = min(_LONGEST_S, _FIRST_S * 2.0**self._tries) * spread
        asked_s = error.details.retry_delay_s or 0
        delay_s = max(backoff_s, asked_s * (0.5 + spread))
        if self._tries >= tries_max or self._now() + delay_s - self._progress_at > self._limit_s:
            raise error
        self._tries += 1
        if self._on_retry is not None:
            self._on_retry(error, delay_s)
        return delay_s


class Shedding:
    """The tries of one unary call at a server that may shed load: it refuses calls beyond its bounds, and says so.

    Only a call that is safe to repeat is made again, only when the server asks to come back (RetryInfo), and within
    the time of the call and the bound of tries.
    """

    def __init__(self, request: Message, remaining_s: float, attempts_max: int) -> None:
        self._request = request
        self._remaining_s = remaining_s
        self._attempts_max = attempts_max
        self._began_at = time.monotonic()
        self._patience: Patience | None = None

    def left_s(self) -> float:
        """Seconds that the next try may take."""
        return max(0.0, self._remaining_s - (time.monotonic() - self._began_at))

    def delay_s(self, error: ResourceExhausted) -> float:
        """Seconds to wait before the next try.

        Raises:
            ResourceExhausted: `error` itself, when there is to be none.
        """
        if error.details.retry_delay_s is None or not is_safe_to_repeat(self._request):
            raise error
        if self._patience is None:
            self._patience = Patience(self.left_s(), tries_max=self._attempts_max - 1)
        return self._patience.delay_s(error)
