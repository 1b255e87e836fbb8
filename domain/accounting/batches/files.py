"""A batch's files: what they are called, where they lie, how they are written and recorded (ACC-31)."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.accounting.batches.layouts.formats import form_of
from domain.accounting.batches.layouts.model import Header
from domain.accounting.batches.layouts.writing import write
from domain.accounting.batches.model import Batch, BatchFile
from domain.accounting.batches.store import records
from domain.data_files.model import DataFile
from domain.data_files.storage import FileStore, Written
from domain.kernel.call import Call


def name_of(batch: Batch, rerun_no: int) -> str:
    """The name of a file: unique in a set that many clients share."""
    suffix = form_of(batch.file_format).suffix
    return f"accounting-{batch.client_code}-batch-{batch.batch_no}-rerun-{rerun_no}.{suffix}"


def render(tx: Connection, files: FileStore, batch: Batch, rerun_no: int, *, run_id: str, created_us: int) -> Written:
    """Write a file of the batch, the same bytes each time; memory does not grow with it.

    Raises: BatchRecordsDiffer; BatchValueTooWide.
    """
    header = Header(
        batch_no=batch.batch_no,
        rerun_no=rerun_no,
        client=batch.client_code,
        created_us=created_us,
        accounting_day=batch.accounting_day,
        operation_count=batch.operation_count,
        record_count=2 * batch.operation_count,
        totals=batch.totals,
    )
    pieces = write(batch.file_format, header, records.records(tx, batch))
    return files.write(_path(batch, rerun_no, run_id), pieces)


def data_file(batch: Batch, rerun_no: int, written: Written, *, run_id: str, position: int, now_us: int) -> DataFile:
    """A written file for the record of its set."""
    return DataFile(
        set_code=batch.data_file_set_code,
        file_name=name_of(batch, rerun_no),
        operation_id=run_id,
        position=position,
        path=_path(batch, rerun_no, run_id),
        media_type=form_of(batch.file_format).media_type,
        size_bytes=written.size_bytes,
        sha256=written.sha256,
        record_count=2 * batch.operation_count,
        totals=batch.totals,
        manifest=False,
        created_us=now_us,
    )


def batch_file(batch: Batch, call: Call) -> BatchFile:
    """The newest file for the record of its batch, written by the call's long-running operation."""
    return BatchFile(
        client_code=batch.client_code,
        batch_no=batch.batch_no,
        rerun_no=batch.rerun_no,
        data_file_set_code=batch.data_file_set_code,
        file_name=name_of(batch, batch.rerun_no),
        run_id=call.operation_id,
        caller=call.caller,
        created_us=call.now_us,
    )


def _path(batch: Batch, rerun_no: int, run_id: str) -> str:
    """In a folder of the run's own, so that no other run can touch it."""
    return f"{run_id}/{name_of(batch, rerun_no)}"
