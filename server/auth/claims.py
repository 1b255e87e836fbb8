"""What a verified token says of its bearer: who it is, what it may do, and for what (PLT-13, PLT-14)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.kernel import scopes
from domain.kernel.scopes import Scope
from server.auth.errors import TokenClaims
from server.auth.principal import ALL_PERMISSIONS, Principal

_PERMISSIONS = "permissions"
_CALLER_LENGTH_MAX = 256
_LATEST_S = 253_402_300_800  # the end of the year 9999

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """The names of claims: who calls, and the object that holds permissions and scope; the permissions there are."""

    caller: str
    grants: str
    known: frozenset[str]


def principal_from_claims(claims: Claims, words: Words, *, expires_us: int) -> Principal:
    """The bearer. Permissions that there are not grant nothing; a claim of another form is refused, never widened.

    Raises: TokenClaims.
    """
    caller = claims.get(words.caller)
    if not isinstance(caller, str) or not 0 < len(caller) <= _CALLER_LENGTH_MAX or not caller.isprintable():
        raise TokenClaims(claim=words.caller)
    grants = claims.get(words.grants, {})
    if not isinstance(grants, dict) or grants.keys() - {_PERMISSIONS, *scopes.KINDS}:
        raise TokenClaims(claim=words.grants)
    named = {kind: _names(grants, kind, words) for kind in scopes.KINDS if kind in grants}
    scope = Scope(**named)
    if scopes.mistakes(scope):
        raise TokenClaims(claim=words.grants)
    given = _names(grants, _PERMISSIONS, words) if _PERMISSIONS in grants else frozenset()
    held = words.known if ALL_PERMISSIONS in given else given & words.known
    return Principal(caller, held, scope, expires_us)


def instant(claims: Claims, name: str) -> float | None:
    """A NumericDate (RFC 7519), in seconds; None when there is none. Raises: TokenClaims."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenClaims(claim=name)
    if abs(value) > _LATEST_S:
        raise TokenClaims(claim=name)
    return float(value)


def _names(grants: Mapping[str, Any], kind: str, words: Words) -> frozenset[str]:
    names = grants[kind]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TokenClaims(claim=words.grants)
    return frozenset(names)
