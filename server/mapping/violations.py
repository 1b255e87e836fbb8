"""Everything that is wrong with a request, told at once (PLT-07)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from domain.kernel.errors import Invalid, Violation

A = TypeVar("A")
B = TypeVar("B")


def both(one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]:
    """What both readings give. Raises: Invalid with the violations of the one and of the other."""
    found: list[Violation] = []
    first, second = _read(one, found), _read(other, found)
    if first is None or second is None or found:
        raise Invalid(*found)
    return first, second


def _read(read: Callable[[], A], found: list[Violation]) -> A | None:
    try:
        return read()
    except Invalid as error:
        found += error.violations
        return None
