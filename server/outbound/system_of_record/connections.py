"""Which systems of record there are: the entries of their file (ACC-20, PLT-44)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from server.outbound.addresses import Reach
from server.outbound.connections import (
    FILES,
    Connection,
    Entry,
    connection_from,
    file_mistakes,
    grpc_mistakes,
    read_entries,
    unknown,
)

_KNOWN = {"name", "kind", "target", "url", "tls", *FILES}


def read_connections(path: Path, reach: Reach) -> tuple[Connection, ...]:
    """The connections of a file.

    It holds a table for each, `[[systems_of_record]]`: `name`, by which clients' settings choose it; `kind`, `grpc` or
    `http`; `target` (host:port) for gRPC, `url` (https, the base of `/postings`) for HTTP; and, if they are wanted,
    `ca_file` (PEM authorities; for HTTP beside the public ones), `certificate_file` with `key_file` (who calls), and
    `token_file` (a bearer token). `tls = false` has gRPC speak in clear, on this machine alone, and takes no files.

    Raises: BadConnections with every mistake; none shows a secret.
    """
    entries = read_entries(path, "systems_of_record", "system of record", partial(_mistakes, reach=reach))
    return tuple(connection_from(entry, entry["kind"]) for entry in entries)


def _mistakes(entry: Entry, reach: Reach) -> Iterator[str]:
    yield from unknown(entry, _KNOWN)
    if entry.get("kind") == "grpc":
        yield from grpc_mistakes(entry, reach, loopback="systems_of_record_loopback")
        if "url" in entry:
            yield "url: is for http; gRPC takes target"
    elif entry.get("kind") == "http":
        yield from _http_mistakes(entry, reach)
    else:
        yield "kind: must be grpc or http"
    yield from file_mistakes(entry)


def _http_mistakes(entry: Entry, reach: Reach) -> Iterator[str]:
    url = entry.get("url")
    if not isinstance(url, str):
        yield "url: must be given, such as https://ledger.example.com/v1"
    elif fault := reach.url_fault(url):
        yield f"url: {fault}"
    elif "?" in url:
        yield "url: must have no query"
    yield from (f"{name}: is for gRPC" for name in ("target", "tls") if name in entry)
