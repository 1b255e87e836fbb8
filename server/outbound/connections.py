"""Whom we call: the entries of a TOML file, a table for each, checked when it is read (PLT-44).

What an entry is for is known by those who read it; the connection itself is the same for all.
"""

from __future__ import annotations

import re
import ssl
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from server.outbound.addresses import Reach

Entry: TypeAlias = dict[str, Any]

FILES = ("ca_file", "certificate_file", "key_file", "token_file")
"""What an entry may have to say who calls, and whom to trust."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TARGET = re.compile(r"(dns:///)?([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")
_PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Connection:
    """A way to somebody else's system: `target` is host:port for gRPC, the base URL for HTTP."""

    name: str
    kind: Literal["grpc", "http"]
    target: str
    tls: bool = True
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    token_file: Path | None = None

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where its connections lead."""
        if self.kind == "http":
            parts = urlsplit(self.target)
            return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        host, _, port = self.target.removeprefix("dns:///").rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def token(self) -> str:
        """The token that callers show; empty for none."""
        return self.token_file.read_text(encoding="utf-8").strip() if self.token_file else ""


class BadConnections(ValueError):
    """A file of connections holds mistakes; `lines` says each in one line."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def read_entries(path: Path, table: str, word: str, mistakes: Callable[[Entry], Iterator[str]]) -> list[Entry]:
    """The tables `[[table]]` of a file, sound by `mistakes`; `word` is what one of them is to people.

    Each has a `name` of its own. Raises: BadConnections with every mistake; none shows a secret.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConnections([f"{path}: {error}"]) from None
    entries = document.get(table)
    lines = [f"{path}: {name}: there is no such setting" for name in document if name != table]
    if not isinstance(entries, list) or not entries:
        raise BadConnections([*lines, f"{path}: holds no [[{table}]]"])
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        found = list(_of_entry(entry, seen, word, mistakes))
        lines += [f"{path}: [[{table}]] {number}: {mistake}" for mistake in found]
    if lines:
        raise BadConnections(lines)
    return entries


def connection_from(entry: Entry, kind: Literal["grpc", "http"]) -> Connection:
    """The connection of a sound entry."""
    return Connection(
        name=entry["name"],
        kind=kind,
        target=entry["target"] if kind == "grpc" else entry["url"],
        tls=entry.get("tls", True),
        **{name: Path(entry[name]) for name in FILES if name in entry},
    )


def unknown(entry: Entry, known: set[str]) -> Iterator[str]:
    """What the entry has that it cannot have."""
    yield from (f"{name}: there is no such setting" for name in sorted(entry.keys() - known))


def grpc_mistakes(entry: Entry, reach: Reach, *, loopback: str) -> Iterator[str]:
    """What is wrong with where gRPC leads; `loopback` names the setting that opens this machine."""
    target, tls = entry.get("target"), entry.get("tls", True)
    found = _TARGET.fullmatch(target) if isinstance(target, str) else None
    host = found[2].strip("[]") if found else ""
    if found is None or not 0 < int(found[3]) <= _PORT_MAX:
        yield "target: must be host:port"
    elif fault := reach.host_fault(host):
        yield f"target: {fault}"
    if not isinstance(tls, bool):
        yield "tls: must be true or false"
    elif not tls:
        yield from (f"{name}: is of no use, or a secret in clear, with tls = false" for name in FILES if name in entry)
        if host and not reach.host_fault(host) and not reach.is_own(host):
            yield f"tls: may be false on this machine alone, where {loopback} allows it"


def file_mistakes(entry: Entry) -> Iterator[str]:
    """What is wrong with the files that the entry names."""
    missing = False
    for name in FILES:
        if name in entry and (not isinstance(entry[name], str) or not Path(entry[name]).is_file()):
            yield f"{name}: there is no file {entry[name]}"
            missing = True
    if ("certificate_file" in entry) != ("key_file" in entry):
        yield "certificate_file and key_file: both must be given, or neither"
    elif not missing:
        yield from _content_mistakes(entry)


def _of_entry(entry: object, seen: set[str], word: str, mistakes: Callable[[Entry], Iterator[str]]) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "is not a table"
        return
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield "name: must be lower-case letters, digits and dashes, at most 63"
    yield from mistakes(entry)
    if isinstance(name, str):
        if name in seen:
            yield f"name: there is another {word} of that name"
        seen.add(name)


def _content_mistakes(entry: Entry) -> Iterator[str]:
    """What files hold that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if "ca_file" in entry:
            context.load_verify_locations(cafile=entry["ca_file"])
    except (OSError, ssl.SSLError):
        yield f"ca_file: {entry['ca_file']} holds no certificates in PEM"
    try:
        if "certificate_file" in entry:
            context.load_cert_chain(entry["certificate_file"], entry["key_file"], password=_no_password)
    except (OSError, ValueError, ssl.SSLError):
        yield f"certificate_file: {entry['certificate_file']} and its key are no pair in PEM without a password"
    try:
        if "token_file" in entry and not _is_token(Path(entry["token_file"]).read_text(encoding="utf-8").strip()):
            yield f"token_file: {entry['token_file']} holds no token"
    except (OSError, UnicodeDecodeError):
        yield f"token_file: {entry['token_file']} cannot be read"


def _is_token(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _no_password() -> str:
    raise ValueError
