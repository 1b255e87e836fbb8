"""The hooks of this process that decide whether batches of invoices go on: of packages, and over the network (INV-10).

A package offers one by an entry point of the group `countinghouse.invoicing.hookpoints`, which is a `Hookpoint` or a
tuple of them. They are loaded once, at the start: one that cannot be had refuses it. One that does not answer in time
is given up, though nothing can end what it does; of those few go on at a time.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from queue import Empty, SimpleQueue

import structlog

from domain.invoicing.batches.hooks import Asked, Decide, Decision, HookFailed, Hookpoint
from server.telemetry.observe import trace

GROUP = "countinghouse.invoicing.hookpoints"
TIMEOUT_S = 10.0
"""How long a hook of a package may take."""

_AT_ONCE = 8  # questions to one hook
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("hookpoints")


def hookpoints(over_network: Iterable[Hookpoint]) -> tuple[dict[str, Hookpoint], list[str]]:
    """All hookpoints by key, and a line for each that cannot be had."""
    found, lines = _packaged()
    by_key: dict[str, Hookpoint] = {}
    for each in (*found, *over_network):
        if each.key in by_key:
            lines.append(f"{each.origin}: the hookpoint {each.key} is there already, from {by_key[each.key].origin}")
        by_key.setdefault(each.key, each)
    return by_key, lines


def guarded(hook: Hookpoint, *, timeout_s: float = TIMEOUT_S) -> Hookpoint:
    """The hook, which answers in time, or fails; whatever it raises is logged."""
    seats = threading.BoundedSemaphore(_AT_ONCE)
    return replace(hook, decide=partial(_decided, hook.key, hook.decide, seats, timeout_s))


def _decided(key: str, decide: Decide, seats: threading.BoundedSemaphore, timeout_s: float, asked: Asked) -> Decision:
    if not seats.acquire(timeout=timeout_s):
        raise HookFailed("it has not answered earlier questions yet")
    answers: SimpleQueue[Decision | Exception] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(decide(asked))
        except Exception as error:  # noqa: BLE001 - a package's code may raise anything; it holds the batch
            answers.put(error)
        finally:
            seats.release()

    threading.Thread(target=run, name=f"hookpoint-{key}", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except Empty:
        log.warning("a hookpoint does not answer", hookpoint=key)
        raise HookFailed("no answer in time") from None
    if isinstance(answer, HookFailed):
        raise answer
    if isinstance(answer, Exception):
        log.error("a hookpoint broke off", hookpoint=key, **trace(answer))
        raise HookFailed("an unexpected error, which the server's log describes") from answer
    return answer


def _packaged() -> tuple[list[Hookpoint], list[str]]:
    """The hookpoints of packages, and what is wrong with them."""
    found: list[Hookpoint] = []
    lines: list[str] = []
    for point in sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        source = _source(point)
        try:
            found += [guarded(replace(each, origin=source)) for each in _sound(point.load())]
        except _Unusable as error:
            lines.append(f"{source}: {error}")
        except Exception as error:  # noqa: BLE001 - a package's code may raise anything; the start is refused
            lines.append(f"{source}: cannot be loaded: {type(error).__name__}: {error}")
    return found, lines


class _Unusable(Exception):
    """What an entry point gives is none of ours; the text says why."""


def _sound(given: object) -> Iterator[Hookpoint]:
    for each in given if isinstance(given, (tuple, list)) else (given,):
        if not isinstance(each, Hookpoint):
            raise _Unusable(f"is {type(each).__name__}, not a Hookpoint or a tuple of them")
        if not _KEY.fullmatch(str(each.key)):
            raise _Unusable(f"the key {each.key!r} must be letters, digits, '.', '_' and '-', at most 64")
        yield each


def _source(point: EntryPoint) -> str:
    of = f" of {point.dist.name} {point.dist.version}" if point.dist else ""
    return f"the entry point {point.name}{of}"
