"""What is wrong with what a profile's data are to be created from; pure checks (BIL-22)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.billing.configuration.model import Derivation, ProfileKind, ProfileType, ProfileTypeSettings
from domain.billing.creation.algorithms.model import CreationAlgorithm
from domain.kernel.errors import Violation

Key = tuple[str, str]
"""The ids of an account and of a profile of it."""

_HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Series:
    """What the check needs to know of a profile; a zone that is not known yet is empty."""

    type_code: str
    zone: str = ""


class Configured(Protocol):
    """What is configured, as far as it matters here."""

    profile_types: Mapping[str, ProfileType]
    creations: Mapping[str, CreationAlgorithm]


def violations(
    path: str, own: Series, derivation: Derivation, sources: Mapping[Key, Series], configured: Configured
) -> Iterator[Violation]:
    """All that is wrong with the derivation at `path` of a profile; sources that are not there are left aside.

    One that is empty may still be given: until then data are not created.
    """
    types = configured.profile_types
    if own.type_code not in types or not (derivation.sources or derivation.parameters):
        return
    settings = types[own.type_code].settings
    algorithm = configured.creations.get(settings.creation)
    if algorithm is None:
        return
    yield from _parameters(path, algorithm, derivation.parameters)
    if not algorithm.sources_min <= len(derivation.sources) <= algorithm.sources_max:
        text = f"{algorithm.code} takes {_count(algorithm)}"
        yield Violation(f"{path}.sources", "SOURCE_PROFILE_COUNT", text)
    for at, key in enumerate(derivation.sources):
        source = sources.get(key)
        if source is not None and source.type_code in types:
            theirs = types[source.type_code].settings
            yield from _source(f"{path}.sources[{at}]", settings, own.zone, theirs, source.zone, algorithm=algorithm)


def loop(derived: Mapping[str, Derivation], account_id: str, start: str) -> tuple[str, ...]:
    """The profiles of an account, from `start` back to itself, of which each is created from the next; or none.

    Cost: each profile is gone through once.
    """
    trail: list[tuple[str, Iterator[str]]] = [(start, _own_sources(derived, account_id, start))]
    seen: set[str] = set()
    while trail:
        step = next(trail[-1][1], None)
        if step is None:
            trail.pop()
        elif step == start:
            return (*(name for name, _ in trail), start)
        elif step not in seen:
            seen.add(step)
            trail.append((step, _own_sources(derived, account_id, step)))
    return ()


def loop_violations(
    path: str, derived: Mapping[str, Derivation], account_id: str, profile_id: str
) -> Iterator[Violation]:
    """Whether a profile would be created from itself, by way of others of its account."""
    found = loop(derived, account_id, profile_id)
    if len(found) > 2:  # noqa: PLR2004 - of itself alone another check tells
        text = f"its data would be created from themselves: {' from '.join(found)}"
        yield Violation(f"{path}.sources", "DERIVATION_LOOP", text)


def _own_sources(derived: Mapping[str, Derivation], account_id: str, profile_id: str) -> Iterator[str]:
    of: Iterable[Key] = derived[profile_id].sources if profile_id in derived else ()
    return (own for account, own in of if account == account_id)


def _parameters(path: str, algorithm: CreationAlgorithm, given: Mapping[str, str]) -> Iterator[Violation]:
    known = {parameter.name: parameter for parameter in algorithm.parameters}
    for name in sorted(given.keys() - known.keys()):
        text = f"{algorithm.code} has no parameter {name}"
        yield Violation(f'{path}.parameters["{name}"]', "ALGORITHM_PARAMETER_UNKNOWN", text)
    for name, parameter in known.items():
        if parameter.required and not given.get(name):
            text = f"{algorithm.code} needs {name}: {parameter.description}"
            yield Violation(f'{path}.parameters["{name}"]', "ALGORITHM_PARAMETER_MISSING", text)
    for name, fault in algorithm.faults(given):
        yield Violation(f'{path}.parameters["{name}"]', *fault)


def _source(
    path: str,
    own: ProfileTypeSettings,
    zone: str,
    source: ProfileTypeSettings,
    source_zone: str,
    *,
    algorithm: CreationAlgorithm,
) -> Iterator[Violation]:
    if source.kind is not ProfileKind.INTERVALS:
        yield Violation(path, "SOURCE_PROFILE_KIND", "is a register; intervals are created from intervals")
        return
    if source.interval_s != own.interval_s:
        text = f"has intervals of {source.interval_s} seconds, where they are to have {own.interval_s}"
        yield Violation(path, "SOURCE_PROFILE_INTERVAL", text)
    elif own.interval_s > _HOUR_S and zone and source_zone and zone != source_zone:
        text = f"has intervals by the clock of {source_zone}, where they are to be by that of {zone}"
        yield Violation(path, "SOURCE_PROFILE_INTERVAL", text)
    if algorithm.one_unit and source.unit != own.unit:
        text = f"is in {source.unit}, where {algorithm.code} gives {own.unit}"
        yield Violation(path, "SOURCE_PROFILE_UNIT", text)


def _count(algorithm: CreationAlgorithm) -> str:
    low, high = algorithm.sources_min, algorithm.sources_max
    if high == 0:
        return "no source"
    if low == high:
        return f"{low} source{'s' if low > 1 else ''}"
    return f"from {low} to {high} sources"
