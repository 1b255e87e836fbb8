"""Reads the part of CEL that expressions are written in; whatever else CEL has is refused.

Not read: floating-point and unsigned numbers, null, bytes, raw and triple-quoted texts, maps and messages that are
written out, macros over lists, optional fields. Nothing repeats, so that time is bounded by length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from domain.kernel.characters import character_fault
from domain.kernel.conditions.errors import has_double, malformed, too_complex
from domain.kernel.conditions.nodes import Call, Chain, Choice, Index, Items, Literal, Name, Node, Select, Unary
from domain.kernel.conditions.shapes import RESERVED

NESTING_MAX = 16
"""How deeply parts may stand in each other."""

STEPS_MAX = 4
"""How many fields, keys and methods may follow each other."""

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<double>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    |(?P<integer>0[xX][0-9a-fA-F]+|[0-9]+)
    |(?P<text>"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||[=!<>]=|[<>!?:+\-*/%().,\[\]])""",
    re.VERBOSE | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", **{sign: sign for sign in "\\\"'`?"}}
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
_COMPARISONS = _LEVELS[2]
_CODE_POINTS = 0x110000


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression and where it begins; of the sort `end` behind the last."""

    sort: str
    text: str
    at: int


def parse(path: str, text: str) -> Node:
    """The tree of an expression; `path` is the field that violations name.

    Raises: Invalid with CONDITION_MALFORMED, CONDITION_HAS_DOUBLE or CONDITION_TOO_COMPLEX.
    """
    return _Parser(path, [*_tokens(path, text)]).whole()


def _tokens(path: str, text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise malformed(path, f"cannot be read at position {at}: {text[at : at + 10]!r}")
        sort = str(found.lastgroup)
        if sort == "double":
            raise has_double(path, found[0], at)
        if sort != "space":
            yield Token(sort, found[0], at)
        at = found.end()
    yield Token("end", "", at)


class _Parser:
    """Goes through the words once."""

    def __init__(self, path: str, tokens: list[Token]) -> None:
        self._path = path
        self._tokens = tokens
        self._place = 0
        self._nesting = 0

    def whole(self) -> Node:
        """The expression, and nothing behind it."""
        node = self._expression()
        if self._next.sort != "end":
            raise self._unexpected()
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += 1
        return token

    def _accept(self, *signs: str) -> Token | None:
        """The next word, if it is one of these."""
        return self._take() if self._next.sort in {"sign", "name"} and self._next.text in signs else None

    def _expect(self, sign: str) -> Token:
        token = self._accept(sign)
        if token is None:
            raise self._unexpected(f"; {sign!r} was expected")
        return token

    def _unexpected(self, more: str = "") -> Exception:
        token = self._next
        what = repr(token.text[:40]) if token.text else "the end"
        return malformed(self._path, f"cannot be read at position {token.at}: unexpected {what}{more}")

    def _nested(self, read: Callable[[], Node]) -> Node:
        self._nesting += 1
        if self._nesting > NESTING_MAX:
            raise too_complex(self._path, self._next.at)
        node = read()
        self._nesting -= 1
        return node

    def _expression(self) -> Node:
        return self._nested(self._choice)

    def _choice(self) -> Node:
        at = self._next.at
        condition = self._level(0)
        if not self._accept("?"):
            return condition
        then = self._expression()
        self._expect(":")
        return Choice(at, condition, then, self._expression())

    def _level(self, level: int) -> Node:
        """Parts with operators of this precedence between them."""
        if level == len(_LEVELS):
            return self._unary()
        at = self._next.at
        first = self._level(level + 1)
        rest: list[tuple[str, Node]] = []
        while sign := self._accept(*_LEVELS[level]):
            if rest and sign.text in _COMPARISONS:
                raise malformed(self._path, f"compares twice at position {sign.at}: use brackets")
            rest.append((sign.text, self._level(level + 1)))
        return Chain(at, first, tuple(rest)) if rest else first

    def _unary(self) -> Node:
        sign = self._accept("!", "-")
        if sign is None:
            return self._member()
        if sign.text == "-" and self._next.sort == "integer":
            return self._integer(sign.at, negative=True)
        return Unary(sign.at, sign.text, self._nested(self._unary))

    def _member(self) -> Node:
        node = self._primary()
        for _ in range(STEPS_MAX):
            if sign := self._accept("["):
                node = Index(sign.at, node, self._expression())
                self._expect("]")
            elif self._accept("."):
                node = self._selected(node)
            else:
                return node
        if self._next.text in {"[", "."}:
            raise too_complex(self._path, self._next.at)
        return node

    def _selected(self, node: Node) -> Node:
        if self._next.sort != "name":
            raise self._unexpected("; a name was expected")
        name = self._take()
        if self._accept("("):
            return Call(name.at, name.text, (node, *self._listed(")")), method=True)
        return Select(name.at, node, name.text)

    def _primary(self) -> Node:
        token = self._next
        if token.sort == "integer":
            return self._integer(token.at, negative=False)
        if token.sort == "text":
            return Literal(token.at, self._text(self._take()))
        if token.sort == "name":
            return self._named()
        if self._accept("["):
            return Items(token.at, tuple(self._listed("]")))
        if not self._accept("("):
            raise self._unexpected()
        node = self._expression()
        self._expect(")")
        return node

    def _named(self) -> Node:
        if self._next.text in {"true", "false"}:
            token = self._take()
            return Literal(token.at, token.text == "true")
        if self._next.text in RESERVED:
            raise self._unexpected()
        name = self._take()
        if self._accept("("):
            return Call(name.at, name.text, tuple(self._listed(")")), method=False)
        return Name(name.at, name.text)

    def _listed(self, end: str) -> Iterator[Node]:
        """Parts with commas between them."""
        if self._accept(end):
            return
        yield self._expression()
        while self._accept(","):
            yield self._expression()
        self._expect(end)

    def _integer(self, at: int, *, negative: bool) -> Literal:
        digits = self._take().text
        value = int(digits, 16 if digits[:2] in {"0x", "0X"} else 10) * (-1 if negative else 1)
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise malformed(self._path, f"the number at position {at} is beyond 64 bits")
        return Literal(at, value)

    def _text(self, token: Token) -> str:
        def meant(found: re.Match[str]) -> str:
            codes = (*((code, 16) for code in found.group(1, 2, 3)), (found[4], 8))
            number = next((int(code, base) for code, base in codes if code), None)
            character = _ESCAPED.get(found[5]) if number is None else chr(number) if number < _CODE_POINTS else None
            if character is None:
                raise malformed(self._path, f"the text at position {token.at} has an unknown escape {found[0]}")
            return character

        text = _ESCAPE.sub(meant, token.text[1:-1])
        if fault := character_fault(text):
            raise malformed(self._path, f"the text at position {token.at} {fault}")
        return text
