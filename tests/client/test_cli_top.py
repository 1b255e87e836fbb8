"""`countinghouse top`: one screen of what the house is doing, by keys in a terminal, once in a pipe."""

import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.longrunning import operations_pb2 as lro
from google.protobuf.timestamp_pb2 import Timestamp

from countinghouse.accounting.v1 import assignments_pb2, tasks_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.invoicing.v1 import invoice_batches_pb2
from countinghouse.operations.v1 import notifications_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from tests.client.command import run
from tests.client.server import operation, refuse, serve

HOUR_S = 3_600
ALL = 1_001
SHOWN_S = 30


def ago(seconds: int) -> Timestamp:
    return Timestamp(seconds=int(time.time()) - seconds)


def extracting(done: int) -> lro.Operation:
    """An extraction that is under way."""
    stage = watch_pb2.StageProgress(
        stage="write", unit="elements", items_done=done, items_total=1_000, items_per_second=100
    )
    progress = watch_pb2.OperationProgress(
        state=watch_pb2.OPERATION_STATE_RUNNING,
        method="countinghouse.gl_extraction.v1.GLExtractionService/GenerateAccountingMessage",
        create_time=ago(3 * HOUR_S),
        stages=[stage],
    )
    under_way = operation("operations/a", watch_pb2.OPERATION_STATE_RUNNING)
    under_way.metadata.Pack(extraction_pb2.GenerateAccountingMessageMetadata(progress=progress))
    return under_way


def operations(request: Any, _context: object) -> Any:
    """One that runs, one that failed."""
    if request.filter == "state = FAILED":
        failed = lro.Operation(name="operations/b", done=True)
        failed.error.message = "it broke"
        failed.metadata.Pack(
            extraction_pb2.GenerateAccountingMessageMetadata(
                progress=watch_pb2.OperationProgress(state=watch_pb2.OPERATION_STATE_FAILED)
            )
        )
        return lro.ListOperationsResponse(operations=[failed])
    return lro.ListOperationsResponse(operations=[extracting(400)])


def batches(_request: object, _context: object) -> Any:
    """One batch that is held."""
    held = invoice_batches_pb2.InvoiceBatch(
        name="invoiceBatches/may",
        state=invoice_batches_pb2.INVOICE_BATCH_STATE_ORDERED,
        state_time=ago(2 * HOUR_S),
        hold=invoice_batches_pb2.InvoiceBatchHold(message="storage is away"),
    )
    return invoice_batches_pb2.ListInvoiceBatchesResponse(invoice_batches=[held])


def tasks(_request: object, _context: object) -> Any:
    """More of them than are counted, some past their deadline."""
    late = tasks_pb2.Task(queue="EXCEPTION", kind=tasks_pb2.TASK_KIND_IN_DOUBT, due_time=ago(1), create_time=ago(90))
    fresh = tasks_pb2.Task(
        queue="MANUAL", kind=tasks_pb2.TASK_KIND_MANUAL_EXECUTION, create_time=ago(5), assignee="ann"
    )
    return tasks_pb2.ListTasksResponse(tasks=[late, late, *[fresh] * (ALL - 2)])


def deliveries(request: Any, _context: object) -> Any:
    """Two that were given up, of one receiver."""
    if request.state == notifications_pb2.DELIVERY_STATE_PENDING:
        return notifications_pb2.ListDeliveriesResponse()
    lost = notifications_pb2.Delivery(
        kind=notifications_pb2.DELIVERY_KIND_WEBHOOK, state=request.state, target="t", failure_reason="TIMED_OUT"
    )
    lost.create_time.CopyFrom(ago(3 * 24 * HOUR_S))
    return notifications_pb2.ListDeliveriesResponse(deliveries=[lost, lost])


HOUSE: dict[str, Any] = {
    "ListOperations": operations,
    "ListInvoiceBatches": batches,
    "ListTasks": tasks,
    "ListAssignments": lambda _request, _context: assignments_pb2.ListAssignmentsResponse(
        assignments=[assignments_pb2.Assignment()]
    ),
    "ListDeliveries": deliveries,
}


