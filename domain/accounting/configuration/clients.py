"""Use cases of clients that change them; they are read by `service`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.configuration import client_rules
from domain.accounting.configuration.client_rules import GivenClient
from domain.accounting.configuration.model import Client
from domain.accounting.configuration.registers import CLIENTS
from domain.kernel.call import Call
from domain.kernel.registers import service
from domain.kernel.registers.service import Change


def create(tx: Connection, call: Call, code: str, given: GivenClient, connections: Collection[str]) -> Client:
    """Add a client; `connections` are the systems of record that the servers know.

    Raises: NotFound for a client outside the caller's scope, whether there is one or not; Invalid with every violation;
    CodeTaken.
    """
    service.refuse_outside(CLIENTS, code, call.scope)
    settings = client_rules.sound_settings(given, connections)
    new = Client(code, given.description, settings, version=1, created_us=call.now_us, updated_us=call.now_us)
    return service.create(tx, call, CLIENTS, new)


def update(tx: Connection, call: Call, change: Change, connections: Collection[str]) -> Client:
    """Change the client that still has the etag; `changes` are fields of `GivenClient`.

    What is under way stays as it is (ACC-10).

    Raises: EtagMissing; NotFound; EtagStale; Invalid with every violation.
    """

    def changed(old: Client) -> Client:
        given = replace(client_rules.given_of(old.description, old.settings), **change.changes)
        settings = client_rules.sound_settings(given, connections)
        return replace(old, description=given.description, settings=settings)

    return service.update(tx, call, CLIENTS, change, changed)
