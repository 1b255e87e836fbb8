"""What expressions are made of, and of which kind each part is.

`check` refuses what does not fit, notes what is read, and writes the part in the one form that the library is given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from domain.kernel.conditions.errors import field_unknown, function_unknown, has_double, kinds_differ, malformed
from domain.kernel.conditions.shapes import ELEMENTS, Kind, Shape

FUNCTIONS = {"int": (Kind.TEXT, Kind.INTEGER), "string": (Kind.INTEGER, Kind.TEXT)}
"""By name, the kind that a function takes and the one that it gives."""

METHODS = ("contains", "endsWith", "startsWith")
"""Asked of one text about another."""

_KNOWN = ", ".join(sorted([*FUNCTIONS, "has", *METHODS]))
_ORDERED = (Kind.INTEGER, Kind.TEXT)


@dataclass(frozen=True, slots=True)
class Need:
    """A field that is read, and of a map which keys; None: any."""

    root: str
    field: str
    kind: Kind
    keys: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Checked:
    """The kind of a part, and its text in CEL."""

    kind: Kind
    source: str


@dataclass(slots=True)
class Reading:
    """What an expression may see, and what it has been found to read."""

    shape: Shape
    path: str
    found: dict[tuple[str, str], set[str] | None] = field(default_factory=dict)

    def needs(self) -> tuple[Need, ...]:
        """All that is read, in a fixed order."""
        return tuple(
            Need(root, name, self.shape.roots[root][name], None if keys is None else frozenset(keys))
            for (root, name), keys in sorted(self.found.items())
        )

    def field(self, root: Name, name: str, keys: Sequence[str] | None, at: int) -> Checked:
        """Note that a field is read, of a map these keys (None: any)."""
        fields = self.shape.roots.get(root.name)
        if fields is None:
            raise field_unknown(
                self.path, f"{root.name} (at position {root.at}) is none of {_listed(self.shape.roots)}"
            )
        if name not in fields:
            raise field_unknown(self.path, f"{root.name} has no field {name} (at position {at}), but {_listed(fields)}")
        known = self.found.setdefault((root.name, name), set())
        if keys is None or known is None:
            self.found[root.name, name] = None
        else:
            known.update(keys)
        return Checked(fields[name], f"{root.name}.{name}")

    def map(self, node: Node, key: Node) -> Checked:
        """Note that a key of a map is read; gives the map."""
        if not isinstance(node, Select) or not isinstance(node.of, Name):
            raise kinds_differ(self.path, f"only fields that are maps have keys (at position {node.at})")
        keys = [str(key.value)] if isinstance(key, Literal) else None
        checked = self.field(node.of, node.name, keys, node.at)
        if checked.kind not in ELEMENTS:
            raise kinds_differ(self.path, f"{checked.source} is {checked.kind.value} and has no keys")
        return checked

    def want(self, node: Node, *kinds: Kind) -> Checked:
        """Check a part that must be of one of these kinds."""
        checked = node.check(self)
        if checked.kind not in kinds:
            wanted = " or ".join(kind.value for kind in kinds)
            raise kinds_differ(self.path, f"wants {wanted} at position {node.at}, where {checked.kind.value} stands")
        return checked


@dataclass(frozen=True, slots=True)
class Node(ABC):
    """A part of an expression, which begins at this position of its text."""

    at: int

    @abstractmethod
    def check(self, reading: Reading) -> Checked:
        """Its kind and its text. Raises: Invalid, with the violation."""


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value that is written out."""

    value: bool | int | str

    def check(self, reading: Reading) -> Checked:  # noqa: ARG002 - it reads nothing
        """See Node."""
        if isinstance(self.value, bool):
            return Checked(Kind.BOOLEAN, "true" if self.value else "false")
        if isinstance(self.value, int):
            return Checked(Kind.INTEGER, f"({self.value})" if self.value < 0 else str(self.value))
        return Checked(Kind.TEXT, quoted(self.value))


@dataclass(frozen=True, slots=True)
class Name(Node):
    """The name of a root, which is no value by itself."""

    name: str

    def check(self, reading: Reading) -> Checked:
        """See Node."""
        if self.name not in reading.shape.roots:
            known = _listed(reading.shape.roots)
            raise field_unknown(reading.path, f"{self.name} (at position {self.at}) is none of {known}")
        fields = _listed(reading.shape.roots[self.name])
        raise field_unknown(reading.path, f"{self.name} (at position {self.at}) is read by its fields: {fields}")


