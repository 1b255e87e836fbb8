"""Adjustments to a simulated system of record without faults: how many a second, none lost, none posted twice."""

import multiprocessing
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import grpc
import structlog
from sqlalchemy import Connection as Transaction

from bench.databases import Databases, open_databases, query
from bench.deliveries import until_delivered
from bench.figures import Table, spread, verdict
from bench.meter import Meter
from bench.options import Options
from bench.product import PROGRAM
from countinghouse.connector.v1.simulator_pb2 import GetTotalsRequest
from countinghouse.connector.v1.simulator_pb2_grpc import SimulatorServiceStub
from domain.deliveries.model import Delivery, Kind, Limits, NewDelivery, Outcome
from domain.deliveries.service import enqueue
from server.database.transaction import Database
from server.outbound.addresses import Reach
from server.outbound.connections import Connection
from server.outbound.system_of_record.connectors import connector
from server.outbound.system_of_record.handler import SystemsOfRecord
from server.work.dispatch import Dispatch, DispatchSettings

AIM = 500
HEAD = ("database", "at once", "posted a second", "sender and database, µs CPU each", "lost", "posted twice", "aim")
ROUNDS_MAX = 3
AT_ONCE = 16
LATENCY_MS = "5:15"
PIECE = 500
BULK = 0.95  # the last of them wait for each other

_LISTENS = re.compile(r"listens on (\S+)")


def adjustments(options: Options) -> Iterator[Table]:
    """Everything is recorded beforehand; one sender with the defaults posts it for one client."""
    rows = []
    for dialect in options.databases:
        for under_way_max in (0, AT_ONCE):
            with options.folder() as folder, open_databases(dialect, folder) as databases:
                runs = [
                    _run(databases, number, options.deliveries, under_way_max)
                    for number in range(min(options.pairs, ROUNDS_MAX))
                ]
            rate, cpu = spread([run[0] for run in runs]), spread([run[1] for run in runs])
            aim = f"≥ {AIM}: {verdict(met=rate.median >= AIM, reached=rate.high >= AIM)}"
            lost, twice = sum(run[2] for run in runs), sum(run[3] for run in runs)
            at_once = str(under_way_max or "no limit")
            rows.append([dialect, at_once, str(rate), f"{cpu.median:.0f}", str(lost), str(twice), aim])
    notes = [
        f"by gRPC, without TLS, to a system that takes {LATENCY_MS} ms for each",
        "what became of it is recorded of the deliveries, and nothing else is",
        f"at once: the client's limit; without one {DispatchSettings().per_target_max} of a process",
    ]
    yield Table(f"Postings of {options.deliveries:,} adjustments", HEAD, rows, notes)


def _run(databases: Databases, number: int, count: int, under_way_max: int) -> tuple[float, float, int, int]:
    url = databases.template(f"adjustments_{number}", partial(_record, count=count, under_way_max=under_way_max))
    with _simulator() as target, _sender(url, target) as sender:
        first = until_delivered(url, 1)
        meter = Meter([sender, *databases.roots])
        spent = meter.spent(until_delivered(url, int(BULK * count)) - first)
        until_delivered(url, count)
        with grpc.insecure_channel(target) as channel:
            totals = SimulatorServiceStub(channel).GetTotals(GetTotalsRequest(), timeout=10)
    posted = totals.currencies[0].count
    ((references,),) = query(url, "SELECT count(*) FROM delivery WHERE state = 'DELIVERED'")
    run = (spent.rate, spent.cpu_us, count - int(references), posted - count)
    print(f"  {databases.dialect}, at once {under_way_max}: {run}, {totals.concurrency_max} at once")
    return run


def _record(url: str, count: int, under_way_max: int) -> None:
    database = Database(url)
    limits = Limits(attempts_max=4, pause_us=1_000_000, pause_max_us=60_000_000, under_way_max=under_way_max)
    for first in range(0, count, PIECE):
        new = [_new(number, limits) for number in range(first, min(first + PIECE, count))]
        database.write(partial(enqueue, new=new))
    database.dispose()


def _new(number: int, limits: Limits) -> NewDelivery:
    operation = f"op{number:09d}"
    payload = {
        "connection": "ledger",
        "client": "bench",
        "operation": f"claims/claim-1/operations/{operation}",
        "operation_id": operation,
        "idempotency_key": operation,
        "claim": "claim-1",
        "dispute": "dispute-1",
        "debit_account": "1000-2000-3000",
        "credit_account": "4000-5000-6000",
        "amount_minor": 15_000 + number,
        "currency": "USD",
        "reason": "PROVISIONAL_CREDIT",
        "rule": "PROVISIONAL_CREDIT",
        "rule_version": 1,
        "accounting_day": 20260515,
        "description": "provisional credit",
        "reverses_operation_id": "",
        "timeout_us": 10_000_000,
    }
    kind, subject = Kind.SYSTEM_OF_RECORD, payload["operation"]
    return NewDelivery(kind, "clients/bench", operation, str(subject), payload=payload, limits=limits)


@contextmanager
def _simulator() -> Iterator[str]:
    """A simulated system of record in a process of its own; gives its address."""
    command = [PROGRAM, "simulator", "--listen", "127.0.0.1:0", "--latency-ms", LATENCY_MS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = _LISTENS.search(process.stdout.readline())
        assert found is not None
        yield found[1]
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def _sender(url: str, target: str) -> Iterator[int]:
    """A process that sends; gives its id."""
    process = multiprocessing.get_context("spawn").Process(target=_send, args=(url, target), daemon=True)
    process.start()
    try:
        assert process.pid is not None
        yield process.pid
    finally:
        process.kill()
        process.join()


def _send(url: str, target: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    connectors = {"ledger": connector(Connection("ledger", "grpc", target, tls=False), Reach())}
    Dispatch([SystemsOfRecord(connectors, _Nobody())], DispatchSettings()).run(Database(url), threading.Event())


class _Nobody:
    """Records nothing beside the delivery itself."""

    def record(self, tx: Transaction, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        """As `Recorder.record`."""
