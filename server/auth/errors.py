"""Why a caller is not known: stable reasons, and nothing of what was shown or what is configured (PLT-13)."""

from __future__ import annotations

from domain.kernel.errors import Unavailable
from server.gate.errors import Unauthenticated


class TokenMalformed(Unauthenticated):
    """The token is none that this server can read."""

    reason = "TOKEN_MALFORMED"


class TokenTooLarge(Unauthenticated):
    """The token is larger than 8 KiB."""

    reason = "TOKEN_TOO_LARGE"


class TokenAlgorithm(Unauthenticated):
    """The token is signed by an algorithm that this server does not take."""

    reason = "TOKEN_ALGORITHM"


class TokenKeyUnknown(Unauthenticated):
    """The token is signed with a key that this server does not know."""

    reason = "TOKEN_KEY_UNKNOWN"


class TokenSignature(Unauthenticated):
    """The token's signature is wrong."""

    reason = "TOKEN_SIGNATURE"


class TokenIssuer(Unauthenticated):
    """The token was issued by somebody whom this server does not trust."""

    reason = "TOKEN_ISSUER"


class TokenAudience(Unauthenticated):
    """The token was issued for somebody else than this server."""

    reason = "TOKEN_AUDIENCE"


class TokenExpired(Unauthenticated):
    """The token has expired; call again with a new one."""

    reason = "TOKEN_EXPIRED"


class TokenNotYetValid(Unauthenticated):
    """The token is not valid yet."""

    reason = "TOKEN_NOT_YET_VALID"


class TokenClaims(Unauthenticated):
    """The token lacks a claim that this server needs, or has one of another form."""

    reason = "TOKEN_CLAIMS"


class CertificateUnknown(Unauthenticated):
    """The connection's certificate belongs to nobody whom this server knows."""

    reason = "CERTIFICATE_UNKNOWN"


class KeysUnavailable(Unavailable):
    """The keys by which tokens are verified cannot be had just now; try again."""

    reason = "TOKEN_KEYS_UNAVAILABLE"
