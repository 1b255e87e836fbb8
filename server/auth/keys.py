"""The public keys of those who issue tokens: a JWK Set (RFC 7517) or one key in PEM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from server.settings.identity import ALGORITHMS

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_RSA_BITS_MIN = 2_048
_MAKERS: Mapping[str, Any] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}


class KeysUnreadable(Exception):
    """What should hold keys holds none; the message says why, for operators."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, its id (empty: it has none), and the algorithms that it verifies."""

    kid: str
    algorithms: frozenset[str]
    public: PublicKey


def keys_from(content: bytes) -> tuple[Key, ...]:
    """The keys of a JWK Set or of a PEM file. Keys of a set for other purposes or algorithms are passed over.

    Raises: KeysUnreadable.
    """
    keys = (_from_pem(content),) if content.lstrip().startswith(b"-----BEGIN") else _from_set(content)
    if not keys:
        raise KeysUnreadable(f"holds no public key for {', '.join(ALGORITHMS)}")
    return keys


def find(keys: tuple[Key, ...], kid: str, algorithm: str) -> Key | None:
    """The key of that id; else the only one without an id, or, for a token that names none, the only one there is."""
    suited = [key for key in keys if algorithm in key.algorithms]
    named = [key for key in suited if key.kid == kid] if kid else suited
    left = named or [key for key in suited if not key.kid]
    return left[0] if len(left) == 1 else None


def _from_pem(content: bytes) -> Key:
    try:
        public = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise KeysUnreadable("is no public key in PEM") from None
    if not isinstance(public, PublicKey) or not (algorithms := _algorithms(public)):
        raise KeysUnreadable(f"holds a key that suits none of {', '.join(ALGORITHMS)}, or one that is too short")
    return Key("", algorithms, public)


def _from_set(content: bytes) -> tuple[Key, ...]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise KeysUnreadable("is neither a JWK Set nor a public key in PEM") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise KeysUnreadable("is no JWK Set: it has no list of keys")
    found = (_from_jwk(entry) for entry in entries if isinstance(entry, dict))
    return tuple(key for key in found if key is not None)


def _from_jwk(entry: dict[str, Any]) -> Key | None:
    """The key, unless it is for something else, cannot be read, or is one that should be nobody else's."""
    make = _MAKERS.get(str(entry.get("kty")))
    if make is None or entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
        return None
    try:
        public = make(entry)
    except (InvalidKeyError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        return None
    if not isinstance(public, PublicKey):
        return None
    algorithms = _algorithms(public)
    if "alg" in entry:
        algorithms &= {entry["alg"]}
    kid = entry.get("kid", "")
    return Key(kid, algorithms, public) if algorithms and isinstance(kid, str) else None


def _algorithms(public: PublicKey) -> frozenset[str]:
    if isinstance(public, rsa.RSAPublicKey):
        return frozenset(("RS256", "PS256")) if public.key_size >= _RSA_BITS_MIN else frozenset()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return frozenset(("EdDSA",))
    return frozenset(("ES256",)) if isinstance(public.curve, ec.SECP256R1) else frozenset()
