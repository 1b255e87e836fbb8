"""Notifications to a receiver of which three answers in ten are faults: how many a second, none lost, none unsigned."""

import asyncio
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import Connection as Transaction
from standardwebhooks import Webhook, WebhookVerificationError

from bench.databases import Databases, open_databases, query
from bench.figures import Table, spread, verdict
from bench.meter import Meter
from bench.options import Options
from bench.product import PROGRAM, environment_of, started
from domain.kernel.call import Call
from domain.notifications import service as notifications
from server.database.migrate import migrate
from server.database.transaction import Database
from server.outbound.signing import MasterKey

AIM = 200
HEAD = (
    "database",
    "delivered a second",
    "worker and database, µs CPU each",
    "attempts each",
    "all, in s",
    "lost",
    "not recorded",
    "unsigned",
    "aim",
)
ROUNDS_MAX = 3
PIECE = 200
FINISH_S = 120
BULK = 0.9  # the rate is that of nine in ten: the rest mostly rests between its attempts
PAUSE_MAX_S = 4  # of those rests, so that the run ends soon; they begin as they do by default

_KEY = b"the master key of the benchmark, long enough"
_FAULTS = ((0.1, "status"), (0.2, "reset"), (0.3, "slow"))
_SLOW_S = 0.3
_LOOK_S = 0.2


def deliveries(options: Options) -> Iterator[Table]:
    """Everything is recorded beforehand; a worker with the defaults sends it to one endpoint, until all has arrived."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            runs = [_run(databases, folder, number, options.deliveries) for number in range(_rounds(options))]
        rate = spread([run.rate for run in runs])
        aim = f"≥ {AIM}: {verdict(met=rate.median >= AIM, reached=rate.high >= AIM)}"
        medians = [f"{spread([getattr(run, name) for run in runs]).median:{form}}" for name, form in _MEDIANS]
        sums = [str(sum(getattr(run, name) for run in runs)) for name in ("lost", "not_recorded", "unsigned")]
        rows.append([dialect, str(rate), *medians, *sums, aim])
    notes = [
        "one endpoint; of ten answers one is a 500, one a broken connection, one a 503 after 0.3 s",
        "the rate and the CPU are those of the first nine in ten; the rest waits for its next attempt most of the time",
    ]
    yield Table(f"Deliveries of {options.deliveries:,} notifications", HEAD, rows, notes)


_MEDIANS = (("cpu_us", ".0f"), ("attempts", ".2f"), ("all_s", ".0f"))


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run showed: as the receiver saw it, but for `not_recorded`, which are rows not marked as delivered."""

    rate: float
    cpu_us: float
    attempts: float
    all_s: float
    lost: int
    not_recorded: int
    unsigned: int


def _rounds(options: Options) -> int:
    return min(options.pairs, ROUNDS_MAX)


def _run(databases: Databases, folder: Path, number: int, count: int) -> _Run:
    name = f"deliveries_{number}"
    url = databases.template(name, lambda _: None)
    migrate(url)
    key_file = folder / "notification.key"
    key_file.write_bytes(_KEY)
    with _receiver() as (port, results):
        secret, keys = _record(url, port, count)
        results.send(secret)
        settings = {
            "notification_key_file": key_file,
            "webhook_loopback": True,
            "delivery_pause_max_s": PAUSE_MAX_S,
            "log_level": "error",
        }
        environment = environment_of(url, "127.0.0.1:0", folder / "files", settings)
        with started([PROGRAM, "work"], environment) as worker:
            roots = [worker.pid, *databases.roots]
            first = until_delivered(url, 1)  # what the start of the process takes is not counted
            meter = Meter(roots)
            spent = meter.spent(until_delivered(url, int(BULK * count)) - first)
            left = count - until_delivered(url, count)
            all_s = meter.spent().wall_s
        results.send(None)
        arrived, attempts, unsigned = results.recv()
    lost = len(keys - arrived.keys())
    run = _Run(spent.rate, spent.cpu_us, attempts / count, all_s, lost, left, unsigned)
    print(f"  {databases.dialect}: {run}")
    return run


def until_delivered(url: str, wanted: int) -> int:
    """Wait until so many are delivered, at most FINISH_S; gives how many are."""
    deadline = time.monotonic() + FINISH_S
    while (done := _delivered(url)) < wanted and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    return done


def _record(url: str, port: int, count: int) -> tuple[str, set[str]]:
    """An endpoint and its deliveries; gives the secret, and the keys that must arrive."""
    database, key = Database(url), MasterKey(_KEY)
    call = Call("bench", "bench/Record", "", now_us=database.clock_us())
    endpoint = database.write(
        lambda tx: notifications.create(
            tx,
            call,
            url=f"http://127.0.0.1:{port}/",
            event_types=(),
            description="",
            disabled=False,
            key_id=key.key_id,
        )
    )
    keys: set[str] = set()
    while len(keys) < count:
        piece = min(PIECE, count - len(keys))
        keys.update(database.write(partial(_test, call=call, endpoint_id=endpoint.endpoint_id, count=piece)))
    database.dispose()
    return key.shown_secret(endpoint.endpoint_id, 1), keys


def _test(tx: Transaction, call: Call, endpoint_id: str, count: int) -> list[str]:
    return [notifications.test(tx, call, endpoint_id).key for _ in range(count)]


def _delivered(url: str) -> int:
    ((done,),) = query(url, "SELECT count(*) FROM delivery WHERE state = 'DELIVERED'")
    return int(done)


@contextmanager
def _receiver() -> Iterator[tuple[int, Connection]]:
    """A receiver in a process of its own: its port, and the way to tell it the secret and to ask for its results."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_receive, args=(its,), daemon=True)
    process.start()
    try:
        yield int(ours.recv()), ours
    finally:
        process.kill()
        process.join()


def _receive(pipe: Connection) -> None:
    asyncio.run(_Receiver(pipe).run())


class _Receiver:
    """Answers as badly as it is meant to, and checks every signature."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._random = random.Random(7)
        self._arrived: Counter[str] = Counter()
        self._attempts = 0
        self._unsigned = 0
        self._webhook: Webhook | None = None

    async def run(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=512)
        self._pipe.send(server.sockets[0].getsockname()[1])
        self._webhook = Webhook(await asyncio.to_thread(self._pipe.recv))
        await asyncio.to_thread(self._pipe.recv)
        self._pipe.send((dict(self._arrived), self._attempts, self._unsigned))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
                body = await reader.readexactly(int(headers["content-length"]))
                self._attempts += 1
                self._check(headers, body)
                await self._give(headers["webhook-id"], writer)
        writer.close()

    def _check(self, headers: dict[str, str], body: bytes) -> None:
        assert self._webhook is not None
        try:
            self._webhook.verify(body, headers)
        except WebhookVerificationError:
            self._unsigned += 1

    async def _give(self, key: str, writer: asyncio.StreamWriter) -> None:
        drawn = self._random.random()
        fault = next((kind for below, kind in _FAULTS if drawn < below), "")
        if fault == "reset":
            writer.transport.abort()
            return
        if fault == "slow":
            await asyncio.sleep(_SLOW_S)
        status = {"": "204 No Content", "status": "500 Broken", "slow": "503 Busy"}[fault]
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        if not fault:
            self._arrived[key] += 1
