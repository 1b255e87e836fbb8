"""Callers by signed tokens: JSON Web Tokens (RFC 7519, with the advice of RFC 8725), verified here (PLT-13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from jwt import exceptions as refused

from server.auth import claims
from server.auth.claims import Words
from server.auth.errors import (
    TokenAlgorithm,
    TokenAudience,
    TokenClaims,
    TokenExpired,
    TokenIssuer,
    TokenKeyUnknown,
    TokenMalformed,
    TokenNotYetValid,
    TokenSignature,
    TokenTooLarge,
)
from server.auth.key_ring import KeyRing
from server.auth.keys import Key
from server.auth.principal import Principal
from server.gate.errors import Unauthenticated

TOKEN_BYTES_MAX = 8 << 10

_SECOND_US = 1_000_000
_OPTIONS: Any = {
    "require": ["exp", "aud", "iss"],
    "verify_exp": False,  # times are judged here, by the server's own clock (PLT-04)
    "verify_nbf": False,
    "verify_iat": False,
}
_REASONS: tuple[tuple[type[Exception], type[Unauthenticated]], ...] = (
    (refused.InvalidSignatureError, TokenSignature),
    (refused.InvalidAudienceError, TokenAudience),
    (refused.InvalidIssuerError, TokenIssuer),
    (refused.InvalidAlgorithmError, TokenAlgorithm),
    (refused.InvalidKeyError, TokenAlgorithm),
    (refused.InvalidTokenError, TokenMalformed),
)
_MISSING = {"aud": TokenAudience, "iss": TokenIssuer}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a token must be."""

    issuer: str
    audience: str
    algorithms: frozenset[str]
    leeway_s: float


class SignedTokens:
    """Verifies tokens, and keeps the bearers of at most `kept_max` verified ones by the SHA-256 of the token.

    What is kept holds until the token expires or the set of keys changes. One verification takes about a quarter of a
    millisecond of the event loop; keys are read beside it.
    """

    def __init__(
        self, keys: KeyRing, rules: Rules, words: Words, *, kept_max: int, clock_us: Callable[[], int]
    ) -> None:
        self._keys = keys
        self._rules = rules
        self._words = words
        self._kept_max = kept_max
        self._clock_us = clock_us
        self._kept: dict[str, Principal] = {}
        self._generation = 0

    async def open(self) -> None:
        """Read the keys for the first time."""
        await self._keys.open()

    async def bearer(self, token: str, digest: str) -> Principal:
        """Who bears the token, whose SHA-256 is `digest`. Raises: Unauthenticated; KeysUnavailable."""
        self._keys.look()
        if self._generation != self._keys.generation:
            self._kept.clear()
            self._generation = self._keys.generation
        principal = self._kept.get(digest)
        if principal is None:
            principal = await self._verified(token)
            self._keep(digest, principal)
        if principal.expires_us is not None and self._clock_us() >= principal.expires_us:
            self._kept.pop(digest, None)
            raise TokenExpired
        return principal

    def _keep(self, digest: str, principal: Principal) -> None:
        if self._generation != self._keys.generation:
            return  # the keys changed while it was verified
        if len(self._kept) >= self._kept_max:
            self._kept.pop(next(iter(self._kept)))  # the first that came
        self._kept[digest] = principal

    async def _verified(self, token: str) -> Principal:
        if len(token) > TOKEN_BYTES_MAX:
            raise TokenTooLarge
        algorithm, kid = self._header(token)
        key = await self._keys.find(kid, algorithm)
        if key is None:
            raise TokenKeyUnknown
        said = self._said(token, key, algorithm)
        return claims.principal_from_claims(said, self._words, expires_us=self._expiry_us(said))

    def _header(self, token: str) -> tuple[str, str]:
        try:
            header = jwt.get_unverified_header(token)
        except (refused.InvalidTokenError, RecursionError):
            raise TokenMalformed from None
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self._rules.algorithms:
            raise TokenAlgorithm
        return algorithm, header.get("kid", "")

    def _said(self, token: str, key: Key, algorithm: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.public,
                algorithms=[algorithm],
                audience=self._rules.audience,
                issuer=self._rules.issuer,
                options=_OPTIONS,
            )
        except refused.MissingRequiredClaimError as error:
            raise _MISSING.get(error.claim, TokenClaims)(claim=error.claim) from None
        except RecursionError:
            raise TokenMalformed from None
        except refused.InvalidTokenError as error:
            raise next(ours for theirs, ours in _REASONS if isinstance(error, theirs)) from None

    def _expiry_us(self, said: dict[str, Any]) -> int:
        """When the token expires, the leeway included. Raises: TokenNotYetValid; TokenClaims."""
        now_s, leeway_s = self._clock_us() / _SECOND_US, self._rules.leeway_s
        expires, begins = claims.instant(said, "exp"), claims.instant(said, "nbf")
        assert expires is not None, "it was required"
        if begins is not None and now_s < begins - leeway_s:
            raise TokenNotYetValid
        return int((expires + leeway_s) * _SECOND_US)
