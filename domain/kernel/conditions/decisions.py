"""Decision tables: ordered rows of a condition and an outcome, of which the first that holds wins."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from domain.kernel.conditions.errors import ConditionFailed
from domain.kernel.conditions.expressions import FAILURES, Expression, context
from domain.kernel.conditions.nodes import Need
from domain.kernel.conditions.shapes import Values

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class DecisionTable(Generic[Outcome]):
    """Rows in the order in which they are tried."""

    rows: tuple[tuple[Expression[bool], Outcome], ...]
    _open: tuple[tuple[Expression[bool], Outcome], ...] = field(init=False, repr=False, compare=False)
    _otherwise: Outcome | None = field(init=False, repr=False, compare=False)
    _needs: tuple[Need, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        left, otherwise = _settled(self.rows)
        object.__setattr__(self, "_open", left)
        object.__setattr__(self, "_otherwise", otherwise)
        object.__setattr__(self, "_needs", _together(need for condition, _ in left for need in condition.needs))

    def first_match(self, values: Values) -> Outcome | None:
        """The outcome of the first row whose condition holds; None when there is none.

        Values are handed over once for all rows. Rows behind the one that wins are not evaluated. Raises:
        ConditionFailed of the first row that cannot be evaluated, as nobody knows whether it would have won.
        """
        if not self._open:
            return self._otherwise
        try:
            handed = context(self._needs, values)
        except FAILURES:
            return self._one_by_one(values)
        return next((outcome for condition, outcome in self._open if condition.within(handed)), self._otherwise)

    def reads_only(self, roots: Collection[str]) -> bool:
        """Whether it reads nothing but these roots, so that it need not be asked anew while they stay the same."""
        return all(condition.reads_only(roots) for condition, _ in self.rows)

    def _one_by_one(self, values: Values) -> Outcome | None:
        """For values that cannot be handed over: so that the row that reads them is named, if it is come to at all."""
        return next((outcome for condition, outcome in self._open if condition.evaluate(values)), self._otherwise)


def _settled(
    rows: Iterable[tuple[Expression[bool], Outcome]],
) -> tuple[tuple[tuple[Expression[bool], Outcome], ...], Outcome | None]:
    """Rows that are still to be tried once all is evaluated that reads nothing, and what holds behind them."""
    left: list[tuple[Expression[bool], Outcome]] = []
    for condition, outcome in rows:
        holds = None if condition.needs else _constant(condition)
        if holds:
            return tuple(left), outcome
        if holds is None:
            left.append((condition, outcome))
    return tuple(left), None


def _constant(condition: Expression[bool]) -> bool | None:
    """What a condition gives that reads nothing; None for one that fails, as it does when its turn comes."""
    try:
        return condition.evaluate({})
    except ConditionFailed:
        return None


def _together(needs: Iterable[Need]) -> tuple[Need, ...]:
    """One need for each field, of all keys that any row reads."""
    found: dict[tuple[str, str], Need] = {}
    for need in needs:
        known = found.setdefault((need.root, need.field), need)
        keys = None if need.keys is None or known.keys is None else known.keys | need.keys
        found[need.root, need.field] = replace(need, keys=keys)
    return tuple(found.values())
