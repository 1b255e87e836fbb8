"""Return files: what a receiver says of a batch's records, row by row (ACC-37).

A wrong row is told beside the others and stops none of them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.accounting.batches.layouts.json_lines import object_of
from domain.accounting.batches.layouts.lines import Unreadable, number_of
from domain.accounting.batches.layouts.splitting import lines_of
from domain.accounting.configuration.model import FileFormat
from domain.kernel.characters import REASON as CHARACTER_REFUSED
from domain.kernel.characters import character_fault
from domain.kernel.errors import Violation

LINES_MAX = 5_000_000
"""How many lines of a file are looked at; of a longer one the rest is refused with one fault."""

LINE_BYTES_MAX = 16_384

LENGTHS: Mapping[str, int] = {
    "batchNumber": 18,
    "operation": 64,
    "recordNumber": 18,
    "decision": 16,
    "reason": 128,
    "text": 512,
    "externalReference": 128,
}
"""The columns of a return file, and how many characters each may have."""

REQUIRED = ("batchNumber", "operation", "decision")
_NUMBERS = frozenset({"batchNumber", "recordNumber"})
_BOM = b"\xef\xbb\xbf"


class Decision(StrEnum):
    """What the receiver did with a record."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Return:
    """What is said of one record, or of both records of an operation (`record_no` 0); `line` is where it stands."""

    line: int
    batch_no: int
    operation_id: str
    record_no: int
    decision: Decision
    reason: str
    text: str
    external_reference: str


@dataclass(frozen=True, slots=True)
class ReturnFault:
    """What is wrong with a line; the violation's field is the column, empty for the whole line."""

    line: int
    violation: Violation


Fields = Mapping[str, str]
"""A row by the names of its columns; every one is there, maybe empty."""

Lines = Iterator[tuple[int, bytes]]
"""Lines with their numbers."""


def parse(file_format: FileFormat, pieces: Iterable[bytes]) -> Iterator[Return | ReturnFault]:
    """The rows of a return file and the faults of those that cannot be taken, in the order of the lines.

    `pieces` may be cut anywhere; `file_format` is one of RETURN_FORMATS. A row with several faults has them all. Where
    the first line of CSV does not name the columns, that is the only fault: nothing more can be read. Memory does not
    grow with the file; whether a batch and operation exist, or are told of twice, is for the caller to find.
    """
    lines = enumerate(lines_of(pieces, LINE_BYTES_MAX), start=1)
    try:
        fields_of = _PARSERS[file_format](lines)
    except Unreadable as error:
        yield _unreadable(1, error)
        return
    for line, raw in lines:
        if line > LINES_MAX:
            text = f"a file has at most {LINES_MAX:,} lines; this one and the rest were not looked at"
            yield ReturnFault(line, Violation("", "TOO_MANY_ITEMS", text))
            return
        try:
            fields = fields_of(_text_of(line, raw))
        except Unreadable as error:
            yield _unreadable(line, error)
            continue
        if fields is not None:
            yield from _taken(line, fields)


def _unreadable(line: int, error: Unreadable) -> ReturnFault:
    return ReturnFault(line, Violation(error.field, "RETURN_LINE_UNREADABLE", error.text))


def _text_of(line: int, raw: bytes) -> str:
    """The text of a line, without its break; of the first without the mark of UTF-8 that some programs write."""
    content = raw.removesuffix(b"\n").removesuffix(b"\r")
    if len(content) > LINE_BYTES_MAX:
        raise Unreadable("", f"has more than {LINE_BYTES_MAX} bytes")
    try:
        return (content.removeprefix(_BOM) if line == 1 else content).decode()
    except UnicodeDecodeError:
        raise Unreadable("", "is not UTF-8") from None


def _taken(line: int, fields: Fields) -> Iterator[Return | ReturnFault]:
    faults = list(_faults(fields))
    if faults:
        yield from (ReturnFault(line, fault) for fault in faults)
        return
    yield Return(
        line=line,
        batch_no=int(fields["batchNumber"]),
        operation_id=fields["operation"],
        record_no=int(fields["recordNumber"] or 0),
        decision=Decision(fields["decision"]),
        reason=fields["reason"],
        text=fields["text"],
        external_reference=fields["externalReference"],
    )


def _faults(fields: Fields) -> Iterator[Violation]:
    """What is wrong with a row, one fault a field at most."""
    for name, value in fields.items():
        if fault := _fault(name, value):
            yield fault
    if fields["decision"] == Decision.REJECTED and not fields["reason"]:
        yield Violation("reason", "FIELD_REQUIRED", "must say why, where the decision is REJECTED")


def _fault(name: str, value: str) -> Violation | None:
    if not value:
        return Violation(name, "FIELD_REQUIRED", "must be given") if name in REQUIRED else None
    if len(value) > LENGTHS[name]:
        return Violation(name, "FIELD_TOO_LONG", f"must have at most {LENGTHS[name]} characters")
    if fault := character_fault(value):
        return Violation(name, CHARACTER_REFUSED, fault)
    if name in _NUMBERS:
        try:
            number_of(name, value)
        except Unreadable as error:
            return Violation(name, "RETURN_NUMBER_INVALID", error.text)
    if name == "decision" and value not in Decision.__members__:
        return Violation(name, "RETURN_DECISION_UNKNOWN", "must be ACCEPTED or REJECTED")
    return None


def _csv(lines: Lines) -> Callable[[str], Fields | None]:
    """How rows of CSV (RFC 4180) are read; takes the first line, which names the columns in any order."""
    line, raw = next(lines, (1, b""))
    names = _cells_of(_text_of(line, raw))
    for name in names:
        if name not in LENGTHS:
            raise Unreadable(name[:64], f"is no column of a return file: these are {', '.join(LENGTHS)}")
    for name in LENGTHS:
        if names.count(name) > 1 or (name in REQUIRED and name not in names):
            raise Unreadable(name, "must be named once in the first line")

    def fields_of(text: str) -> Fields | None:
        cells = _cells_of(text)
        if cells and len(cells) != len(names):
            raise Unreadable("", f"must have {len(names)} cells, as the first line has")
        return dict.fromkeys(LENGTHS, "") | dict(zip(names, cells, strict=True)) if cells else None

    return fields_of


def _cells_of(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        raise Unreadable("", "is no line of CSV; cells hold no line breaks") from None


def _json(_: Lines) -> Callable[[str], Fields | None]:
    """How rows of JSON Lines are read: an object each."""
    return _json_fields


def _json_fields(text: str) -> Fields | None:
    if not text.strip():
        return None
    document = object_of(text)
    fields = dict.fromkeys(LENGTHS, "")
    for name, value in document.items():
        if name not in LENGTHS:
            raise Unreadable(name[:64], f"is no field of a return: these are {', '.join(LENGTHS)}")
        if name in _NUMBERS and isinstance(value, int) and not isinstance(value, bool):
            fields[name] = str(value)
        elif isinstance(value, str):
            fields[name] = value
        elif value is not None:
            raise Unreadable(name, "must be text" if name not in _NUMBERS else "must be a whole number")
    return fields


_PARSERS: Mapping[FileFormat, Callable[[Lines], Callable[[str], Fields | None]]] = {
    FileFormat.CSV: _csv,
    FileFormat.JSON_LINES: _json,
}

RETURN_FORMATS = tuple(_PARSERS)
"""The formats in which returns are read."""
