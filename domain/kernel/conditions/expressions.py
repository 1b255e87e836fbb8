"""Expressions in CEL: compiled when they are configured, evaluated as often as needed; see decision 0017.

What is not understood is refused when it is configured, with the field that it stands in. What was checked is what
runs: the library is given the checked tree in writing, not the text that was configured.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from domain.kernel.characters import character_fault
from domain.kernel.conditions.errors import ConditionFailed, malformed, not_boolean, not_text, too_long
from domain.kernel.conditions.nodes import Checked, Need, Reading
from domain.kernel.conditions.shapes import ELEMENTS, Kind, Shape, Values
from domain.kernel.conditions.syntax import INTEGER_MAX, INTEGER_MIN, parse

if TYPE_CHECKING:
    import cel

LENGTH_MAX = 4_000
"""How many characters an expression may have."""

FAILURES = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""What the library raises where values do not fit."""

Result = TypeVar("Result", bool, str)

_CAUSES = (
    (ZeroDivisionError, "it divides by zero"),
    (OverflowError, "a number is beyond 64 bits"),
    (TypeError, "a value is not of the kind that was declared"),
    (RuntimeError, "a text is no number"),  # of functions, int() alone can fail
)
_TYPES = {Kind.BOOLEAN: bool, Kind.INTEGER: int, Kind.TEXT: str}


@dataclass(frozen=True, slots=True)
class Expression(Generic[Result]):
    """An expression that was checked: where it was configured (`path`), its `text`, and which fields it reads.

    `reads` names them as `root.field`. Safe to share between threads.
    """

    path: str
    text: str
    reads: frozenset[str]
    needs: tuple[Need, ...] = field(repr=False)
    """What of the values is handed over."""
    _gives: type[Result] = field(repr=False)
    _program: cel.Program = field(repr=False, compare=False)

    def evaluate(self, values: Values) -> Result:
        """What it gives for these values, of which only those that it reads are looked at.

        A key or field that is missing is a failure, unless `has()` or `in` asked before; `&&` and `||` need not know
        what the other side decides. Raises: ConditionFailed, which names the expression.
        """
        try:
            chosen = activation(self.needs, values)
        except (OverflowError, TypeError) as error:
            raise self._failed(error) from None
        return self.within(chosen)

    def within(self, context: cel.Context | dict[str, Any]) -> Result:
        """What it gives in a context that holds at least its needs. Raises: ConditionFailed."""
        try:
            given: object = self._program.execute(context)
        except FAILURES as error:
            raise self._failed(error) from None
        assert isinstance(given, self._gives), "what was checked gives something else"
        return given

    def reads_only(self, roots: Collection[str]) -> bool:
        """Whether it reads nothing but these roots, so that it need not be evaluated anew while they stay the same."""
        return all(need.root in roots for need in self.needs)

    def _failed(self, error: Exception) -> ConditionFailed:
        """The error to raise; it tells no value."""
        return ConditionFailed(self.path, self.text, self._cause(error))

    def _cause(self, error: Exception) -> str:
        if isinstance(error, KeyError):
            key = str(error.args[0]) if error.args else ""
            written = any(key == need.field or key in (need.keys or ()) for need in self.needs)
            return f"there is no {key}" if written else "a key is missing"
        causes = (cause for kind, cause in _CAUSES if isinstance(error, kind))
        return next(causes, "a value is not what expressions can take")


def compile_condition(text: str, shape: Shape, *, path: str) -> Expression[bool]:
    """A condition; `path` is the field that it was configured in.

    Raises: Invalid with one violation: CONDITION_TOO_LONG, _MALFORMED, _HAS_DOUBLE, _TOO_COMPLEX, _FIELD_UNKNOWN,
    _FUNCTION_UNKNOWN, _KINDS_DIFFER or _NOT_BOOLEAN. Cost: 0.2 ms for four clauses, 10 ms for the longest there can be;
    then 15 µs an evaluation.
    """
    reading, checked = _checked(text, shape, path)
    if checked.kind is not Kind.BOOLEAN:
        raise not_boolean(path, checked.kind.value)
    return _compiled(text, reading, checked, bool)


def compile_text(text: str, shape: Shape, *, path: str) -> Expression[str]:
    """An expression that gives a text. Raises: as `compile_condition`, with EXPRESSION_NOT_TEXT for other results."""
    reading, checked = _checked(text, shape, path)
    if checked.kind is not Kind.TEXT:
        raise not_text(path, checked.kind.value)
    return _compiled(text, reading, checked, str)


def activation(needs: Sequence[Need], values: Values) -> dict[str, Any]:
    """Of the values, those that are read: handing over all there are would take most of the time.

    Raises: TypeError for a value of another kind than was declared, OverflowError for an integer beyond 64 bits.
    """
    chosen: dict[str, dict[str, Any]] = {need.root: {} for need in needs}
    for need in needs:
        fields = values.get(need.root)
        if fields is not None and need.field in fields:
            chosen[need.root][need.field] = _handed(need, fields[need.field])
    return chosen


def context(needs: Sequence[Need], values: Values) -> cel.Context:
    """What is read of the values, handed over for several expressions. Raises: any of FAILURES."""
    from cel import Context  # noqa: PLC0415 - see _compiled

    return Context(activation(needs, values))


def _handed(need: Need, value: object) -> object:
    if need.kind not in ELEMENTS:
        return _exact(need.kind, value)
    if not isinstance(value, Mapping):
        raise TypeError
    keys = value if need.keys is None else need.keys
    return {key: _exact(ELEMENTS[need.kind], value[key]) for key in keys if key in value}


def _exact(kind: Kind, value: object) -> object:
    """The value, which the library takes for what it is; fractions and larger integers would become floats there."""
    if not isinstance(value, _TYPES[kind]) or (kind is Kind.INTEGER and isinstance(value, bool)):
        raise TypeError
    if isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX:
        raise OverflowError
    return value


def _checked(text: str, shape: Shape, path: str) -> tuple[Reading, Checked]:
    if len(text) > LENGTH_MAX:
        raise too_long(path, LENGTH_MAX)
    if fault := character_fault(text):
        raise malformed(path, fault)
    reading = Reading(shape, path)
    return reading, parse(path, text).check(reading)


def _compiled(text: str, reading: Reading, checked: Checked, gives: type[Result]) -> Expression[Result]:
    # 250 ms and 13 MB, nearly all for the library's command line, which a server without conditions saves.
    from cel import compile as program  # noqa: PLC0415

    needs = reading.needs()
    reads = frozenset(f"{need.root}.{need.field}" for need in needs)
    return Expression(reading.path, text, reads, needs, gives, program(checked.source))
