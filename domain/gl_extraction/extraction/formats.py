"""The formats of files of messages: the same elements and sums in each (GLX-17, GLX-18).

Amounts and numbers are decimal text, never binary floats; text is UTF-8. The same elements give the same bytes whenever
they are rendered again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import orjson

from domain.data_files.cells import safe_cell
from domain.gl_extraction.extraction.elements import DAY_COLUMNS, MESSAGE_NAMES
from domain.kernel.money import decimal_text
from domain.kernel.time import iso_day

_FLAGS = frozenset({"reversal", "invoiced"})
_AMOUNTS = frozenset({"debit_minor", "credit_minor"})
_iso_day = cache(iso_day)


class FileFormat(StrEnum):
    """How files of messages are written."""

    JSON = "JSON"
    JSON_LINES = "JSON_LINES"
    CSV = "CSV"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every message of a run carries: the operation's id and the instant as ISO 8601."""

    job_id: str
    message_date: str


Rows = Sequence[tuple[Any, ...]]
"""Elements as tuples of the columns that are read."""


@dataclass(frozen=True, slots=True)
class Form:
    """A format: what a file is called and begins, goes on and ends with, and the bytes of a message.

    `body` is handed the stamp, the message's number, the columns and the elements. The number stands in it once, or
    `number_in_each` element.
    """

    suffix: str
    media_type: str
    head: bytes
    between: bytes
    tail: bytes
    body: Callable[[Stamp, int, Sequence[str], Rows], bytes]
    number_in_each: bool = False


CSV_HEADER = ("messageId", "jobId", "messageDate", *MESSAGE_NAMES.values())
"""The columns of every CSV file, in their order, whatever is in use."""


def _json_body(stamp: Stamp, message_id: int, columns: Sequence[str], rows: Rows) -> bytes:
    """A message on one line; empty fields are left out, amounts and indicators are always there."""
    names = [MESSAGE_NAMES[name] for name in columns]
    elements = [
        {name: value for name, value in zip(names, values, strict=True) if value != ""}
        for values in _told(columns, rows)
    ]
    return orjson.dumps(
        {
            "id": message_id,
            "jobId": stamp.job_id,
            "messageDate": stamp.message_date,
            "accountingDetails": elements,
        }
    )


def _csv_body(stamp: Stamp, message_id: int, columns: Sequence[str], rows: Rows) -> bytes:
    """An element on each line, the message's facts before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    facts = [str(message_id), stamp.job_id, stamp.message_date]
    places = {name: at for at, name in enumerate(MESSAGE_NAMES)}
    spread = [places[name] for name in columns]
    for values in _told(columns, rows):
        cells = [""] * len(MESSAGE_NAMES)
        for at, value in zip(spread, values, strict=True):
            cells[at] = str(value).lower() if isinstance(value, bool) else safe_cell(value)
        writer.writerow([*facts, *cells])
    return text.getvalue().encode()


def _header() -> bytes:
    return ",".join(CSV_HEADER).encode() + b"\r\n"


def _told(columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Iterable[list[Any]]:
    """The elements' values as they are told: days and amounts as text, indicators as truth values."""
    days, flags, amounts = (
        [at for at, name in enumerate(columns) if name in those] for those in (DAY_COLUMNS, _FLAGS, _AMOUNTS)
    )
    currency_at = columns.index("currency")
    for row in rows:
        values = list(row)
        for at in days:
            values[at] = _iso_day(values[at])
        for at in flags:
            values[at] = values[at] == 1
        for at in amounts:
            assert values[at] >= 0, "debits and credits are summed apart, and neither is ever negative"
            values[at] = decimal_text(values[at], values[currency_at])
        yield values


FORMS = {
    FileFormat.JSON: Form("json", "application/json", b'{"messages":[\n', b",\n", b"\n]}\n", _json_body),
    FileFormat.JSON_LINES: Form("jsonl", "application/jsonl", b"", b"\n", b"\n", _json_body),
    FileFormat.CSV: Form(
        "csv", "text/csv; charset=utf-8; header=present", _header(), b"", b"", _csv_body, number_in_each=True
    ),
}
"""Every format."""
