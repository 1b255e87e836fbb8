"""Data of another profile times a factor: a share of a meter, losses, cubic metres as kilowatt hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.billing.algorithms.model import Faults, Parameter
from domain.billing.creation.algorithms.model import Asked, CannotCreate, CreationAlgorithm
from domain.kernel.money import Rounding, rounded
from domain.kernel.quantities import ATTOS, attos_of, quantity_fault


def _faults(parameters: Mapping[str, str]) -> Faults:
    factor, rounding = parameters.get("factor", ""), parameters.get("rounding", "")
    if factor and (fault := quantity_fault(factor)):
        yield "factor", ("ALGORITHM_PARAMETER_INVALID", fault[1])
    if rounding and rounding not in Rounding.__members__:
        text = f"must be one of {', '.join(Rounding.__members__)}"
        yield "rounding", ("ALGORITHM_PARAMETER_INVALID", text)


def _create(asked: Asked) -> Sequence[int]:
    """Exact up to one rounding of each value to 18 decimals. Raises: CannotCreate."""
    factor = attos_of(asked.parameters["factor"])
    if factor is None:
        raise CannotCreate("the factor is no number")
    rounding = Rounding[asked.parameters.get("rounding") or Rounding.HALF_EVEN.name]
    (source,) = asked.sources
    return [rounded(value * factor, ATTOS, rounding) for value in source]


FACTOR = CreationAlgorithm(
    code="factor",
    description="Data of another profile times a factor; its unit of measure may be another",
    sources_min=1,
    sources_max=1,
    one_unit=False,
    parameters=(
        Parameter("factor", "the factor, such as 0.35 or 10.55, with up to 18 decimals"),
        Parameter(
            "rounding",
            "HALF_EVEN or HALF_UP, of what is finer than 18 decimals; HALF_EVEN if not given",
            required=False,
        ),
    ),
    create=_create,
    faults=_faults,
)