@dataclass(frozen=True, slots=True)
class Select(Node):
    """`root.field`, or `map.key`."""

    of: Node
    name: str

    def check(self, reading: Reading) -> Checked:
        """See Node."""
        if isinstance(self.of, Name):
            return reading.field(self.of, self.name, None, self.at)
        return Index(self.at, self.of, Literal(self.at, self.name)).check(reading)

    def presence(self, reading: Reading) -> Checked:
        """Whether it is there: what `has` tells."""
        key = quoted(self.name)
        if isinstance(self.of, Name):
            reading.field(self.of, self.name, (), self.at)
            return Checked(Kind.BOOLEAN, f"({key} in {self.of.name})")
        return Checked(Kind.BOOLEAN, f"({key} in {reading.map(self.of, Literal(self.at, self.name)).source})")


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`map[key]`."""

    of: Node
    key: Node

    def check(self, reading: Reading) -> Checked:
        """See Node."""
        key = reading.want(self.key, Kind.TEXT)
        of = reading.map(self.of, self.key)
        return Checked(ELEMENTS[of.kind], f"{of.source}[{key.source}]")


@dataclass(frozen=True, slots=True)
class Items(Node):
    """A list that is written out; it stands behind `in` alone."""

    items: tuple[Node, ...]

    def check(self, reading: Reading) -> Checked:
        """See Node."""
        raise malformed(reading.path, f"a list stands behind 'in' alone (at position {self.at})")


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function, or a text's method: then the text is the first argument."""

    name: str
    arguments: tuple[Node, ...]
    method: bool

    def check(self, reading: Reading) -> Checked:
        """See Node."""
        if self.name == "double":
            raise has_double(reading.path, "double()", self.at)
        if self.name == "has" and not self.method:
            return self._has(reading)
        if self.method and self.name in METHODS:
            of, other = self._given(reading, Kind.TEXT, Kind.TEXT)
            return Checked(Kind.BOOLEAN, f"{of.source}.{self.name}({other.source})")
        if not self.method and self.name in FUNCTIONS:
            takes, gives = FUNCTIONS[self.name]
            (given,) = self._given(reading, takes)
            return Checked(gives, f"{self.name}({given.source})")
        sentence = f"{self.name} (at position {self.at}) cannot be called so; there are {_KNOWN}"
        raise function_unknown(reading.path, sentence)

    def _has(self, reading: Reading) -> Checked:
        if len(self.arguments) != 1 or not isinstance(self.arguments[0], Select):
            raise malformed(reading.path, f"has (at position {self.at}) takes one field or key, such as has(a.b)")
        return self.arguments[0].presence(reading)

    def _given(self, reading: Reading, *kinds: Kind) -> list[Checked]:
        if len(self.arguments) != len(kinds):
            raise malformed(reading.path, f"{self.name} (at position {self.at}) takes one argument")
        return [reading.want(node, kind) for node, kind in zip(self.arguments, kinds, strict=True)]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`!` of a boolean, or `-` of an integer."""

    sign: str
    of: Node

    def check(self, reading: Reading) -> Checked:
        """See Node."""
        if self.sign == "!":
            return Checked(Kind.BOOLEAN, f"!{reading.want(self.of, Kind.BOOLEAN).source}")
        # The library's own minus turns the least number into itself; its subtraction refuses.
        return Checked(Kind.INTEGER, f"(0 - {reading.want(self.of, Kind.INTEGER).source})")


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """`condition ? then : otherwise`."""

    condition: Node
    then: Node
    otherwise: Node

    def check(self, reading: Reading) -> Checked:
        """See Node."""
        condition = reading.want(self.condition, Kind.BOOLEAN)
        then = reading.want(self.then, Kind.BOOLEAN, *_ORDERED)
        otherwise = reading.want(self.otherwise, then.kind)
        return Checked(then.kind, f"({condition.source} ? {then.source} : {otherwise.source})")


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Parts with operators of one precedence between them, from left to right; of comparisons there is only one."""

    first: Node
    rest: tuple[tuple[str, Node], ...]

    def check(self, reading: Reading) -> Checked:
        """See Node."""
        operator = self.rest[0][0]
        if operator in {"&&", "||"}:
            return self._joined(reading, Kind.BOOLEAN, reading.want(self.first, Kind.BOOLEAN))
        if operator in {"+", "-", "*", "/", "%"}:
            signs = {sign for sign, _ in self.rest}
            first = reading.want(self.first, *(_ORDERED if signs == {"+"} else (Kind.INTEGER,)))
            return self._joined(reading, first.kind, first)
        if operator == "in":
            return self._within(reading, self.rest[0][1])
        equality = operator in {"==", "!="}
        first = reading.want(self.first, *((Kind.BOOLEAN, *_ORDERED) if equality else _ORDERED))
        return Checked(Kind.BOOLEAN, self._joined(reading, first.kind, first).source)

    def _joined(self, reading: Reading, kind: Kind, first: Checked) -> Checked:
        parts = (f"{sign} {reading.want(node, kind).source}" for sign, node in self.rest)
        return Checked(kind, f"({' '.join((first.source, *parts))})")

    def _within(self, reading: Reading, where: Node) -> Checked:
        if not isinstance(where, Items):
            key = reading.want(self.first, Kind.TEXT)
            return Checked(Kind.BOOLEAN, f"({key.source} in {reading.map(where, self.first).source})")
        first = reading.want(self.first, Kind.BOOLEAN, *_ORDERED)
        items = (reading.want(item, first.kind).source for item in where.items)
        return Checked(Kind.BOOLEAN, f"({first.source} in [{', '.join(items)}])")


def quoted(text: str) -> str:
    """A text as CEL reads it, in ASCII alone."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    plain = " " <= character <= "~" and character not in '"\\'
    return character if plain else f"\\U{ord(character):08x}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
