"""The algorithms that there are, by code, and what is wrong with using them (BIL-23)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from domain.billing.algorithms.builtin.apply_credit import APPLY_CREDIT
from domain.billing.algorithms.builtin.bill_message import BILL_MESSAGE
from domain.billing.algorithms.builtin.minimum_bill import MINIMUM_BILL
from domain.billing.algorithms.builtin.remove_errors import REMOVE_ERRORS
from domain.billing.algorithms.builtin.transfer_to_master import TRANSFER_TO_MASTER
from domain.billing.algorithms.model import Algorithm
from domain.billing.configuration.model import AlgorithmUse
from domain.billing.creation.algorithms.model import CreationAlgorithm
from domain.billing.creation.algorithms.registry import CREATIONS
from domain.billing.ordering.rules import sequence_fault
from domain.kernel.errors import Violation

BUILT_IN: tuple[Algorithm, ...] = (APPLY_CREDIT, BILL_MESSAGE, MINIMUM_BILL, REMOVE_ERRORS, TRANSFER_TO_MASTER)
"""Those that ship with the product: one line each."""


_BUILT_IN_CODES = frozenset({*(each.code for each in BUILT_IN), *CREATIONS})


class Origin(StrEnum):
    """Where an algorithm comes from."""

    BUILT_IN = "BUILT_IN"
    PACKAGE = "PACKAGE"
    HOOK = "HOOK"


def origin_of(algorithm: Algorithm | CreationAlgorithm) -> Origin:
    """What decides or creates nothing here is asked over the network."""
    if (algorithm.create if isinstance(algorithm, CreationAlgorithm) else algorithm.decide) is None:
        return Origin.HOOK
    return Origin.BUILT_IN if algorithm.code in _BUILT_IN_CODES else Origin.PACKAGE


class Algorithms:
    """The algorithms of one process: the built-in ones, and those that it was given.

    `by_code` are those that are asked about bills, `creations` those that create data; no code is used twice.
    """

    def __init__(self, others: Iterable[Algorithm | CreationAlgorithm] = ()) -> None:
        self.by_code: dict[str, Algorithm] = {}
        self.creations: dict[str, CreationAlgorithm] = {}
        for each in (*BUILT_IN, *CREATIONS.values(), *others):
            if each.code in self.by_code or each.code in self.creations:
                raise ValueError(f"two algorithms are called {each.code}")
            if isinstance(each, CreationAlgorithm):
                self.creations[each.code] = each
            else:
                self.by_code[each.code] = each

    def violations(self, uses: Sequence[AlgorithmUse], path: str, *, of_agreements: bool) -> Iterator[Violation]:
        """Everything that is wrong with the uses that an SA type, or else a customer class, is configured with."""
        for at, use in enumerate(uses):
            where = f"{path}[{at}]"
            if any(other.moment is use.moment and other.algorithm == use.algorithm for other in uses[:at]):
                yield Violation(f"{where}.algorithm", "ALGORITHM_TWICE", "another use at this moment names it too")
            if fault := sequence_fault(use.sequence):
                yield Violation(f"{where}.sequence", *fault)
            yield from self._misuse(use, where, of_agreements=of_agreements)

    def codes(self, uses: Iterable[AlgorithmUse]) -> frozenset[str]:
        """The distribution codes that the uses name."""
        return frozenset(
            use.parameters[parameter.name]
            for use in uses
            if use.algorithm in self.by_code
            for parameter in self.by_code[use.algorithm].parameters
            if parameter.is_code and use.parameters.get(parameter.name)
        )

    def _misuse(self, use: AlgorithmUse, where: str, *, of_agreements: bool) -> Iterator[Violation]:
        algorithm = self.by_code.get(use.algorithm)
        if algorithm is None:
            text = f"there is no algorithm {use.algorithm}; there are {', '.join(sorted(self.by_code))}"
            yield Violation(f"{where}.algorithm", "ALGORITHM_UNKNOWN", text)
            return
        if algorithm.of_agreements is not of_agreements or use.moment not in algorithm.moments:
            owner = "service agreement types" if algorithm.of_agreements else "customer classes"
            moments = " or ".join(sorted(algorithm.moments))
            text = f"{use.algorithm} is an algorithm of {owner}, at {moments}"
            yield Violation(f"{where}.algorithm", "ALGORITHM_MISPLACED", text)
        known = {parameter.name: parameter for parameter in algorithm.parameters}
        for name in sorted(use.parameters.keys() - known.keys()):
            text = f"{use.algorithm} has no parameter {name}"
            yield Violation(_parameter(where, name), "ALGORITHM_PARAMETER_UNKNOWN", text)
        for name, parameter in known.items():
            if parameter.required and not use.parameters.get(name):
                text = f"{use.algorithm} needs {name}: {parameter.description}"
                yield Violation(_parameter(where, name), "ALGORITHM_PARAMETER_MISSING", text)
        for name, fault in algorithm.faults(use.parameters):
            yield Violation(_parameter(where, name), *fault)


def _parameter(where: str, name: str) -> str:
    return f'{where}.parameters["{name}"]'
