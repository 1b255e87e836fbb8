"""What the server says of itself: one log line a call, in JSON on stderr, and the figures behind it (PLT-42).

No line holds an amount or a person: only names of methods, callers, ids and times.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import RLock
from traceback import extract_tb
from typing import TYPE_CHECKING

import orjson
import structlog

from server.telemetry import figures

if TYPE_CHECKING:
    import grpc
    import prometheus_client

    from server.call import Rpc

_GATHER_S = 0.05
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str) -> None:
    """Log from `level` on, one JSON object a line, to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _stamp,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _LINES,
        cache_logger_on_first_use=True,
    )
    _BOOK.level = _LEVELS[level]
    logging.getLogger().addHandler(_LIBRARIES)  # once, however often it is called


class Libraries(logging.Handler):
    """Tells in our own form what libraries warn of: what went wrong and where, but none of their values."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._log = structlog.get_logger("libraries")

    def emit(self, record: logging.LogRecord) -> None:
        """Log what a library says: the first line of it, before values are put in."""
        said = str(record.msg).partition("\n")[0]
        error = record.exc_info[1] if record.exc_info else None
        say = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        say("from a library", library=record.name, said=said, **(trace(error) if error else {}))


class CallMeter:
    """Counts and logs the calls of one method; its figures are looked up once, not for every call.

    `kind` is unary, client_stream, server_stream or bidi_stream.
    """

    def __init__(self, method: str, kind: str, *, quiet: bool) -> None:
        service, _, name = method.rpartition("/")
        self._method = method
        self._level = logging.DEBUG if quiet else logging.INFO
        self._labels = (kind, service, name)
        self._seconds = figures.HANDLING.labels(*self._labels)
        self._counts: dict[str, prometheus_client.Counter] = {}
        self.begun = figures.STARTED.labels(*self._labels).inc
        self._log = structlog.get_logger("call")

    def note(self, rpc: Rpc, code: grpc.StatusCode, seconds: float) -> None:
        """Count and log a call that is over; to be called on the event loop, which does it soon."""
        _BOOK.enter((self, rpc, code, seconds, time.time()))

    def shed(self) -> None:
        """Count and log, soon, a call that was refused before anything was known of it but its method."""
        _BOOK.enter_shed(self)

    def write_shed(self, calls: int) -> None:
        """Count them now, and log them in one line: a line for each would be a good part of what refusing costs."""
        figures.STARTED.labels(*self._labels).inc(calls)
        figures.HANDLED.labels(*self._labels, "RESOURCE_EXHAUSTED").inc(calls)
        self._log.warning("calls shed", method=self._method, status="RESOURCE_EXHAUSTED", calls=calls)

    def write(self, rpc: Rpc, code: grpc.StatusCode, seconds: float, at_s: float) -> None:
        """Count and log it now."""
        count = self._counts.get(code.name)
        if count is None:
            count = self._counts[code.name] = figures.HANDLED.labels(*self._labels, code.name)
        count.inc()
        self._seconds.observe(seconds)
        if self._level >= _BOOK.level:
            _LINES.line(_to_json(self._line(rpc, code, seconds, at_s)))

    def _line(self, rpc: Rpc, code: grpc.StatusCode, seconds: float, at_s: float) -> dict[str, object]:
        """What is logged of a call; past structlog, which took a sixth of the gate for it."""
        line: dict[str, object] = {
            "at": _iso(at_s),
            "method": self._method,
            "status": code.name,
            "ms": round(seconds * 1_000, 3),
            "caller": rpc.caller,
            "request_id": rpc.request_id,
        }
        if rpc.operation_id:
            line["operation_id"] = rpc.operation_id
        if rpc.reason:
            line["reason"] = rpc.reason
        if rpc.traceparent:
            line["trace_id"] = rpc.traceparent.split("-")[1]
        return line | {"event": "call", "level": logging.getLevelName(self._level).lower()}


Entry = tuple[CallMeter, "Rpc", "grpc.StatusCode", float, float]


class Book:
    """The calls that are over and not written down yet.

    They are written many at a time: one by one, what is told of a call would cost a fifth of the call.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._shed: Counter[CallMeter] = Counter()
        self.level = logging.INFO

    def enter(self, entry: Entry) -> None:
        """Enter a call, to be written down soon."""
        self._begin()
        self._entries.append(entry)

    def enter_shed(self, meter: CallMeter) -> None:
        """Enter a call of which nothing is known but its method."""
        self._begin()
        self._shed[meter] += 1

    def _begin(self) -> None:
        if not self._entries and not self._shed:
            asyncio.get_running_loop().call_later(_GATHER_S, self.write)

    def write(self) -> None:
        """Write down what was entered."""
        entries, self._entries = self._entries, []
        shed, self._shed = self._shed, Counter()
        with _LINES.gathered():
            for meter, calls in shed.items():
                meter.write_shed(calls)
            for meter, rpc, code, seconds, at_s in entries:
                meter.write(rpc, code, seconds, at_s)


class Lines:
    """Writes log lines to stderr, each at once, or those of a moment together.

    Calls and work go on when they cannot be written, on a full disk for example; how many were lost is told later.
    """

    def __init__(self) -> None:
        self._waiting: list[bytes] | None = None
        self._lost = 0
        self._lock = RLock()

    def line(self, line: bytes) -> None:
        """Write a line."""
        with self._lock:
            if self._waiting is None:
                self._write([line])
            else:
                self._waiting.append(line)

    debug = info = warning = error = critical = line

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Write the lines of a while with one stroke, at its end."""
        with self._lock:
            self._waiting = []
            try:
                yield
            finally:
                lines, self._waiting = self._waiting, None
                self._write(lines)

    def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        told = [b"", _to_json({"event": "lines lost", "level": "warning", "lines": self._lost})] if self._lost else []
        content = memoryview(b"\n".join([*told, *lines]) + b"\n")  # ends what may stand there half written
        try:
            sys.stderr.flush()
            while content:  # past the buffer, which would keep what cannot be written and fail again at the end
                content = content[os.write(sys.stderr.fileno(), content) :]
        except OSError:
            self._lost += len(lines)
        else:
            self._lost = 0


_LINES, _BOOK = Lines(), Book()
_LIBRARIES = Libraries()
atexit.register(_BOOK.write)


def flush() -> None:
    """Write down the calls that are over."""
    _BOOK.write()


def trace(error: BaseException) -> dict[str, object]:
    """What went wrong and where, for a log line.

    The texts of errors that are not our own are left out: they may hold amounts or names.
    """
    kinds, frames = [], []
    cause: BaseException | None = error
    while cause is not None:
        kind = type(cause)
        ours = kind.__module__.startswith(("server.", "domain."))
        kinds.append(f"{kind.__name__}: {cause}" if ours else kind.__name__)
        frames += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(cause.__traceback__)]
        cause = cause.__cause__
    return {"error": " < ".join(kinds), "stack": frames}


def _stamp(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event["at"] = _iso(time.time())
    return event


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def _to_json(event: object, **_: object) -> bytes:
    return orjson.dumps(event, default=str)
