"""The algorithms of this process beside the built-in ones: of installed packages, and over the network (BIL-23).

A package offers some by an entry point of the group `countinghouse.billing.algorithms`, which is an `Algorithm`, a
`CreationAlgorithm`, or a tuple of such. They are loaded once, at the start: one that cannot be had refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points

import structlog

from domain.billing.algorithms.model import Action, Algorithm, Asked, CannotDecide
from domain.billing.algorithms.registry import BUILT_IN, Algorithms
from domain.billing.creation.algorithms.model import CreationAlgorithm
from domain.billing.creation.algorithms.registry import CREATIONS
from domain.invoicing.batches.hooks import Hookpoint
from server.hookpoints import hookpoints
from server.outbound.hooks.asking import Hooks
from server.settings import BadSettings, Settings, variable
from server.telemetry.observe import trace

Plugin = Algorithm | CreationAlgorithm

GROUP = "countinghouse.billing.algorithms"

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("plugins")


@dataclass(frozen=True, slots=True)
class Plugins:
    """All algorithms and hookpoints that there are, and those who are asked over the network: one of them a process.

    Whoever carries something out with it closes it in the end: the server of RPCs, or the worker process.
    """

    algorithms: Algorithms
    hooks: Hooks
    hookpoints: Mapping[str, Hookpoint]

    def close(self) -> None:
        """Close all channels: those who still wait for an answer have none."""
        self.hooks.close()


def plugins(settings: Settings) -> Plugins:
    """Those of this process. Raises: BadSettings with a line for each algorithm or hookpoint that cannot be had."""
    hooks = Hooks(settings.hooks, settings.hooks_reach)
    found, lines = _packaged()
    found += [(variable("hooks_file"), each) for each in hooks.algorithms()]
    taken = dict.fromkeys((*(each.code for each in BUILT_IN), *CREATIONS), "built in")
    for source, each in found:
        if each.code in taken:
            lines.append(f"{source}: the algorithm {each.code} is there already: {taken[each.code]}")
        taken.setdefault(each.code, f"from {source}")
    points, faults = hookpoints(hooks.hookpoints())
    if lines := [*lines, *faults]:
        raise BadSettings(lines)
    return Plugins(Algorithms(each for _, each in found), hooks, points)


def _packaged() -> tuple[list[tuple[str, Plugin]], list[str]]:
    """The algorithms of packages with where each is from, and what is wrong with them."""
    found: list[tuple[str, Plugin]] = []
    lines: list[str] = []
    for point in sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        source = _source(point)
        try:
            found += [(source, _guarded(each)) for each in _sound(point.load())]
        except _Unusable as error:
            lines.append(f"{source}: {error}")
        except Exception as error:  # noqa: BLE001 - a package's code may raise anything; the start is refused
            lines.append(f"{source}: cannot be loaded: {type(error).__name__}: {error}")
    return found, lines


class _Unusable(Exception):
    """What an entry point gives is none of ours; the text says why."""


def _sound(given: object) -> Iterator[Plugin]:
    for each in given if isinstance(given, (tuple, list)) else (given,):
        if not isinstance(each, (Algorithm, CreationAlgorithm)):
            raise _Unusable(f"is {type(each).__name__}, not an Algorithm or a tuple of them")
        if not _CODE.fullmatch(str(each.code)):
            raise _Unusable(f"the code {each.code!r} must be letters, digits, '.', '_' and '-', at most 64")
        if isinstance(each, Algorithm) and each.decide is None:
            raise _Unusable(f"the algorithm {each.code} decides nothing")
        if isinstance(each, CreationAlgorithm) and each.create is None:
            raise _Unusable(f"the algorithm {each.code} creates nothing")
        yield each


def _guarded(algorithm: Plugin) -> Plugin:
    """The algorithm, of which any error is one that names it; our own are found by tests."""
    if isinstance(algorithm, CreationAlgorithm):
        return algorithm  # whoever asks it is guarded
    assert algorithm.decide is not None
    return replace(algorithm, decide=partial(_decided, algorithm.code, algorithm.decide))


def _decided(code: str, decide: Callable[[Asked], Iterable[Action]], asked: Asked) -> tuple[Action, ...]:
    try:
        return tuple(decide(asked))
    except CannotDecide:
        raise
    except Exception as error:
        log.error("an algorithm broke off", algorithm=code, **trace(error))  # noqa: TRY400 - its text may hold anything
        raise CannotDecide("an unexpected error, which the server's log describes") from error


def _source(point: EntryPoint) -> str:
    of = f" of {point.dist.name} {point.dist.version}" if point.dist else ""
    return f"the entry point {point.name}{of}"
