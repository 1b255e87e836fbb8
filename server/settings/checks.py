"""What a single value must be: one function a kind; the ValueError's text is for people."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from domain.kernel.time import is_zone
from server.database.urls import normalize

_TRUETYPE = {b"\0\1\0\0", b"true", b"ttcf"}
"""How files of fonts begin whose letters are TrueType outlines, or which hold several such fonts."""


def known_zone(name: str) -> str:
    """An IANA time zone."""
    if not is_zone(name):
        raise ValueError(f"{name!r} is not an IANA time zone, such as Europe/Zurich")
    return name


def database_url(url: SecretStr) -> SecretStr:
    """A database's URL, brought into the one form that the server uses."""
    return SecretStr(normalize(url.get_secret_value()))


def host_and_port(address: str) -> str:
    """An address to listen on: host:port or unix:path."""
    if address.startswith("unix:"):
        return address
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004 - the highest port there is
        raise ValueError(f"{address!r} is not host:port, such as 127.0.0.1:50051 or [::1]:50051")
    return address


def host_and_port_or_nothing(address: str) -> str:
    """host:port, or nothing."""
    if address.startswith("unix:"):
        raise ValueError(f"{address!r} is not host:port, such as 127.0.0.1:9464")
    return host_and_port(address) if address else ""


def existing_file(path: Path | None) -> Path | None:
    """A file that is there, or nothing."""
    if path is not None and not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


def font_files(paths: str) -> str:
    """TrueType fonts that are there, by comma, or nothing."""
    for path in filter(None, paths.split(",")):
        existing_file(Path(path))
        if Path(path).read_bytes()[:4] not in _TRUETYPE:
            raise ValueError(f"{path} is no TrueType font, or one with other outlines")
    return paths


def safe_url_or_nothing(url: str) -> str:
    """An https URL, or an http URL on this machine, or nothing."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in {"http", "https"}:
        raise ValueError("is no https URL, such as https://login.example.com/keys")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or a password")
    if parts.scheme == "http" and not is_loopback(f"[{host}]:0"):
        raise ValueError("must begin with https://; http:// is for this machine only")
    return url


def web_url_or_nothing(url: str) -> str:
    """An http or https URL, or nothing."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if url and not sound:
        raise ValueError(f"{url!r} is no URL, such as http://localhost:4318/v1/traces")
    return url


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
