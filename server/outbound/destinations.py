"""Where files are sent: the destinations of the transmission file, checked when it is read (PLT-32, PLT-44)."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOST_KEY = re.compile(r"(ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]{32,}={0,2}( .*)?")
_PATTERN = re.compile(r"[A-Za-z0-9._*?-]{1,64}")
_EVERYWHERE = {"name", "url", "sets"}
_SFTP = {"host_key", "key_file", "password_file"}
_PORT = 22


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination: a folder, or a folder on an SFTP server. `host_key` is the one key that the server may have."""

    name: str
    sets: tuple[str, ...]
    folder: str
    host: str = ""
    port: int = _PORT
    user: str = ""
    host_key: str = ""
    key_file: Path | None = None
    password_file: Path | None = None


class BadDestinations(ValueError):
    """The transmission file holds mistakes; `lines` says each in one line."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def read_destinations(path: Path) -> tuple[Destination, ...]:
    """The destinations of a file.

    It holds a table for each, `[[destinations]]`: `name`, `url` (`file:///folder` or `sftp://user@host:port/folder`; a
    folder after `//` begins at the root of the server), `sets` (patterns of the codes of the sets that go there; all
    without them), and for SFTP `host_key` (type and key, as in `known_hosts`) and either `key_file` or `password_file`.

    Raises: BadDestinations with every mistake; none shows a secret.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadDestinations([f"{path}: {error}"]) from None
    entries = document.get("destinations")
    lines = [f"{path}: {name}: there is no such setting" for name in document if name != "destinations"]
    if not isinstance(entries, list) or not entries:
        raise BadDestinations([*lines, f"{path}: holds no [[destinations]]"])
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        mistakes = list(_mistakes(entry))
        if isinstance(entry, dict) and isinstance(name := entry.get("name"), str):
            mistakes += ["name: there is another destination of that name"] if name in seen else []
            seen.add(name)
        lines += [f"{path}: [[destinations]] {number}: {mistake}" for mistake in mistakes]
    if lines:
        raise BadDestinations(lines)
    return tuple(map(_destination, entries))


def _destination(entry: dict[str, Any]) -> Destination:
    url = urlsplit(entry["url"])
    sets = tuple(entry.get("sets", ("*",)))
    if url.scheme == "file":
        return Destination(entry["name"], sets, unquote(url.path))
    return Destination(
        name=entry["name"],
        sets=sets,
        # What comes after the first slash is relative to the user's folder, as in `scp`.
        folder=unquote(url.path[1:]) or ".",
        host=url.hostname or "",
        port=url.port or _PORT,
        user=unquote(url.username or ""),
        host_key=" ".join(entry["host_key"].split()[:2]),
        key_file=Path(entry["key_file"]) if "key_file" in entry else None,
        password_file=Path(entry["password_file"]) if "password_file" in entry else None,
    )


def _mistakes(entry: object) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "is not a table"
        return
    url = _url(entry.get("url"))
    known = _EVERYWHERE | (_SFTP if url is None or url.scheme == "sftp" else set())
    yield from (f"{name}: there is no such setting" for name in sorted(entry.keys() - known))
    if not isinstance(entry.get("name"), str) or not _NAME.fullmatch(entry["name"]):
        yield "name: must be lower-case letters, digits and dashes, at most 63"
    sets = entry.get("sets", ["*"])
    if not isinstance(sets, list) or not sets or not all(isinstance(s, str) and _PATTERN.fullmatch(s) for s in sets):
        yield 'sets: must be a list of patterns of set codes, such as ["GL-*"]'
    if url is None:
        yield "url: must be file:///folder or sftp://user@host/folder, without a password"
    elif url.scheme == "sftp":
        yield from _sftp_mistakes(entry)


def _sftp_mistakes(entry: dict[str, Any]) -> Iterator[str]:
    extra = importlib.util.find_spec("paramiko") is not None
    if not extra:
        yield "url: needs the extra sftp: pip install 'countinghouse-server[sftp]'"
    host_key = entry.get("host_key")
    if not isinstance(host_key, str) or not _HOST_KEY.fullmatch(host_key) or (extra and not _is_key(host_key)):
        yield "host_key: must be the server's public key, such as 'ssh-ed25519 AAAA…' (see ssh-keyscan)"
    given = [name for name in ("key_file", "password_file") if name in entry]
    if len(given) != 1:
        yield "either key_file or password_file must be given"
    for name in given:
        if not isinstance(entry[name], str) or not Path(entry[name]).is_file():
            yield f"{name}: there is no file {entry[name]}"


def _is_key(text: str) -> bool:
    from server.outbound.sftp import pinned_key  # noqa: PLC0415 - paramiko is an extra

    try:
        pinned_key(" ".join(text.split()[:2]))
    except ValueError:
        return False
    return True


def _url(value: object) -> SplitResult | None:
    """The address, if it is one."""
    if not isinstance(value, str):
        return None
    try:
        url = urlsplit(value)
        sound = not (url.password or url.query or url.fragment) and (url.port is None or url.port > 0)
    except ValueError:
        return None
    if url.scheme == "file":
        return url if sound and not url.netloc and url.path.startswith("/") else None
    return url if sound and url.scheme == "sftp" and url.hostname and url.username else None
