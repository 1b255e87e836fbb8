"""Algorithms over the network are asked before a chunk's transaction: what is known of their answers (BIL-23)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.billing.algorithms.errors import AlgorithmFailed, AlgorithmUnavailable
from domain.billing.algorithms.model import Action
from domain.billing.algorithms.running import AnswerMissing
from domain.billing.runs.errors import BillChangedSinceAsked
from domain.kernel.errors import DomainError


class Hooks(Protocol):
    """Asks algorithms over the network."""

    def ask(self, missing: AnswerMissing) -> Sequence[Action]:
        """The answer. Raises: AlgorithmFailed; AlgorithmUnavailable."""
        ...


@dataclass(slots=True)
class Asked:
    """The answers there are by the key of what was asked, and why there are no others."""

    answers: dict[str, Sequence[Action]] = field(default_factory=dict)
    refusals: dict[str, DomainError] = field(default_factory=dict)
    missing: dict[str, AnswerMissing] = field(default_factory=dict)

    def why_not(self, missing: AnswerMissing) -> DomainError:
        """Why there is no answer; it is noted that there is none."""
        if missing.key in self.refusals:
            return self.refusals[missing.key]
        self.missing[missing.key] = missing
        return BillChangedSinceAsked()

    def ask(self, hooks: Hooks) -> bool:
        """Ask for what was found missing; False when nothing was."""
        found, self.missing = self.missing, {}
        for key, missing in found.items():
            try:
                self.answers[key] = hooks.ask(missing)
            except (AlgorithmFailed, AlgorithmUnavailable) as refused:
                self.refusals[key] = refused
        return bool(found)
