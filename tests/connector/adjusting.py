"""Adjustments in the outbox, and a dispatch that sends them for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection as Tx

from domain.deliveries import service as outbox
from domain.deliveries.model import Delivery, DeliveryFilter, Kind, Limits, NewDelivery, Outcome, Patience, State
from domain.kernel.paging import Page
from server.database.transaction import Database
from server.outbound.addresses import Reach
from server.outbound.connections import Connection
from server.outbound.system_of_record.connectors import connector
from server.outbound.system_of_record.handler import SystemsOfRecord
from server.outbound.system_of_record.model import Connector
from server.work.dispatch import Dispatch, DispatchSettings
from tests.support.simulator import Simulated

LIMITS = Limits(attempts_max=4, pause_us=10_000, pause_max_us=20_000, under_way_max=16)
_END_S = 15
_REACH = Reach(loopback=True)


class Recorded:
    """What accounting was told."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Delivery, Outcome]] = []
        self.sets = 0

    def record(self, tx: Tx, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        del tx
        self.sets += 1
        self.pairs += pairs

    def ended(self) -> dict[str, tuple[State, Outcome]]:
        """By key, how deliveries ended."""
        return {each.key: (each.state, outcome) for each, outcome in self.pairs if each.state is not State.PENDING}


def payload(key: str, client: str = "acme", **changed: Any) -> dict[str, Any]:
    """An adjustment of 150.00 USD."""
    return {
        "connection": "ledger",
        "client": client,
        "operation": f"claims/c1/operations/{key}",
        "operation_id": key,
        "idempotency_key": key,
        "claim": "c1",
        "dispute": "d1",
        "debit_account": "SUSPENSE-1",
        "credit_account": "HOLDER-1",
        "amount_minor": 15_000,
        "currency": "USD",
        "reason": "PROVISIONAL",
        "rule": "PROVISIONAL_CREDIT",
        "rule_version": 3,
        "accounting_day": 20261121,
        "description": "provisional credit",
        "reverses_operation_id": "",
        "timeout_us": 2_000_000,
        **changed,
    }


def enqueue(database: Database, *keys: str, client: str = "acme", limits: Limits = LIMITS, **changed: Any) -> None:
    """Have adjustments sent, in one transaction."""
    new = [
        NewDelivery(
            Kind.SYSTEM_OF_RECORD,
            target=f"clients/{client}",
            key=key,
            subject=f"claims/c1/operations/{key}",
            payload=payload(key, client, **changed),
            limits=limits,
        )
        for key in keys
    ]
    database.write(lambda tx: outbox.enqueue(tx, new))


def by_grpc(simulated: Simulated) -> Connector:
    return connector(Connection("ledger", "grpc", simulated.target, tls=False), _REACH)


def by_http(simulated: Simulated) -> Connector:
    return connector(Connection("ledger", "http", simulated.url), _REACH)


def dispatched(connectors: Mapping[str, Connector], recorded: Recorded, **chosen: Any) -> Dispatch:
    """A dispatch of adjustments alone."""
    settings = DispatchSettings(**{"lease_s": 30, "poll_s": 0.02, "patience": Patience(), **chosen})
    return Dispatch([SystemsOfRecord(connectors, recorded)], settings)


@contextmanager
def sending(database: Database, *connectors: Connector, **chosen: Any) -> Iterator[Recorded]:
    """A dispatch in a thread of this process; the first connector is `ledger`, the others `ledger-2` and so on."""
    names = ["ledger", *(f"ledger-{number}" for number in range(2, len(connectors) + 1))]
    recorded, stopping = Recorded(), threading.Event()
    sender = dispatched(dict(zip(names, connectors, strict=True)), recorded, **chosen)
    thread = threading.Thread(target=sender.run, args=(database, stopping), daemon=True)
    thread.start()
    try:
        yield recorded
    finally:
        stopping.set()
        thread.join(_END_S)
        assert not thread.is_alive()


def all_of(database: Database, client: str = "acme") -> dict[str, Delivery]:
    """Deliveries to a client by their keys."""
    wanted = DeliveryFilter(target=f"clients/{client}")
    found = database.read(lambda tx: outbox.list_page(tx, wanted, Page(1_000, None)))
    return {each.key: each for each in found}
