"""Written files are shown and sent, and their batches say so: for the first file and for every later one (ACC-34)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.batches import attention, files
from domain.accounting.batches.model import Batch
from domain.accounting.batches.states import BatchState, may_become
from domain.accounting.batches.store import batches
from domain.data_files import service as data_files
from domain.data_files import transmissions
from domain.data_files.model import totals_to_document
from domain.data_files.transmissions import Routes
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.operations import service as operations
from domain.operations.model import Work


def publish(tx: Connection, work: Work, routes: Routes, written: Sequence[tuple[Batch, int]]) -> list[Batch]:
    """Show the recorded files of a run, one of each batch with its rerun number, and send them wherever their set goes.

    The batches, which are locked, are of one set. Gives them as they are now. Raises: DataFileSetLocked.
    """
    set_code = written[0][0].data_file_set_code
    call = operations.call_of(tx, work.operation, work.now_us)
    shown = data_files.reveal_run(tx, call, set_code, work.operation.description)
    transmissions.send_run(tx, routes, shown, work.operation.operation_id)
    state = BatchState.TRANSMITTING if any(route.takes(set_code) for route in routes) else BatchState.WRITTEN
    return [_written(tx, call, batch, rerun_no, state) for batch, rerun_no in written]


def result_of(batch: Batch) -> Document:
    """A batch and its newest file, for the operation's result."""
    return {
        "client": batch.client_code,
        "batch_no": batch.batch_no,
        "rerun_no": batch.rerun_no,
        "accounting_day": batch.accounting_day,
        "operation_count": batch.operation_count,
        "totals": totals_to_document(batch.totals),
        "set_code": batch.data_file_set_code,
        "file_name": files.name_of(batch, batch.rerun_no),
    }


def _written(tx: Connection, call: Call, before: Batch, rerun_no: int, state: BatchState) -> Batch:
    assert may_become(before.state, state), (before.state, state)
    delivered = before.state is BatchState.TRANSMITTED
    batch = replace(
        before,
        state=state,
        rerun_no=rerun_no,
        writer_id="",
        regenerated_after_delivery=before.regenerated_after_delivery or delivered,
        written_us=before.written_us or call.now_us,
        updated_us=call.now_us,
    )
    batches.change(tx, batch)
    batches.add_file(tx, files.batch_file(batch, call))
    attention.end(tx, call, batch, outcome="SENT_AGAIN")
    told = {
        "from": {"state": before.state.value, "rerun_no": before.rerun_no},
        "to": {"state": state.value, "rerun_no": rerun_no},
        "after_delivery": delivered,
        "operation_count": batch.operation_count,
        "totals": totals_to_document(batch.totals),
    }
    events.append(tx, call, batch.name, "accounting_batch.written", told)
    return batch
