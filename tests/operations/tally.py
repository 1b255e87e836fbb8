"""A small job to try the mechanism with: it enters numbers in a table and adds them up, and can be made to fail.

Entering a number twice violates the primary key, and adding it twice shows in the total, so that every effect that is
not there exactly once shows.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, delete, func, insert, select, text

from domain.kernel.call import Call
from domain.kernel.documents import WrittenByNewer
from domain.kernel.errors import Refused, Unavailable
from domain.operations import service
from domain.operations.model import ChunkPlan, Job, Notice, Operation, Severity, Stage, Stepped, Work
from server.database.transaction import Database
from tests.support.waiting import wait_for

KIND = "tally"
STAGES = (("enter", "numbers"), ("close", "totals"))
UNDO_PIECE = 7

metadata = MetaData()
entry = Table(
    "tally_entry",
    metadata,
    Column("operation_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("process", Integer),
)
total = Table("tally_total", metadata, Column("operation_id", Text, primary_key=True), Column("amount", Integer))
_ADD = text(
    "INSERT INTO tally_total (operation_id, amount) VALUES (:operation_id, :amount)"
    " ON CONFLICT (operation_id) DO UPDATE SET amount = tally_total.amount + :amount"
)
mended = Table("tally_mended", metadata, Column("operation_id", Text, primary_key=True))
failure = Table(
    "tally_failure",
    metadata,
    Column("operation_id", Text, primary_key=True),
    Column("recoveries", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text),
)


class NumberRefused(Refused):
    """The number is refused until the cause is mended."""

    reason = "NUMBER_REFUSED"


@dataclass(frozen=True, slots=True)
class Tally:
    """What an operation has left in the tables."""

    numbers: int
    amount: int


def prepare(database: Database) -> None:
    """Make the job's tables."""
    database.write(metadata.create_all)


def start(database: Database, *, numbers: int, size: int, **options: object) -> str:
    """Start to enter the numbers 1 to `numbers`, `size` in a chunk; gives the operation's id.

    Options: `pause_s` (text) of each chunk inside its transaction; `bad`, a number at which the step fails in the way
    that `way` says: refuse, break, busy, newer or die; `piece`, so many numbers a step enters at most, and leaves the
    rest. In the first attempt at the first numbers: with `stop` "true"
    the process stops itself (SIGSTOP) inside the chunk's transaction; with `wait_in`, a folder, the gather makes the
    file `waiting` and waits for the file `go`.
    """
    request = {"numbers": numbers, "size": size, **options}
    call = Call("tester", "test.Tally/Start", "", database.clock_us())
    return database.write(lambda tx: service.start(tx, call, KIND, request, stages=STAGES)).operation_id


def look(database: Database, operation_id: str) -> Operation:
    return database.read(lambda tx: service.get(tx, operation_id))


def tally_of(database: Database, operation_id: str) -> Tally:
    def read(tx: Connection) -> Tally:
        numbers = tx.execute(select(func.count()).where(entry.c.operation_id == operation_id)).scalar_one()
        amount = tx.execute(select(total.c.amount).where(total.c.operation_id == operation_id)).scalar_one_or_none()
        return Tally(numbers, amount or 0)

    return database.read(read)


def failures_of(database: Database, operation_id: str) -> list[str]:
    """What the job was told of the operation's failures: their reasons."""
    told = select(failure.c.reason).where(failure.c.operation_id == operation_id).order_by(failure.c.recoveries)
    return database.read(lambda tx: list(tx.execute(told).scalars()))


def processes_of(database: Database, operation_id: str) -> set[int]:
    """The processes that entered the operation's numbers."""
    mine = select(entry.c.process).where(entry.c.operation_id == operation_id).distinct()
    return set(database.read(lambda tx: tx.execute(mine).scalars().all()))


