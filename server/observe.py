"""What the server says of itself: one log line a call, in JSON on stderr, and the figures behind it (PLT-42).

No line holds an amount or a person: only names of methods, callers, ids and times.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

import orjson
import structlog
from prometheus_client import Counter, Histogram

if TYPE_CHECKING:
    import grpc

    from server.call import Rpc

CALLS = Counter("countinghouse_calls", "Calls by method and status.", ("method", "status"))
SECONDS = Histogram(
    "countinghouse_call_seconds",
    "Duration of calls by method.",
    ("method",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

_GATHER_S = 0.05
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str) -> None:
    """Log from `level` on, one JSON object a line, to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _LINES,
        cache_logger_on_first_use=True,
    )


class CallMeter:
    """Counts and logs the calls of one method; its figures are looked up once, not for every call."""

    def __init__(self, method: str, *, quiet: bool) -> None:
        self._method = method
        self._quiet = quiet
        self._seconds = SECONDS.labels(method)
        self._counts: dict[str, Counter] = {}
        self._log = structlog.get_logger("call")

    def note(self, rpc: Rpc, code: grpc.StatusCode, seconds: float) -> None:
        """Count and log a call that is over."""
        count = self._counts.get(code.name)
        if count is None:
            count = self._counts[code.name] = CALLS.labels(self._method, code.name)
        count.inc()
        self._seconds.observe(seconds)
        say = self._log.debug if self._quiet else self._log.info
        say(
            "call",
            method=self._method,
            status=code.name,
            ms=round(seconds * 1_000, 3),
            caller=rpc.caller,
            request_id=rpc.request_id,
            **({"operation_id": rpc.operation_id} if rpc.operation_id else {}),
        )


class Lines:
    """Writes log lines to stderr.

    Where an event loop runs, lines are gathered for a moment: a write of its own for each call would cost a tenth of
    it. What is graver than information, or comes from a thread, is written at once with all before it.
    """

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._gathering = False
        self._lock = Lock()

    def info(self, line: bytes) -> None:
        """Write the line soon."""
        self._waiting.append(line)
        if self._gathering:
            return
        try:
            asyncio.get_running_loop().call_later(_GATHER_S, self.flush)
            self._gathering = True
        except RuntimeError:  # no loop in this thread
            self.flush()

    def error(self, line: bytes) -> None:
        """Write the line now."""
        self._waiting.append(line)
        self.flush()

    debug = info
    warning = critical = error

    def flush(self) -> None:
        """Write what waits."""
        self._gathering = False
        with self._lock:
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lines:
                sys.stderr.buffer.write(b"\n".join(lines) + b"\n")
                sys.stderr.buffer.flush()


_LINES = Lines()
atexit.register(_LINES.flush)


def _to_json(event: object, **_: object) -> bytes:
    return orjson.dumps(event, default=str)