def test_a_pipe_gets_one_picture() -> None:
    """Each part with how much there is, and what of it needs somebody."""
    with serve(**HOUSE) as address:
        shown = run(address, "top").output
    assert re.search(r"OPERATIONS +2\n", shown)
    assert re.search(r"b +failed .*", shown)
    assert re.search(
        r"a +running +GenerateAccountingMessage +3 h +write +━+ +40% of 1,000 elements +100/s, 6 s left", shown
    )
    assert re.search(r"INVOICE BATCHES +1 +1 held\n", shown)
    assert re.search(r"may +6 ordered +2 h .* storage is away", shown)
    assert re.search(r"WORK QUEUES +1,000\+ +1 assignments past their deadline", shown)
    assert re.search(r"EXCEPTION +2 +0 +2 +1 min +2 in doubt", shown)
    assert re.search(r"MANUAL +998 +998 +0 +5 s +998 manual execution", shown)
    assert re.search(r"webhook +given up +2 +1 +3 d +TIMED_OUT", shown)


def test_what_the_caller_may_not_see_is_said_in_its_place() -> None:
    """The other parts are shown."""

    def forbidden(_request: object, context: Any) -> Any:
        refuse(context, grpc.StatusCode.PERMISSION_DENIED, "needs the permission read")

    with serve(**{**HOUSE, "ListTasks": forbidden}) as address:
        shown = run(address, "top", "--once").output
    assert "WORK QUEUES  needs the permission read" in shown
    assert "storage is away" in shown


class Looking:
    """Who looks at a terminal in which `top` runs, and presses keys."""

    def __init__(self, control: int, process: subprocess.Popen[bytes]) -> None:
        self._control, self.process = control, process
        self._shown = ""

    def until(self, wanted: str, without: str = "") -> None:
        """Wait for a whole picture that shows something, and has not in it what it is to be without."""
        deadline = time.monotonic() + SHOWN_S
        while not any(wanted in one and not (without and without in one) for one in self._pictures()):
            assert time.monotonic() < deadline, f"{wanted!r} was never shown: {self._shown[-2_000:]}"
            if select.select([self._control], [], [], 0.1)[0]:
                piece = os.read(self._control, 1 << 16).decode(errors="replace")
                self._shown += re.sub("\x1b[^A-Za-z]*[A-Za-z]", "", piece)

    def press(self, key: str) -> None:
        """Press a key; what was shown before does not count any more."""
        os.write(self._control, key.encode())
        self._shown = ""

    def _pictures(self) -> list[str]:
        return [each for each in self._shown.split("countinghouse 127.0.0.1")[1:] if "q end" in each]


@contextmanager
def terminal(address: str) -> Iterator[Looking]:
    """`top` in a terminal."""
    control, line = pty.openpty()
    code = "from countinghouse.cli.main import app; app()"
    command = [sys.executable, "-c", code, "--address", address, "top", "--every", "0.5"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "150", "LINES": "40"}
    process = subprocess.Popen(command, stdin=line, stdout=line, stderr=line, env=environment)
    try:
        yield Looking(control, process)
    finally:
        process.kill()
        process.wait(SHOWN_S)
        os.close(line)
        os.close(control)


def test_keys_choose_what_is_shown_and_end_it() -> None:
    """One part alone, all of them again, the picture held."""
    with serve(**HOUSE) as address, terminal(address) as looking:
        looking.until("TO GO OUTSIDE")
        looking.press("w")
        looking.until("WORK QUEUES", without="INVOICE BATCHES")
        looking.press("a")
        looking.until("INVOICE BATCHES")
        looking.press(" ")
        looking.until("UTC  held")
        looking.press(" ")
        looking.until("OPERATIONS", without="UTC  held")
        looking.press("q")
        assert looking.process.wait(SHOWN_S) == 0


def test_a_server_that_goes_away_is_said_and_what_was_seen_stays() -> None:
    """Until it is back."""
    away = threading.Event()

    def sometimes(request: Any, context: Any) -> Any:
        if away.is_set():
            refuse(context, grpc.StatusCode.UNAVAILABLE, "gone")
        return batches(request, context)

    with serve(**{**HOUSE, "ListInvoiceBatches": sometimes}) as address, terminal(address) as looking:
        looking.until("storage is away")
        away.set()
        looking.until("the server is away")
        looking.until("storage is away")
        away.clear()
        looking.press("a")
        looking.until("storage is away", without="the server is away")
        looking.press("q")
        assert looking.process.wait(SHOWN_S) == 0