def whole(numbers: int) -> Tally:
    """What is left when each number was entered once."""
    return Tally(numbers, numbers * (numbers + 1) // 2)


def mend(database: Database, operation_id: str) -> None:
    """Mend what makes the bad number fail."""
    database.write(lambda tx: tx.execute(insert(mended).values(operation_id=operation_id)))


def _plan_numbers(_tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
    numbers, size = operation.request["numbers"], operation.request["size"]
    ranges = [(first, min(first + size, numbers + 1)) for first in range(1, numbers + 1, size)]
    return [ChunkPlan({"from": first, "to": stop}, stop - first) for first, stop in ranges]


def _enter(tx: Connection, work: Work) -> Stepped:
    operation, request = work.operation, work.operation.request
    left = range(work.payload["from"], work.payload["to"])
    numbers = left[: request.get("piece", len(left))]
    operation_id, process = operation.operation_id, os.getpid()
    rows = [{"operation_id": operation_id, "number": number, "process": process} for number in numbers]
    tx.execute(insert(entry), rows)
    _add(tx, operation.operation_id, sum(numbers))
    if request.get("bad", 0) in numbers and not _is_mended(tx, operation.operation_id):
        _fail(request["way"])
    _stop(work)
    time.sleep(float(request.get("pause_s", "0")))
    notice = Notice("TALLY_ENTERED", Severity.INFORMATIVE, f"entered from {numbers.start}")
    rest = {"from": numbers.stop, "to": left.stop} if numbers.stop < left.stop else None
    return Stepped(len(numbers), {"amount": sum(numbers), "sizes": {str(len(numbers)): 1}}, [notice], rest=rest)


def _stop(work: Work) -> None:
    if work.operation.request.get("stop") and _is_first(work):
        os.kill(os.getpid(), signal.SIGSTOP)


def _wait(_tx: Connection, work: Work) -> None:
    if (folder := work.operation.request.get("wait_in")) and _is_first(work):
        (Path(folder) / "waiting").touch()
        wait_for((Path(folder) / "go").exists)


def _is_first(work: Work) -> bool:
    return work.attempt == 1 and bool(work.payload["from"] == 1)


def _add(tx: Connection, operation_id: str, amount: int) -> None:
    tx.execute(_ADD, {"operation_id": operation_id, "amount": amount})


def _is_mended(tx: Connection, operation_id: str) -> bool:
    return tx.execute(select(1).where(mended.c.operation_id == operation_id)).first() is not None


def _fail(way: str) -> None:
    if way == "refuse":
        raise NumberRefused(number="secret")
    if way == "busy":
        raise Unavailable
    if way == "newer":
        raise WrittenByNewer
    if way == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ValueError("a bug with 12.34 USD in its text")


def _close(tx: Connection, work: Work) -> Stepped:
    counted = tx.execute(select(func.count()).where(entry.c.operation_id == work.operation.operation_id)).scalar_one()
    return Stepped(1, result={"numbers": counted, "seen_before": work.facts})


def _count_before(tx: Connection, work: Work) -> int:
    """A gather: it may make temporary tables, which the step finds."""
    tx.exec_driver_sql("CREATE TEMPORARY TABLE gathered (number INTEGER)")
    counted: int = tx.execute(
        select(func.count()).where(entry.c.operation_id == work.operation.operation_id)
    ).scalar_one()
    return counted


def _undo(tx: Connection, operation: Operation, _now_us: int) -> bool:
    """Take back seven numbers at a time."""
    mine = entry.c.operation_id == operation.operation_id
    numbers = tx.execute(select(entry.c.number).where(mine).limit(UNDO_PIECE)).scalars().all()
    if operation.request.get("way") == "stuck" and not _is_mended(tx, operation.operation_id):
        raise NumberRefused
    if not numbers:
        return True
    tx.execute(delete(entry).where(mine, entry.c.number.in_(numbers)))
    _add(tx, operation.operation_id, -sum(numbers))
    return False


def _failed(tx: Connection, operation: Operation) -> None:
    assert operation.failure is not None
    told = {"recoveries": operation.recoveries, "reason": operation.failure.reason}
    tx.execute(insert(failure).values(operation_id=operation.operation_id, **told))


JOB = Job(
    KIND,
    (
        Stage("enter", "numbers", _plan_numbers, _enter, gather=_wait),
        Stage("close", "totals", lambda *_: [ChunkPlan({}, 1)], _close, gather=_count_before, past_cancel=True),
    ),
    _undo,
    failed=_failed,
)
JOBS = (JOB,)
