"""Whatever is configured and whatever the values: expressions mean what Python says, or are refused in good order."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import cel
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from domain.kernel.conditions.decisions import DecisionTable
from domain.kernel.conditions.errors import ConditionFailed
from domain.kernel.conditions.expressions import FAILURES, compile_condition, compile_text
from domain.kernel.conditions.nodes import quoted
from domain.kernel.conditions.shapes import Kind, Shape
from domain.kernel.errors import Invalid

SHAPE = Shape(
    {
        "a": {
            "flag": Kind.BOOLEAN,
            "count": Kind.INTEGER,
            "word": Kind.TEXT,
            "texts": Kind.TEXT_MAP,
            "sums": Kind.INTEGER_MAP,
        }
    }
)
KEYS = ("x", "y z", "é'\"\\😀")
INTEGERS = st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**53 + 1, -(2**63)]))
TEXTS = st.one_of(
    st.sampled_from(["", "a", "ab", "7", *KEYS]), st.text(st.characters(exclude_categories=["C"]), max_size=8)
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "flag": st.booleans(),
        "count": INTEGERS,
        "word": TEXTS,
        "texts": st.dictionaries(st.sampled_from(KEYS), TEXTS),
        "sums": st.dictionaries(st.sampled_from(KEYS), INTEGERS),
    },
)
Fields = dict[str, Any]
Made = TypeVar("Made")


class Failed(Exception):
    """What the meaning of an expression comes to when it has none."""


@dataclass(frozen=True)
class Meant:
    """An expression in writing, and what it means."""

    text: str
    of: Callable[[Fields], Any]


def exact(number: int) -> int:
    if not -(2**63) <= number < 2**63:
        raise Failed
    return number


def found(fields: Fields, name: str, key: str | None = None) -> Any:
    try:
        return fields[name] if key is None else fields[name][key]
    except KeyError:
        raise Failed from None


def truncated(one: int, other: int) -> int:
    if other == 0:
        raise Failed
    return abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)


def remainder(one: int, other: int) -> int:
    return one - exact(truncated(one, other)) * other


NUMBERS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": truncated, "%": remainder}
TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
}
COMPARED = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def decided(parts: tuple[Meant, Meant], fields: Fields, *, by: bool) -> bool:
    """`&&` is decided by one false side, `||` by one true, whatever is wrong with the other."""
    results: list[bool | None] = []
    for part in parts:
        try:
            results.append(part.of(fields))
        except Failed:
            results.append(None)
    if by in results:
        return by
    if None in results:
        raise Failed
    return not by


def reading(name: str) -> Meant:
    return Meant(f"a.{name}", lambda fields: found(fields, name))


def looking_up(name: str) -> st.SearchStrategy[Meant]:
    keys = st.sampled_from(KEYS)
    return keys.map(lambda key: Meant(f"a.{name}[{quoted(key)}]", lambda fields: found(fields, name, key)))


def calculated(parts: tuple[Meant, str, Meant]) -> Meant:
    one, sign, other = parts
    return Meant(
        f"({one.text} {sign} {other.text})", lambda fields: exact(NUMBERS[sign](one.of(fields), other.of(fields)))
    )


def compared(parts: tuple[Meant, str, Meant]) -> Meant:
    one, sign, other = parts
    return Meant(f"({one.text} {sign} {other.text})", lambda fields: COMPARED[sign](one.of(fields), other.of(fields)))


def joined(parts: tuple[Meant, Meant]) -> Meant:
    one, other = parts
    return Meant(f"({one.text} + {other.text})", lambda fields: one.of(fields) + other.of(fields))


def chosen(parts: tuple[Meant, Meant, Meant]) -> Meant:
    which, one, other = parts
    text = f"({which.text} ? {one.text} : {other.text})"
    return Meant(text, lambda fields: one.of(fields) if which.of(fields) else other.of(fields))


def both(parts: tuple[Meant, Meant]) -> Meant:
    return Meant(f"({parts[0].text} && {parts[1].text})", lambda fields: decided(parts, fields, by=False))


def either(parts: tuple[Meant, Meant]) -> Meant:
    return Meant(f"({parts[0].text} || {parts[1].text})", lambda fields: decided(parts, fields, by=True))


def among(parts: tuple[Meant, list[Meant]]) -> Meant:
    one, items = parts
    text = f"({one.text} in [{', '.join(item.text for item in items)}])"
    return Meant(text, lambda fields: one.of(fields) in [item.of(fields) for item in items])


def asking(parts: tuple[Meant, str, Meant]) -> Meant:
    one, method, other = parts
    return Meant(f"{one.text}.{method}({other.text})", lambda fields: TESTS[method](one.of(fields), other.of(fields)))


def negative(part: Meant) -> Meant:
    return Meant(f"(-{part.text})", lambda fields: exact(-part.of(fields)))


def opposite(part: Meant) -> Meant:
    return Meant(f"!{part.text}", lambda fields: not part.of(fields))


def written(part: Meant) -> Meant:
    return Meant(f"string({part.text})", lambda fields: str(part.of(fields)))


def present(name: str) -> Meant:
    return Meant(f"has(a.{name})", lambda fields: name in fields)


def holding(key: str) -> Meant:
    return Meant(f"({quoted(key)} in a.texts)", lambda fields: key in found(fields, "texts"))


def literal(number: int) -> Meant:
    return Meant(f"({number})", lambda _: number)


def word(text: str) -> Meant:
    return Meant(quoted(text), lambda _: text)


def flag(value: bool) -> Meant:  # noqa: FBT001 - a value as it is
    return Meant("true" if value else "false", lambda _: value)


numbers: st.SearchStrategy[Meant] = st.deferred(
    lambda: st.one_of(
        INTEGERS.map(literal),
        st.just(reading("count")),
        looking_up("sums"),
        st.tuples(numbers, st.sampled_from(sorted(NUMBERS)), numbers).map(calculated),
        numbers.map(negative),
        st.tuples(flags, numbers, numbers).map(chosen),
    )
)
words: st.SearchStrategy[Meant] = st.deferred(
    lambda: st.one_of(
        TEXTS.map(word),
        st.just(reading("word")),
        looking_up("texts"),
        st.tuples(words, words).map(joined),
        numbers.map(written),
        st.tuples(flags, words, words).map(chosen),
    )
)
flags: st.SearchStrategy[Meant] = st.deferred(
    lambda: st.one_of(
        st.booleans().map(flag),
        st.just(reading("flag")),
        st.sampled_from(["flag", "count", "word", "texts"]).map(present),
        st.sampled_from(KEYS).map(holding),
        st.tuples(numbers, st.sampled_from(sorted(COMPARED)), numbers).map(compared),
        st.tuples(words, st.sampled_from(sorted(COMPARED)), words).map(compared),
        st.tuples(words, st.sampled_from(sorted(TESTS)), words).map(asking),
        st.tuples(numbers, st.lists(numbers, max_size=3)).map(among),
        st.tuples(words, st.lists(words, max_size=3)).map(among),
        st.tuples(flags, flags).map(both),
        st.tuples(flags, flags).map(either),
        flags.map(opposite),
        st.tuples(flags, flags, flags).map(chosen),
    )
)
_WORDS = """
a a. a.flag a.count a.word a.texts .x ['x'] . ( ) [ ] { } , ? : && || == != < <= > >= in + - * / % ! has( int( string(
.contains( .matches( 'x' "y" 1 9223372036854775807 1.5 0x1F 1u true false null // \\ ` r'' b''
"""
SOUP = st.lists(
    st.one_of(
        st.sampled_from(_WORDS.split()),
        st.text(max_size=3),
    ),
    max_size=14,
).map(" ".join)


def in_a_row(parts: st.SearchStrategy[str], *signs: str, most: int = 3) -> st.SearchStrategy[str]:
    """Parts with any of the signs between them, and no brackets."""
    pairs = st.lists(st.tuples(st.sampled_from(signs), parts), max_size=most)
    return st.tuples(parts, pairs).map(lambda row: " ".join([row[0], *(f"{sign} {part}" for sign, part in row[1])]))


SUMS = in_a_row(st.sampled_from(["2", "7", "-3", "a.count", "- a.count", "a.sums['x']"]), *NUMBERS)
CLAUSES = st.one_of(
    st.sampled_from(["a.flag", "!a.flag", "!!a.flag", "a.count in [1, 2, 3]", "'x' in a.sums", "has(a.word)"]),
    st.tuples(SUMS, st.sampled_from(sorted(COMPARED)), SUMS).map(" ".join),
)
DECISIONS = in_a_row(CLAUSES, "&&", "||")
UNBRACKETED = st.one_of(DECISIONS, in_a_row(DECISIONS, "? a.flag :", "? 1 < a.count :"))


def within_bounds(compiled: Callable[[], Made]) -> Made:
    """What is compiled; an example that is too deep or too long is given up."""
    try:
        return compiled()
    except Invalid as refused:
        if refused.code in {"CONDITION_TOO_COMPLEX", "CONDITION_TOO_LONG"}:
            reject()
        raise


def outcome(evaluate: Callable[[], Any]) -> Any:
    try:
        return evaluate()
    except (Failed, ConditionFailed):
        return Failed


def unchecked(text: str, fields: Fields) -> Any:
    """What the library makes of the text itself."""
    try:
        return cel.evaluate(text, {"a": fields})
    except FAILURES:
        raise Failed from None


@pytest.mark.rule("PLT-01", "ACC-02")
@settings(max_examples=400, deadline=None)
@given(flags, VALUES)
def test_a_condition_means_what_python_says(meant: Meant, fields: Fields) -> None:
    """Integers are exact in 64 bits or fail; a missing field fails, unless the other side of && or || decides."""
    condition = within_bounds(lambda: compile_condition(meant.text, SHAPE, path="condition"))
    expected = outcome(lambda: meant.of(fields))
    assert outcome(lambda: condition.evaluate({"a": fields})) is expected
    table = DecisionTable(((condition, True), (compile_condition("true", SHAPE, path=""), False)))
    assert outcome(lambda: table.first_match({"a": fields})) is expected


@pytest.mark.rule("ACC-02")
@settings(max_examples=200, deadline=None)
@given(words, VALUES)
def test_a_text_expression_means_what_python_says(meant: Meant, fields: Fields) -> None:
    """Of whatever characters."""
    expression = within_bounds(lambda: compile_text(meant.text, SHAPE, path="expression"))
    assert outcome(lambda: expression.evaluate({"a": fields})) == outcome(lambda: meant.of(fields))


@pytest.mark.rule("ACC-02", "PLT-07")
@settings(max_examples=600, deadline=None)
@given(SOUP, VALUES)
def test_whatever_is_written_is_refused_or_gives_true_or_false(text: str, fields: Fields) -> None:
    """Nothing else is ever raised: neither when it is configured nor when it runs."""
    try:
        condition = compile_condition(text, SHAPE, path="condition")
    except Invalid:
        return
    assert outcome(lambda: condition.evaluate({"a": fields})) in {True, False, Failed}


@pytest.mark.rule("ACC-02")
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"])))
def test_any_text_can_be_written_out(text: str) -> None:
    """And is read as it was, whatever it holds."""
    assert compile_text(quoted(text), SHAPE, path="").evaluate({}) == text
    assert compile_text(f"a.texts[{quoted(text)}]", SHAPE, path="").evaluate({"a": {"texts": {text: "v"}}}) == "v"


@pytest.mark.rule("ACC-02")
@settings(max_examples=400, deadline=None)
@given(UNBRACKETED, VALUES)
def test_what_is_checked_is_what_the_library_reads(text: str, fields: Fields) -> None:
    """Precedence is the library's: what it makes of the text itself is what the checked expression gives.

    But for the least integer, whose negative the library takes to be itself and an expression refuses.
    """
    assume(fields.get("count") != -(2**63))
    condition = compile_condition(text, SHAPE, path="condition")
    assert outcome(lambda: condition.evaluate({"a": fields})) is outcome(lambda: unchecked(text, fields))
