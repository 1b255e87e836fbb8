"""What expressions may see: roots such as `claim`, their fields, and of which kind each field is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = bool | int | str | Mapping[str, str] | Mapping[str, int]
"""What a field can hold. Amounts are integers, in minor units (PLT-01)."""

Values: TypeAlias = Mapping[str, Mapping[str, Value]]
"""Values by root and field. What is not there is missing: `has()` tells, and to read it is a failure."""

RESERVED = frozenset({
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "null",
    "package", "namespace", "return", "true", "var", "void", "while",
})  # fmt: skip
"""Words that CEL keeps for itself."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Kind(StrEnum):
    """Of which kind a field, or a part of an expression, is; the value is how sentences call it."""

    BOOLEAN = "a boolean"
    INTEGER = "an integer"
    TEXT = "a text"
    TEXT_MAP = "a map of texts"
    INTEGER_MAP = "a map of integers"


ELEMENTS = {Kind.TEXT_MAP: Kind.TEXT, Kind.INTEGER_MAP: Kind.INTEGER}
"""Of which kind the values of a map are; its keys are texts."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The kinds of all fields that expressions of one room may read, by root and field."""

    roots: Mapping[str, Mapping[str, Kind]]

    def __post_init__(self) -> None:
        names = [*self.roots, *(name for fields in self.roots.values() for name in fields)]
        assert all(_NAME.fullmatch(name) and name not in RESERVED for name in names), "CEL cannot name a field"
