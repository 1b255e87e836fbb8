"""Batch files from values to bytes: pure, and in bounded memory however many records there are (ACC-31)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain, islice

from domain.accounting.batches.layouts.errors import BatchRecordsDiffer, BatchValueTooWide
from domain.accounting.batches.layouts.form import Form, TooWide
from domain.accounting.batches.layouts.formats import form_of
from domain.accounting.batches.layouts.lines import LineType, header_cells, record_cells, total_cells, trailer_cells
from domain.accounting.batches.layouts.model import Header, Record
from domain.accounting.batches.layouts.tally import Tally
from domain.accounting.configuration.model import FileFormat

_LINES_PER_PIECE = 256


def write(file_format: FileFormat, header: Header, records: Iterable[Record]) -> Iterator[bytes]:
    """The bytes of a file, in pieces; equal values give equal bytes.

    `records` are the two steps of each operation one after another, the debit first, in the order in which they are
    numbered from 1; they are read once.

    Raises: BatchRecordsDiffer, before the trailer, when they are not what the header says of them; BatchValueTooWide.
    """
    form = form_of(file_format)
    tally = Tally(header.accounting_day)
    digest = sha256()
    lines = chain(_head(form, header), _body(form, records, tally), _tail(form, tally))
    while lines_of_piece := list(islice(lines, _LINES_PER_PIECE)):
        piece = "".join(lines_of_piece).encode()
        digest.update(piece)
        yield piece
    if fault := tally.fault_against(header):
        raise BatchRecordsDiffer(fault)
    yield form.encode(LineType.TRAILER, trailer_cells(tally.record_count, digest.hexdigest())).encode()


def misfit(file_format: FileFormat, record: Record) -> BatchValueTooWide | None:
    """Why a record cannot be written in the format, or None where it can."""
    try:
        _record_line(form_of(file_format), 1, record)
    except BatchValueTooWide as error:
        return error
    return None


def _head(form: Form, header: Header) -> Iterator[str]:
    yield form.encode(LineType.HEADER, header_cells(header))
    for currency, total in sorted(header.totals.items()):
        yield form.encode(LineType.HEADER_TOTAL, total_cells(currency, total))


def _body(form: Form, records: Iterable[Record], tally: Tally) -> Iterator[str]:
    for number, record in enumerate(records, start=1):
        if fault := tally.add(record):
            field, text = fault
            raise BatchRecordsDiffer(f"record {number}: {field} {text}")
        yield _record_line(form, number, record)


def _record_line(form: Form, number: int, record: Record) -> str:
    try:
        return form.encode(LineType.RECORD, record_cells(number, record))
    except TooWide as error:
        where = f"operation {record.operation_id}"
        raise BatchValueTooWide(error.column.name, width=error.column.width, where=where) from None


def _tail(form: Form, tally: Tally) -> Iterator[str]:
    """The totals of what was written by then."""
    for currency, total in tally.totals.items():
        yield form.encode(LineType.TRAILER_TOTAL, total_cells(currency, total))
