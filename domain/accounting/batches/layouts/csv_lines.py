"""Batch files as CSV (RFC 4180): the type of a line in its first cell, then its columns."""

from __future__ import annotations

import csv

from domain.accounting.batches.layouts.form import Form
from domain.accounting.batches.layouts.lines import COLUMNS, TEXT_AT, Cells, LineType, Unreadable
from domain.accounting.configuration.model import FileFormat
from domain.data_files.cells import plain_cell, safe_cell

_LINE_BREAK = "\r\n"


class _Echo:
    """Gives back what a csv writer writes: a line."""

    def write(self, text: str) -> str:
        return text


_WRITER = csv.writer(_Echo(), lineterminator=_LINE_BREAK)


def _encode(line_type: LineType, cells: Cells) -> str:
    row = [line_type.value, *cells]
    for at in TEXT_AT[line_type]:
        row[at] = safe_cell(row[at])
    return str(_WRITER.writerow(row))


def _decode(text: str) -> tuple[LineType, Cells]:
    try:
        (row,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        raise Unreadable("", "is no line of CSV") from None
    if not row or row[0] not in COLUMNS:
        raise Unreadable("type", "must be a type of line")
    line_type = LineType(row[0])
    if len(row) != len(COLUMNS[line_type]) + 1:
        raise Unreadable("", f"must have {len(COLUMNS[line_type]) + 1} cells")
    for at in TEXT_AT[line_type]:
        row[at] = plain_cell(row[at])
    return line_type, row[1:]


def _is_whole(line: bytes) -> bool:
    """Whether every cell that was begun with a double quote is ended."""
    return line.count(b'"') % 2 == 0


FORM = Form(
    file_format=FileFormat.CSV,
    suffix="csv",
    media_type="text/csv; charset=utf-8; header=absent",
    line_break=_LINE_BREAK,
    encode=_encode,
    decode=_decode,
    is_whole=_is_whole,
)
"""The format."""
