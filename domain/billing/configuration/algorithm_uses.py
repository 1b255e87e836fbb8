"""What the uses of algorithms must be with which customer classes and SA types are configured (BIL-12, BIL-23)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection

from domain.billing.algorithms.registry import Algorithms
from domain.billing.configuration.model import AlgorithmUse
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Violation

KnownDistributionCodes: TypeAlias = Callable[[Connection, Collection[str]], frozenset[str]]
"""Those of some distribution codes that there are; the general ledger's room knows them."""


@dataclass(frozen=True, slots=True)
class Usable:
    """What uses may name: the algorithms of this process, and distribution codes."""

    algorithms: Algorithms
    known_codes: KnownDistributionCodes

    def faults(
        self, tx: Connection, uses: Sequence[AlgorithmUse], path: str, *, of_agreements: bool
    ) -> Iterator[Violation]:
        """Everything that is wrong with the uses of an SA type, or else of a customer class."""
        yield from self.algorithms.violations(uses, path, of_agreements=of_agreements)
        named = self.algorithms.codes(uses)
        unknown = named - self.known_codes(tx, named) if named else frozenset()
        for at, use in enumerate(uses):
            for name, text in sorted(use.parameters.items()):
                field = f'{path}[{at}].parameters["{name}"]'
                if fault := character_fault(text):
                    yield Violation(field, REASON, fault)
                elif text in unknown & self.algorithms.codes([use]):
                    yield Violation(field, "DISTRIBUTION_CODE_UNKNOWN", f"there is no distribution code {text!r}")
