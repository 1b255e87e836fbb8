"""Batch files from bytes to values: the reference for receivers, strict about every byte (ACC-31)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeVar

from domain.accounting.batches.layouts.errors import BatchFileDamaged, FileFault
from domain.accounting.batches.layouts.form import Form
from domain.accounting.batches.layouts.formats import form_of
from domain.accounting.batches.layouts.lines import (
    Cells,
    LineType,
    Unreadable,
    header_of,
    record_of,
    total_of,
    trailer_cells,
    trailer_of,
)
from domain.accounting.batches.layouts.model import Header, Record, Trailer
from domain.accounting.batches.layouts.splitting import lines_of
from domain.accounting.batches.layouts.tally import Tally
from domain.accounting.configuration.model import FileFormat
from domain.data_files.model import Total, Totals

LINE_BYTES_MAX = 65_536
"""Longer lines are never written, and not read."""

T = TypeVar("T")


def read(file_format: FileFormat, pieces: Iterable[bytes]) -> Iterator[Header | Record | Trailer]:
    """The header, the records in their order, then the trailer; `pieces` may be cut anywhere.

    Nothing of it holds before the trailer has come: until then the file may still turn out to be damaged.

    Raises: BatchFileDamaged, naming line and field, at the first thing that is not as `write` writes it.
    """
    return _Reader(form_of(file_format), pieces).entries()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line as it was found: at which line of the file it begins, its bytes with the break, and what it holds."""

    number: int
    raw: bytes
    type: LineType
    cells: Cells

    def meaning(self, read_cells: Callable[[Cells], T]) -> T:
        """What its cells mean."""
        try:
            return read_cells(self.cells)
        except Unreadable as error:
            raise self.fault(FileFault.MALFORMED, error.text, error.field) from None

    def fault(self, fault: FileFault, text: str, field: str = "") -> BatchFileDamaged:
        return BatchFileDamaged(fault, text, line=self.number, field=field)


class _Reader:
    """Takes line after line, the next of them known, and hashes what it took."""

    def __init__(self, form: Form, pieces: Iterable[bytes]) -> None:
        self._form = form
        self._lines = _lines(form, pieces)
        self._digest = sha256()
        self._next = next(self._lines, None)
        self._taken = 0

    def entries(self) -> Iterator[Header | Record | Trailer]:
        """The file's values, each once the line is known to belong there."""
        first = self._take(LineType.HEADER)
        header = first.meaning(header_of)
        header = replace(header, totals=self._totals(LineType.HEADER_TOTAL))
        yield header
        tally = Tally(header.accounting_day)
        while self._ahead().type is LineType.RECORD:
            yield self._record(tally)
        self._check(header, tally)
        yield self._trailer(tally)

    def _ahead(self) -> _Line:
        if self._next is None:
            raise BatchFileDamaged(FileFault.TRUNCATED, "the file ends before its trailer", line=self._taken + 1)
        return self._next

    def _take(self, line_type: LineType) -> _Line:
        line = self._ahead()
        if line.type is not line_type:
            raise line.fault(FileFault.UNEXPECTED, f"is {line.type} where {line_type} belongs", "type")
        if line_type is not LineType.TRAILER:
            self._digest.update(line.raw)
        self._taken = line.number
        self._next = next(self._lines, None)
        return line

    def _totals(self, line_type: LineType) -> Totals:
        """The lines of totals that stand here, in the order of their currencies."""
        totals: dict[str, Total] = {}
        while self._ahead().type is line_type:
            line = self._take(line_type)
            currency, total = line.meaning(total_of)
            if currency in totals:
                raise line.fault(FileFault.DUPLICATE, "has its totals already", "currency")
            if totals and currency < max(totals):
                raise line.fault(FileFault.UNEXPECTED, "must come in the order of the codes", "currency")
            totals[currency] = total
        return totals

    def _record(self, tally: Tally) -> Record:
        line = self._take(LineType.RECORD)
        number, record = line.meaning(record_of)
        expected = tally.record_count + 1
        if number != expected:
            fault = FileFault.DUPLICATE if number < expected else FileFault.MISSING
            raise line.fault(fault, f"must be {expected}", "recordNumber")
        if wrong := tally.add(record):
            field, text = wrong
            raise line.fault(FileFault.UNBALANCED, text, field)
        return record

    def _check(self, header: Header, tally: Tally) -> None:
        """Whether the records, the header and the trailer's totals agree."""
        line = self._ahead()
        if line.type not in {LineType.TRAILER_TOTAL, LineType.TRAILER}:
            raise line.fault(FileFault.UNEXPECTED, f"is {line.type} where the trailer belongs", "type")
        if text := tally.fault_against(header):
            fault = FileFault.COUNT if tally.record_count != header.record_count else FileFault.TOTALS
            raise line.fault(fault, text)
        if self._totals(LineType.TRAILER_TOTAL) != tally.totals:
            raise line.fault(FileFault.TOTALS, "the records add up to other totals than the trailer's")

    def _trailer(self, tally: Tally) -> Trailer:
        line = self._take(LineType.TRAILER)
        record_count, sha256_text = line.meaning(trailer_of)
        if record_count != tally.record_count:
            raise line.fault(FileFault.COUNT, "must be how many records there are", "recordCount")
        if sha256_text != self._digest.hexdigest():
            raise line.fault(FileFault.CHECKSUM, "must be the SHA-256 of all bytes before this line", "sha256")
        if line.raw != self._form.encode(LineType.TRAILER, trailer_cells(record_count, sha256_text)).encode():
            raise line.fault(FileFault.MALFORMED, "is not written as trailers are")
        if self._next is not None:
            raise self._next.fault(FileFault.UNEXPECTED, "nothing comes after the trailer")
        return Trailer(record_count, tally.totals, sha256_text)


def _lines(form: Form, pieces: Iterable[bytes]) -> Iterator[_Line]:
    """The file's lines, told apart and decoded; those whose cells hold line breaks are joined."""
    number, begun, held = 1, 1, b""
    for part in lines_of(pieces, LINE_BYTES_MAX):
        held += part
        number += 1
        if len(held) > LINE_BYTES_MAX:
            raise BatchFileDamaged(FileFault.MALFORMED, f"must not have more than {LINE_BYTES_MAX} bytes", line=begun)
        if form.is_whole(held):
            yield _decoded(form, begun, held)
            begun, held = number, b""
    if held:
        raise BatchFileDamaged(FileFault.TRUNCATED, "ends within a cell", line=begun)


def _decoded(form: Form, number: int, raw: bytes) -> _Line:
    line_break = form.line_break.encode()
    if not raw.endswith(line_break):
        fault, text = FileFault.TRUNCATED, f"must end with a line break, {line_break!r}"
        raise BatchFileDamaged(fault, text, line=number)
    try:
        line_type, cells = form.decode(raw.removesuffix(line_break).decode())
    except Unreadable as error:
        raise BatchFileDamaged(FileFault.MALFORMED, error.text, line=number, field=error.field) from None
    except UnicodeDecodeError:
        raise BatchFileDamaged(FileFault.MALFORMED, "is not UTF-8", line=number) from None
    return _Line(number, raw, line_type, cells)
