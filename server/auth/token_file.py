"""Callers by the tokens of a file, which says who holds which permissions (PLT-13)."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from server.auth.principal import Metadata, Principal
from server.errors import Unauthenticated
from server.settings import BadSettings

ANY = "*"
"""In a token file: every permission there is."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOKEN_CHARACTERS_MIN = 16
_SCHEME = "bearer "

log = structlog.get_logger("auth")


class Tokens:
    """Knows callers by their bearer tokens, of which it keeps the SHA-256 only."""

    def __init__(self, principals: Mapping[str, Principal]) -> None:
        self._principals = principals

    def identify(self, metadata: Metadata) -> Principal:
        """The holder of the token in `authorization: Bearer …`."""
        for key, value in metadata:
            if key == "authorization" and isinstance(value, str) and value[: len(_SCHEME)].lower() == _SCHEME:
                principal = self._principals.get(_hash(value[len(_SCHEME) :].strip()))
                if principal is not None:
                    return principal
        raise Unauthenticated


def read_tokens(path: Path, known: frozenset[str]) -> Tokens:
    """The tokens of a file, whose permissions must be among those `known`.

    The file holds one table a token: `[[tokens]]` with `caller`, `permissions` (a list, `["*"]` for all) and either
    `sha256` (of the token, in hexadecimal) or `token`.

    Raises: BadSettings with every mistake; none shows a token.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings([f"{path}: {error}"]) from None
    entries = document.pop("tokens", [])
    lines = [f"{path}: {name}: there is no such setting" for name in document]
    if not isinstance(entries, list) or not entries:
        raise BadSettings([*lines, f"{path}: holds no [[tokens]]"])
    principals: dict[str, Principal] = {}
    for number, entry in enumerate(entries, 1):
        mistakes = _mistakes(entry, known)
        digest = "" if mistakes else entry.get("sha256") or _hash(entry["token"])
        if digest in principals:
            mistakes = ["is a token that stands above already"]
        lines += [f"{path}: [[tokens]] {number}: {mistake}" for mistake in mistakes]
        if not mistakes:
            held = known if ANY in entry["permissions"] else frozenset(entry["permissions"])
            principals[digest] = Principal(entry["caller"], held)
    if lines:
        raise BadSettings(lines)
    if path.stat().st_mode & stat.S_IROTH:
        log.warning("every user of this machine can read the token file", file=str(path))
    return Tokens(principals)


def _mistakes(entry: Any, known: frozenset[str]) -> list[str]:  # noqa: ANN401 - it is whatever the file holds
    if not isinstance(entry, dict):
        return ["is not a table"]
    caller, permissions = entry.get("caller"), entry.get("permissions")
    token, digest = entry.get("token"), entry.get("sha256")
    lines = [
        f"{name}: there is no such setting" for name in entry.keys() - {"caller", "permissions", "token", "sha256"}
    ]
    if not isinstance(caller, str) or not caller:
        lines.append("caller: a name is missing")
    if (token is None) == (digest is None):
        lines.append("needs either token or sha256")
    elif token is not None and (not isinstance(token, str) or len(token) < _TOKEN_CHARACTERS_MIN):
        lines.append(f"token: has fewer than {_TOKEN_CHARACTERS_MIN} characters")
    elif digest is not None and (not isinstance(digest, str) or not _SHA256.fullmatch(digest)):
        lines.append("sha256: is not 64 lower-case hexadecimal digits")
    if not isinstance(permissions, list) or not all(isinstance(name, str) for name in permissions):
        lines.append("permissions: a list of names is missing")
    else:
        unknown = sorted(set(permissions) - known - {ANY})
        lines += [f"permissions: there is no {name!r}; there are {', '.join(sorted(known))}" for name in unknown]
    return lines


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
