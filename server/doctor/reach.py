"""Whether those whom we send to can be reached: a connection is opened to each, and nothing is sent."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from sqlalchemy import select

from domain.notifications.tables import notification_endpoint
from server.database.transaction import Database
from server.doctor.model import Finding, Patient, ok, warn
from server.outbound.addresses import AddressRefused, Reach
from server.outbound.connections import Connection

_WITHIN_S = 3.0
_TRIED_MAX = 20
_PORTS = {"https": 443, "http": 80}


def endpoints(_patient: Patient, database: Database) -> Iterator[Finding]:
    """The hosts of notification endpoints that are not disabled."""
    e = notification_endpoint.c
    query = select(e.endpoint_id, e.url).where(e.disabled == 0).order_by(e.endpoint_id).limit(_TRIED_MAX)
    for endpoint_id, url in database.read(lambda tx: [tuple(row) for row in tx.execute(query)]):
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
        yield _tried(f"notificationEndpoints/{endpoint_id}", parts.hostname or "", port)


def destinations(patient: Patient, _database: Database) -> Iterator[Finding]:
    """The folders and SFTP servers of the transmission file."""
    for each in patient.settings.destinations[:_TRIED_MAX]:
        if each.host:
            yield _tried(each.name, each.host, each.port)
        elif not os.access(each.folder, os.W_OK | os.X_OK):
            yield warn(f"{each.name}: the folder cannot be written to", "make it, and let this user write there")
        else:
            yield ok(f"{each.name}: the folder can be written to")


def systems_of_record(patient: Patient, _database: Database) -> Iterator[Finding]:
    """The hosts of the file of systems of record."""
    settings = patient.settings
    yield from _called(settings.systems_of_record, settings.systems_of_record_reach, "systems_of_record_networks")


def hooks(patient: Patient, _database: Database) -> Iterator[Finding]:
    """The hosts of the file of hooks."""
    settings = patient.settings
    yield from _called([each.connection for each in settings.hooks], settings.hooks_reach, "hooks_networks")


def _called(connections: Sequence[Connection], reach: Reach, networks: str) -> Iterator[Finding]:
    """Whether these are called, and can be reached; `networks` names the setting that opens private ranges."""
    for each in connections[:_TRIED_MAX]:
        host, port = each.host_and_port
        try:
            reach.addresses(host, port)
        except AddressRefused as error:
            yield warn(f"{each.name}: {host}:{port} is not called: {error}", f"see {networks}")
            continue
        except (OSError, UnicodeError):
            pass  # told as what cannot be reached
        yield _tried(each.name, host, port)


def _tried(name: str, host: str, port: int) -> Finding:
    if why := _refusal(host, port):
        return warn(f"{name}: {host}:{port} cannot be reached: {why}", "see whether it runs, and what stands between")
    return ok(f"{name}: {host}:{port} takes connections")


def _refusal(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=_WITHIN_S).close()
    except OSError as error:
        return error.strerror or "no answer in time"
    return ""
