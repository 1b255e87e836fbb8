"""The same in every interval: supply without a meter, such as street lights and telephone boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.billing.algorithms.model import Faults, Parameter
from domain.billing.creation.algorithms.model import Asked, CannotCreate, CreationAlgorithm
from domain.kernel.quantities import attos_of, quantity_fault


def _faults(parameters: Mapping[str, str]) -> Faults:
    quantity = parameters.get("quantity", "")
    if quantity and (fault := quantity_fault(quantity)):
        yield "quantity", ("ALGORITHM_PARAMETER_INVALID", fault[1])


def _create(asked: Asked) -> Sequence[int]:
    """Raises: CannotCreate."""
    attos = attos_of(asked.parameters["quantity"])
    if attos is None:
        raise CannotCreate("the quantity is no number")
    return [attos] * len(asked.begins)


CONSTANT = CreationAlgorithm(
    code="constant",
    description="The same quantity in every interval, for supply without a meter",
    sources_min=0,
    sources_max=0,
    one_unit=False,
    parameters=(Parameter("quantity", "the quantity of an interval, such as 0.125"),),
    create=_create,
    faults=_faults,
)
