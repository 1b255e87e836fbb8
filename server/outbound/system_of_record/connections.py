"""Which systems of record there are: the entries of their file, checked when it is read (ACC-20, PLT-44)."""

from __future__ import annotations

import re
import ssl
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from server.outbound.addresses import Reach

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TARGET = re.compile(r"(dns:///)?([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")
_FILES = ("ca_file", "certificate_file", "key_file", "token_file")
_KNOWN = {"name", "kind", "target", "url", "tls", *_FILES}
_PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Connection:
    """One system of record: `target` is host:port for gRPC, the base URL for HTTP."""

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
    """The file of systems of record holds mistakes; `lines` says each in one line."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def read_connections(path: Path, reach: Reach) -> tuple[Connection, ...]:
    """The connections of a file.

    It holds a table for each, `[[systems_of_record]]`: `name`, by which clients' settings choose it; `kind`, `grpc` or
    `http`; `target` (host:port) for gRPC, `url` (https, the base of `/postings`) for HTTP; and, if they are wanted,
    `ca_file` (PEM authorities; for HTTP beside the public ones), `certificate_file` with `key_file` (who calls), and
    `token_file` (a bearer token). `tls = false` has gRPC speak in clear, on this machine alone, and takes no files.

    Raises: BadConnections with every mistake; none shows a secret.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConnections([f"{path}: {error}"]) from None
    entries = document.get("systems_of_record")
    lines = [f"{path}: {name}: there is no such setting" for name in document if name != "systems_of_record"]
    if not isinstance(entries, list) or not entries:
        raise BadConnections([*lines, f"{path}: holds no [[systems_of_record]]"])
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        mistakes = list(_mistakes(entry, reach))
        if isinstance(entry, dict) and isinstance(name := entry.get("name"), str):
            mistakes += ["name: there is another system of record of that name"] if name in seen else []
            seen.add(name)
        lines += [f"{path}: [[systems_of_record]] {number}: {mistake}" for mistake in mistakes]
    if lines:
        raise BadConnections(lines)
    return tuple(map(_connection, entries))


def _connection(entry: dict[str, Any]) -> Connection:
    return Connection(
        name=entry["name"],
        kind=entry["kind"],
        target=entry["target"] if entry["kind"] == "grpc" else entry["url"],
        tls=entry.get("tls", True),
        **{name: Path(entry[name]) for name in _FILES if name in entry},
    )


def _mistakes(entry: object, reach: Reach) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "is not a table"
        return
    yield from (f"{name}: there is no such setting" for name in sorted(entry.keys() - _KNOWN))
    if not isinstance(entry.get("name"), str) or not _NAME.fullmatch(entry["name"]):
        yield "name: must be lower-case letters, digits and dashes, at most 63"
    if entry.get("kind") == "grpc":
        yield from _grpc_mistakes(entry, reach)
    elif entry.get("kind") == "http":
        yield from _http_mistakes(entry, reach)
    else:
        yield "kind: must be grpc or http"
    yield from _file_mistakes(entry)


def _grpc_mistakes(entry: dict[str, Any], reach: Reach) -> Iterator[str]:
    target, tls = entry.get("target"), entry.get("tls", True)
    found = _TARGET.fullmatch(target) if isinstance(target, str) else None
    host = found[2].strip("[]") if found else ""
    if found is None or not 0 < int(found[3]) <= _PORT_MAX:
        yield "target: must be host:port"
    elif fault := reach.host_fault(host):
        yield f"target: {fault}"
    if "url" in entry:
        yield "url: is for http; gRPC takes target"
    if not isinstance(tls, bool):
        yield "tls: must be true or false"
    elif not tls:
        yield from (f"{name}: is of no use, or a secret in clear, with tls = false" for name in _FILES if name in entry)
        if host and not reach.host_fault(host) and not reach.is_own(host):
            yield "tls: may be false on this machine alone, where systems_of_record_loopback allows it"


def _http_mistakes(entry: dict[str, Any], reach: Reach) -> Iterator[str]:
    url = entry.get("url")
    if not isinstance(url, str):
        yield "url: must be given, such as https://ledger.example.com/v1"
    elif fault := reach.url_fault(url):
        yield f"url: {fault}"
    elif "?" in url:
        yield "url: must have no query"
    yield from (f"{name}: is for gRPC" for name in ("target", "tls") if name in entry)


def _file_mistakes(entry: dict[str, Any]) -> Iterator[str]:
    missing = False
    for name in _FILES:
        if name in entry and (not isinstance(entry[name], str) or not Path(entry[name]).is_file()):
            yield f"{name}: there is no file {entry[name]}"
            missing = True
    if ("certificate_file" in entry) != ("key_file" in entry):
        yield "certificate_file and key_file: both must be given, or neither"
    elif not missing:
        yield from _content_mistakes(entry)


def _content_mistakes(entry: dict[str, Any]) -> Iterator[str]:
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
