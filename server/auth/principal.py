"""Who calls, and who knows it (PLT-12, PLT-13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from domain.kernel.scopes import EVERYTHING, Scope

ALL_PERMISSIONS = "*"
"""In a token file or a token: every permission there is."""

Metadata = Iterable[tuple[str, str | bytes]]
Peer = Mapping[str, Iterable[bytes]]
"""What the handshake has proven of the other side: a gRPC auth context."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller, the permissions that it holds, and what they hold for (PLT-14).

    `expires_us` is when that ends, in microseconds UTC; None: not while the server runs.
    """

    caller: str
    permissions: frozenset[str]
    scope: Scope = EVERYTHING
    expires_us: int | None = None


class Authority(Protocol):
    """Knows who calls."""

    async def open(self) -> None:
        """Get what it needs to know callers."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...

    async def identify(self, metadata: Metadata, peer: Callable[[], Peer]) -> Principal:
        """The caller, by what the call carries and what its connection has proven. Raises: Unauthenticated."""
        ...


class Anybody:
    """Takes every caller for the one who may do everything: for development, on loopback only."""

    def __init__(self, permissions: frozenset[str]) -> None:
        self._principal = Principal("anybody", permissions)

    async def open(self) -> None:
        """It needs nothing."""

    async def close(self) -> None:
        """It holds nothing."""

    async def identify(self, metadata: Metadata, peer: Callable[[], Peer]) -> Principal:  # noqa: ARG002 - whoever it is
        """The one caller there is."""
        return self._principal


def digest_of(token: str) -> str:
    """The SHA-256 of a token, in hexadecimal: what is kept of it."""
    return sha256(token.encode()).hexdigest()
