"""The manifest of a run's files: counts and control totals, by currency, bulking group and file (GLX-18).

The manifests of a set are chained: each carries its number and the SHA-256 of the one before it, so that one that was
changed, taken away or put elsewhere shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from domain.data_files.model import ChainEnd, DataFile, Totals
from domain.gl_extraction.extraction.elements import MESSAGE_NAMES, GroupSums, emptied_columns
from domain.gl_extraction.extraction.formats import FileFormat
from domain.gl_extraction.extraction.model import Batch
from domain.kernel.money import decimal_text
from domain.kernel.time import iso_of

FORMAT = "countinghouse-gl-manifest-2"
MEDIA_TYPE = "application/json"


def render(batch: Batch, after: ChainEnd, groups: Iterable[GroupSums], files: Iterable[DataFile]) -> Iterator[bytes]:
    """The manifest in pieces: the batch's facts, then a line for each bulking group, then a line for each file.

    `after` is where the set's chain ended before it. `groups` come in order; neighbours with one key are put together.
    `files` come in order, less the manifest.
    """
    yield orjson.dumps(_facts(batch, after))[:-1]  # the object goes on below
    yield b',"bulkingGroups":['
    yield from _lines(_group(group) for group in _joined(groups))
    yield b'],"files":['
    yield from _lines(_file(batch, file, last) for file, last in _with_last_message(batch, files))
    yield b"]}\n"


def _facts(batch: Batch, after: ChainEnd) -> dict[str, object]:
    resend = {"resendOf": batch.resend_of} if batch.resend_of else {}
    previous = {"previousManifestSha256": after.sha256} if after.count else {}
    return {
        "format": FORMAT,
        "manifestNumber": after.count + 1,
        **previous,
        "extractionBatch": batch.batch_no,
        **resend,
        "jobId": batch.operation_id,
        "messageDate": iso_of(batch.message_us),
        "dataFileSet": batch.data_file_set_code,
        "fileFormat": (batch.request.file_format or FileFormat.JSON).value,
        "detailCount": batch.detail_count,
        "elementCount": batch.element_count,
        "messageCount": batch.message_count,
        "firstMessageId": batch.first_message_id,
        "lastMessageId": batch.first_message_id + batch.message_count - 1,
        "totals": _totals(batch.totals),
    }


def _totals(totals: Totals) -> list[dict[str, str]]:
    return [_amounts(currency, total.debit_minor, total.credit_minor) for currency, total in sorted(totals.items())]


def _amounts(currency: str, debit_minor: int, credit_minor: int) -> dict[str, str]:
    return {
        "currencyCode": currency,
        "amountDebit": decimal_text(debit_minor, currency),
        "amountCredit": decimal_text(credit_minor, currency),
    }


def _joined(groups: Iterable[GroupSums]) -> Iterator[GroupSums]:
    """Groups, those put together that came in parts."""
    held: GroupSums | None = None
    for group in groups:
        if held is None or held[:2] != group[:2]:
            if held is not None:
                yield held
            held = group
        else:
            held = held.joined(group)
    if held is not None:
        yield held


def _group(group: GroupSums) -> dict[str, object]:
    told: dict[str, object] = {"bulkingGroupGLFile": group.bulking_group} if group.bulking_group else {}
    told["detailCount"] = group.detail_count
    told["elementCount"] = group.element_count
    told.update(_amounts(group.currency, group.debit_minor, group.credit_minor))
    if group.emptied:
        told["emptied"] = [MESSAGE_NAMES[column] for column in emptied_columns(group.emptied)]
    return told


def _with_last_message(batch: Batch, files: Iterable[DataFile]) -> Iterator[tuple[DataFile, int]]:
    """Each file with the number of its last message: one less than the next file's first."""
    held: DataFile | None = None
    for file in files:
        if held is not None:
            yield held, batch.first_message_id + file.position - 2
        held = file
    if held is not None:
        yield held, batch.first_message_id + batch.message_count - 1


def _file(batch: Batch, file: DataFile, last_message_id: int) -> dict[str, object]:
    return {
        "name": file.file_name,
        "sizeBytes": file.size_bytes,
        "sha256": file.sha256,
        "firstMessageId": batch.first_message_id + file.position - 1,
        "lastMessageId": last_message_id,
        "elementCount": file.record_count,
        "totals": _totals(file.totals),
    }


def _lines(objects: Iterable[dict[str, object]]) -> Iterator[bytes]:
    """The objects, one on each line."""
    before = b"\n"
    for one in objects:
        yield before + orjson.dumps(one)
        before = b",\n"
    yield b"\n"
