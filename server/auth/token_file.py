"""The token file: who holds which permissions, by bearer token or by the certificate of the connection (PLT-13)."""

from __future__ import annotations

import asyncio
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import structlog

from domain.kernel import scopes
from domain.kernel.scopes import Scope
from server.auth.principal import ALL_PERMISSIONS, Principal, digest_of
from server.auth.stamps import stamp
from server.settings import PREFIX, BadSettings

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOKEN_CHARACTERS_MIN = 16
_LOOK_S = 1.0
_GRANTS = {"permissions", *scopes.KINDS}
_TABLES = {"tokens": {"caller", "token", "sha256"}, "certificates": {"name", "caller"}}
"""The tables of the file, and what each may hold beside permissions and scope."""

Entry = dict[str, Any]

log = structlog.get_logger("auth")


@dataclass(frozen=True, slots=True)
class Holders:
    """Callers by the SHA-256 of their token, and by the name in their certificate."""

    tokens: Mapping[str, Principal]
    certificates: Mapping[str, Principal]


class TokenFile:
    """The callers of a file that is read again when it has changed.

    One that has changed into something unfit is told of in the log, and the callers that were there before stay.
    """

    def __init__(self, path: Path, known: frozenset[str], *, mutual: bool) -> None:
        """Read it. Raises: BadSettings with every mistake; certificates are one unless connections are `mutual`."""
        self._path = path
        self._known = known
        self._mutual = mutual
        self._seen = stamp(path)
        self.holders = self._read()

    def _read(self) -> Holders:
        holders = read_token_file(self._path, self._known)
        if holders.certificates and not self._mutual:
            line = f"{self._path}: [[certificates]] are known only where {PREFIX}TLS_CLIENT_CA_FILE is set"
            raise BadSettings([line])
        return holders

    async def follow(self) -> None:
        """Read the file again, within a second of a change, for as long as this runs."""
        while True:
            await asyncio.sleep(_LOOK_S)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Read the file again if it has changed; blocks."""
        now = stamp(self._path)
        if now == self._seen:
            return
        self._seen = now  # one that is unfit is not read until it changes again
        try:
            self.holders = self._read()
        except BadSettings as bad:
            log.warning("the changed token file cannot be used, the old callers stay", errors=bad.lines)
        else:
            log.info("the token file was read again", callers=len(self.holders.tokens) + len(self.holders.certificates))


def read_token_file(path: Path, known: frozenset[str]) -> Holders:
    """The callers of a file, whose permissions must be among those `known`.

    The file holds a table a token, `[[tokens]]` with `caller` and either `sha256` (of the token, in hexadecimal) or
    `token`, and a table a certificate, `[[certificates]]` with `name` and, if it is to be another, `caller`. Both have
    `permissions` (a list, `["*"]` for all), and may name the `ledgers`, `clients` and `cycles` that they hold for.

    Raises: BadSettings with every mistake; none shows a token.
    """
    try:
        document, mode = tomllib.loads(path.read_text(encoding="utf-8")), path.stat().st_mode
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings([f"{path}: {error}"]) from None
    lines = [f"{path}: {name}: there is no such setting" for name in document if name not in _TABLES]
    if not any(name in document for name in _TABLES):
        raise BadSettings([*lines, f"{path}: holds neither [[tokens]] nor [[certificates]]"])
    held: dict[str, dict[str, Principal]] = {table: {} for table in _TABLES}
    for table, principals in held.items():
        entries = document.get(table, [])
        if not isinstance(entries, list):
            lines.append(f"{path}: {table}: is no list of tables, as [[{table}]] makes one")
            continue
        for number, entry in enumerate(entries, 1):
            mistakes = _enter(principals, table, entry, known)
            lines += [f"{path}: [[{table}]] {number}: {mistake}" for mistake in mistakes]
    if lines:
        raise BadSettings(lines)
    if mode & stat.S_IROTH:
        log.warning("every user of this machine can read the token file", file=str(path))
    return Holders(held["tokens"], held["certificates"])


def _enter(principals: dict[str, Principal], table: str, entry: object, known: frozenset[str]) -> list[str]:
    """Enter the holder of one token or certificate; gives what is wrong with it instead, if anything is."""
    if not isinstance(entry, dict):
        return ["is not a table"]
    others = sorted(entry.keys() - _TABLES[table] - _GRANTS)
    lines = [f"{name}: there is no such setting" for name in others]
    lines += _token_mistakes(entry) if table == "tokens" else _certificate_mistakes(entry)
    lines += [*_permission_mistakes(entry, known), *_scope_mistakes(entry)]
    if lines:
        return lines
    key = entry["name"] if table == "certificates" else entry.get("sha256") or digest_of(entry["token"])
    if key in principals:
        return [f"is a {table.removesuffix('s')} that stands above already"]
    principals[key] = _principal(entry, known)
    return []


def _principal(entry: Entry, known: frozenset[str]) -> Principal:
    held = known if ALL_PERMISSIONS in entry["permissions"] else frozenset(entry["permissions"])
    return Principal(entry.get("caller") or entry["name"], held, _scope(entry))


def _scope(entry: Entry) -> Scope:
    return Scope(**{kind: frozenset(entry[kind]) for kind in scopes.KINDS if kind in entry})


def _token_mistakes(entry: Entry) -> list[str]:
    lines = [] if _is_name(entry.get("caller")) else ["caller: a name is missing"]
    token, digest = entry.get("token"), entry.get("sha256")
    if (token is None) == (digest is None):
        lines.append("needs either token or sha256")
    elif token is not None and (not isinstance(token, str) or len(token) < _TOKEN_CHARACTERS_MIN):
        lines.append(f"token: has fewer than {_TOKEN_CHARACTERS_MIN} characters")
    elif digest is not None and (not isinstance(digest, str) or not _SHA256.fullmatch(digest)):
        lines.append("sha256: is not 64 lower-case hexadecimal digits")
    return lines


def _certificate_mistakes(entry: Entry) -> list[str]:
    lines = [] if _is_name(entry.get("name")) else ["name: a name is missing"]
    if "caller" in entry and not _is_name(entry["caller"]):
        lines.append("caller: is no name")
    return lines


def _permission_mistakes(entry: Entry, known: frozenset[str]) -> list[str]:
    permissions = entry.get("permissions")
    if not _are_names(permissions):
        return ["permissions: a list of names is missing"]
    unknown = sorted(set(permissions) - known - {ALL_PERMISSIONS})
    return [f"permissions: there is no {name!r}; there are {', '.join(sorted(known))}" for name in unknown]


def _scope_mistakes(entry: Entry) -> list[str]:
    lines = [f"{kind}: is no list of codes" for kind in scopes.KINDS if kind in entry and not _are_names(entry[kind])]
    return lines or scopes.mistakes(_scope(entry))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _are_names(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
