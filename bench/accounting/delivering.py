"""Assignments to the simulated system of record: how many a second, and none lost, none twice when it fails."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from bench.accounting import recording, shop
from bench.databases import Databases, open_databases, query
from bench.figures import Table, spread, verdict
from bench.meter import Meter
from bench.options import Options
from bench.product import PROGRAM, environment_of, free_port, started
from countinghouse.connector.v1 import simulator_pb2 as pb
from countinghouse.connector.v1.simulator_pb2_grpc import SimulatorServiceStub

AIM = 500
FAULTS = {"--error-rate": "0.15", "--lose-answers": "0.1", "--hang-rate": "0.05"}
"""Three posts in ten: failed, posted without an answer, neither posted nor answered."""
FAULTY_SHARE = 4  # of the assignments one in so many is enough where three in ten fail: each hangs for its time
ONE_CORE = ("taskset", "--cpu-list", "0")
HEAD = (
    "database",
    "faults",
    "assignments a second",
    "worker, µs CPU each",
    "database, µs CPU each",
    "lost",
    "twice",
    "not recorded",
    "details",
    "aim",
)
FINISH_S = 240
START_S = 20
PAGE = 1_000
_BATCH = 200
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to: `lost` and `twice` by the simulator's own ledger, the others by ours."""

    rate: float
    worker_us: float
    database_us: float
    lost: int
    twice: int
    not_recorded: int
    details: int


def accounting_deliveries(options: Options) -> Iterator[Table]:
    """Everything is performed beforehand; a worker with the defaults, held to one core, sends it."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("shop", shop.fill)
            for faults, count in (({}, options.deliveries), (FAULTS, options.deliveries // FAULTY_SHARE)):
                runs = [_run(databases, folder, count, faults) for _ in range(1 if faults else options.pairs)]
                rows.append(_row(dialect, runs, count, faulty=bool(faults)))
    note = f"{shop.CONCURRENCY_MAX} at once; faults: " + ", ".join(f"{name} {rate}" for name, rate in FAULTS.items())
    yield Table(f"Assignments to a simulated system of record, {options.deliveries:,} a run", HEAD, rows, [note])


def _row(dialect: str, runs: Sequence[Run], count: int, *, faulty: bool) -> list[str]:
    rate = spread(run.rate for run in runs)
    spent = [f"{spread(getattr(run, name) for run in runs).median:.0f}" for name in ("worker_us", "database_us")]
    sums = {name: sum(getattr(run, name) for run in runs) for name in ("lost", "twice", "not_recorded", "details")}
    whole = (sums["lost"], sums["twice"], sums["not_recorded"], sums["details"]) == (0, 0, 0, 2 * count * len(runs))
    quick = f"≥ {AIM}: {verdict(met=rate.median >= AIM, reached=rate.high >= AIM)}"
    aim = f"each once: {'met' if whole else 'missed'}"
    told = [dialect, "30 %" if faulty else "none", str(rate), *spent, *map(str, sums.values())]
    return [*told, aim if faulty else f"{quick}; {aim}"]


def _run(databases: Databases, folder: Path, count: int, faults: dict[str, str]) -> Run:
    port = free_port()
    connections = folder / "systems.toml"
    connections.write_text(shop.CONNECTIONS.format(name=shop.SYSTEM_OF_RECORD, target=f"127.0.0.1:{port}"))
    settings = {"systems_of_record_file": connections, "systems_of_record_loopback": True, "log_level": "error"}
    with databases.copy("shop") as url, _simulator(port, faults) as postings:
        operations = _perform(url, count)
        environment = environment_of(url, "127.0.0.1:0", folder / "files", settings)
        with started([*ONE_CORE, PROGRAM, "work"], environment) as worker:
            first = _until_completed(url, 1)  # what the start of the process takes is not counted
            own, theirs = Meter([worker.pid]), Meter(databases.roots)
            done = _until_completed(url, count) - first
            spent, database = own.spent(done), theirs.spent(done)
        posted = Counter(_posted(postings))
        ((details,),) = query(url, "SELECT count(*) FROM accounting_detail")
        run = Run(
            rate=spent.rate,
            worker_us=spent.cpu_us,
            database_us=database.cpu_us,
            lost=len(operations - posted.keys()),
            twice=sum(1 for times in posted.values() if times > 1),
            not_recorded=count - _completed(url),
            details=int(details),
        )
    print(f"  {databases.dialect}: {run}", flush=True)
    return run


def _perform(url: str, count: int) -> set[str]:
    """Perform so many operations that the system of record is to post; gives their ids."""
    calls = recording.Calls(url)
    made: set[str] = set()
    for first in range(0, count, _BATCH):
        for executed in calls.make(recording.wanted_of(shop.CREDIT, range(first, min(first + _BATCH, count)))):
            made.update(operation.operation_id for operation in executed.operations)
    calls.database.dispose()
    return made


def _until_completed(url: str, wanted: int) -> int:
    deadline = time.monotonic() + FINISH_S
    while (done := _completed(url)) < wanted and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    return done


def _completed(url: str) -> int:
    ((done,),) = query(url, "SELECT count(*) FROM assignment WHERE state = 'COMPLETED'")
    return int(done)


@contextmanager
def _simulator(port: int, faults: dict[str, str]) -> Iterator[SimulatorServiceStub]:
    """A simulator with these faults, in a process of its own."""
    switches = [word for pair in faults.items() for word in pair]
    command = [PROGRAM, "simulator", "--listen", f"127.0.0.1:{port}", *switches]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sys.stderr) as process:
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                grpc.channel_ready_future(channel).result(START_S)
                yield SimulatorServiceStub(channel)
        finally:
            process.terminate()


def _posted(simulator: SimulatorServiceStub) -> Iterator[str]:
    """The idempotency keys of all that was posted."""
    request = pb.ListPostingsRequest(page_size=PAGE)
    while True:
        page = simulator.ListPostings(request)
        yield from (posting.request.idempotency_key for posting in page.postings)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
