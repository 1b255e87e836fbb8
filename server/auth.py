"""Who calls, and what each method needs (PLT-12).

Permissions stand in the contract as a method option; those of methods that are not ours stand here in a table. A token
file says who holds which.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import structlog
from google.protobuf.descriptor import ServiceDescriptor

from countinghouse.operations.v1 import permission_pb2
from server.errors import PermissionDenied, Unauthenticated
from server.settings import BadSettings, Settings

OPEN = ""
"""The permission of methods that anybody may call."""

ANY = "*"
"""In a token file: every permission there is."""

OTHERS: Mapping[str, str] = {
    "google.longrunning.Operations/ListOperations": "read",
    "google.longrunning.Operations/GetOperation": "read",
    "google.longrunning.Operations/WaitOperation": "read",
    "google.longrunning.Operations/CancelOperation": "manageoperations",
    "google.longrunning.Operations/DeleteOperation": "manageoperations",
    "grpc.health.v1.Health/Check": OPEN,
    "grpc.health.v1.Health/List": OPEN,
    "grpc.health.v1.Health/Watch": OPEN,
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": OPEN,
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": OPEN,
    "grpc.channelz.v1.Channelz/GetTopChannels": "read",
    "grpc.channelz.v1.Channelz/GetServers": "read",
    "grpc.channelz.v1.Channelz/GetServer": "read",
    "grpc.channelz.v1.Channelz/GetServerSockets": "read",
    "grpc.channelz.v1.Channelz/GetChannel": "read",
    "grpc.channelz.v1.Channelz/GetSubchannel": "read",
    "grpc.channelz.v1.Channelz/GetSocket": "read",
}
"""Methods of other contracts. Health and the contract itself are no secret; channelz tells who is connected."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOKEN_CHARACTERS_MIN = 16
_SCHEME = "bearer "

Metadata = Iterable[tuple[str, str | bytes]]

log = structlog.get_logger("auth")


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller, and the permissions that it holds."""

    caller: str
    permissions: frozenset[str]


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


def permissions_of(services: Sequence[ServiceDescriptor]) -> dict[str, str]:
    """The permission of every method of the services, by full name without the leading slash.

    Raises: LookupError naming the methods that have none: the server must not start with them.
    """
    found: dict[str, str] = {}
    missing = []
    for service in services:
        for method in service.methods:
            name = f"{service.full_name}/{method.name}"
            permission = method.GetOptions().Extensions[permission_pb2.permission]
            if permission:
                found[name] = permission
            elif name in OTHERS:
                found[name] = OTHERS[name]
            else:
                missing.append(name)
    if missing:
        raise LookupError(f"no permission is named for {', '.join(missing)}")
    return found


def permit(principal: Principal, method: str, permission: str) -> None:
    """Let the caller pass. Raises: PermissionDenied naming what is missing."""
    if permission != OPEN and permission not in principal.permissions:
        raise PermissionDenied(permission=permission, method=method)


def authority(settings: Settings, permissions: Iterable[str]) -> Authority:
    """Who says who calls, by the settings. Raises: BadSettings with every mistake in the token file."""
    known = frozenset(permissions) - {OPEN}
    if settings.token_file is not None:
        return read_tokens(settings.token_file, known)
    assert settings.on_loopback, "the settings are refused otherwise"
    return Anybody(known)


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
