"""Who calls, and who knows it (PLT-12, PLT-13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from domain.kernel.scopes import EVERYTHING, Scope

Metadata = Iterable[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller, the permissions that it holds, and what they hold for (PLT-14)."""

    caller: str
    permissions: frozenset[str]
    scope: Scope = EVERYTHING


class Authority(Protocol):
    """Knows who calls."""

    def identify(self, metadata: Metadata) -> Principal:
        """The caller. Raises: Unauthenticated."""
        ...


class Anybody:
    """Takes every caller for the one who may do everything: for development, on loopback only."""

    def __init__(self, permissions: frozenset[str]) -> None:
        self._principal = Principal("anybody", permissions)

    def identify(self, metadata: Metadata) -> Principal:  # noqa: ARG002 - whoever it is
        """The one caller there is."""
        return self._principal
