"""Who says who calls, by the settings (PLT-13)."""

from __future__ import annotations

from collections.abc import Iterable

from server.auth.methods import OPEN
from server.auth.principal import Anybody, Authority
from server.auth.token_file import read_tokens
from server.settings import Settings


def authority(settings: Settings, permissions: Iterable[str]) -> Authority:
    """Who says who calls, by the settings. Raises: BadSettings with every mistake in the token file."""
    known = frozenset(permissions) - {OPEN}
    if settings.token_file is not None:
        return read_tokens(settings.token_file, known)
    assert settings.on_loopback, "the settings are refused otherwise"
    return Anybody(known)
