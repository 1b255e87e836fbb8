"""Data of several profiles added up, or of the others taken off the first: all sites, or what has no meter of its own.

What a difference gives may be below zero, where more comes back than is used: `below_zero` says what becomes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.billing.algorithms.model import Faults, Parameter
from domain.billing.creation.algorithms.model import Asked, CannotCreate, CreationAlgorithm
from domain.kernel.time import iso_of

_SOURCES_MAX = 100
_KEEP, _ZERO, _REFUSE = "keep", "zero", "refuse"
_BELOW_ZERO = (_KEEP, _ZERO, _REFUSE)


def _sum(asked: Asked) -> Sequence[int]:
    return [sum(values) for values in zip(*asked.sources, strict=True)]


def _difference(asked: Asked) -> Sequence[int]:
    """Raises: CannotCreate."""
    below = asked.parameters.get("below_zero") or _KEEP
    found = [first - sum(others) for first, *others in zip(*asked.sources, strict=True)]
    if below == _ZERO:
        return [max(0, value) for value in found]
    if below == _REFUSE:
        for at, value in zip(asked.begins, found, strict=True):
            if value < 0:
                raise CannotCreate(f"the difference is below zero at {iso_of(at)}")
    return found


def _faults(parameters: Mapping[str, str]) -> Faults:
    below = parameters.get("below_zero", "")
    if below and below not in _BELOW_ZERO:
        yield "below_zero", ("ALGORITHM_PARAMETER_INVALID", f"must be one of {', '.join(_BELOW_ZERO)}")


SUM = CreationAlgorithm(
    code="sum",
    description="Data of several profiles of one unit of measure, added up interval by interval",
    sources_min=1,
    sources_max=_SOURCES_MAX,
    one_unit=True,
    create=_sum,
)
DIFFERENCE = CreationAlgorithm(
    code="difference",
    description="Data of the first profile less those of the others, of one unit of measure, interval by interval",
    sources_min=2,
    sources_max=_SOURCES_MAX,
    one_unit=True,
    parameters=(
        Parameter(
            "below_zero",
            "what becomes of a value below zero: keep, zero or refuse; keep if not given",
            required=False,
        ),
    ),
    create=_difference,
    faults=_faults,
)
