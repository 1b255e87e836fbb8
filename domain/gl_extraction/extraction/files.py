"""A run's files: what they are called, where they lie, and how they are recorded (GLX-18, GLX-19)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from domain.data_files import store
from domain.data_files.model import ChainEnd, DataFile, Totals, file_name, sum_of, totals_to_document
from domain.data_files.storage import Written
from domain.gl_extraction.extraction import manifest
from domain.gl_extraction.extraction.formats import FORMS, FileFormat, Form
from domain.gl_extraction.extraction.model import Batch
from domain.gl_extraction.extraction.rendering import MessageFile
from domain.kernel.documents import Document

_PAGE = 500


def form(batch: Batch) -> Form:
    """How the batch's files of messages are written."""
    return FORMS[batch.request.file_format or FileFormat.JSON]


def messages_name(batch: Batch, first_message_id: int) -> str:
    """The name of a file of messages: the batch makes it unique in a set, the first message in the batch."""
    return f"gl-batch-{batch.batch_no}-messages-{first_message_id:09}.{form(batch).suffix}"


def manifest_name(batch: Batch) -> str:
    """The name of the manifest."""
    return f"gl-batch-{batch.batch_no}-manifest.json"


def path(batch: Batch, name: str) -> str:
    """Where the file lies: in a folder of the run's own, so that no other run can touch it."""
    return f"{batch.operation_id}/{name}"


def manifest_path(batch: Batch, after: ChainEnd) -> str:
    """Where the manifest lies that comes after these in its set: one written for another place stays beside it."""
    name = manifest_name(batch)
    return path(batch, f"after-{after.sha256[:16]}-{name}" if after.count else name)


def messages_file(batch: Batch, written: MessageFile, now_us: int) -> DataFile:
    """A written file of messages for the record; its position is that of its first message in the run."""
    name = messages_name(batch, written.first_message_id)
    return DataFile(
        set_code=batch.data_file_set_code,
        file_name=name,
        operation_id=batch.operation_id,
        position=written.first_message_id - batch.first_message_id + 1,
        path=path(batch, name),
        media_type=form(batch).media_type,
        size_bytes=written.written.size_bytes,
        sha256=written.written.sha256,
        record_count=written.element_count,
        totals=written.totals,
        manifest=False,
        created_us=now_us,
    )


def manifest_file(batch: Batch, written: Written, after: ChainEnd, now_us: int) -> DataFile:
    """The written manifest for the record; it comes after the last message."""
    name = manifest_name(batch)
    return DataFile(
        set_code=batch.data_file_set_code,
        file_name=name,
        operation_id=batch.operation_id,
        position=batch.message_count + 1,
        path=manifest_path(batch, after),
        media_type=manifest.MEDIA_TYPE,
        size_bytes=written.size_bytes,
        sha256=written.sha256,
        record_count=batch.element_count,
        totals=batch.totals,
        manifest=True,
        created_us=now_us,
    )


def of_run(tx: Connection, batch: Batch) -> Iterator[DataFile]:
    """The run's files of messages in order. Cost: a statement for 500 of them."""
    after = 0
    while page := store.page_of_run(tx, batch.operation_id, after_position=after, limit=_PAGE):
        yield from (file for file in page if not file.manifest)
        after = page[-1].position


def figures_of_run(tx: Connection, batch: Batch) -> tuple[int, Totals]:
    """How many elements the run's files of messages hold, and what those come to. Cost: as `of_run`."""
    count, totals = 0, sum_of(())
    for file in of_run(tx, batch):
        count, totals = count + file.record_count, sum_of((totals, file.totals))
    return count, totals


def result_of(batch: Batch) -> Document:
    """What the operation came to, less its files."""
    return {
        "extraction_batch": batch.batch_no,
        "data_file_set": batch.data_file_set_code,
        "detail_count": batch.detail_count,
        "element_count": batch.element_count,
        "message_count": batch.message_count,
        "first_message_id": batch.first_message_id,
        "totals": totals_to_document(batch.totals),
    }


def file_to_document(file: DataFile) -> Document:
    """A file for the operation's result."""
    return {
        "name": file_name(file.set_code, file.file_name),
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "record_count": file.record_count,
        "totals": totals_to_document(file.totals),
        "manifest": file.manifest,
        "operation_id": file.operation_id,
        "created_us": file.created_us,
    }
