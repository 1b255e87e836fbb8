"""Fonts of this installation, for letters that those of the product lack; set once, when a process starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_more: tuple[Path, ...] = ()


def use(paths: Sequence[Path]) -> None:
    """Have TrueType fonts asked for letters, in this order, after those of the product."""
    global _more  # noqa: PLW0603 - as fonts are of a process
    _more = tuple(paths)


def more() -> tuple[Path, ...]:
    """The fonts to ask."""
    return _more
