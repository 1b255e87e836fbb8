"""Batch files: what is written can be read again, and what is not as it was written is found."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.accounting.batches.layouts.errors import (
    BatchFileDamaged,
    BatchRecordsDiffer,
    BatchValueTooWide,
    FileFault,
)
from domain.accounting.batches.layouts.fixed_width import LINE_WIDTH, TYPE_WIDTH
from domain.accounting.batches.layouts.formats import FORMS, form_of
from domain.accounting.batches.layouts.lines import COLUMNS, LineType
from domain.accounting.batches.layouts.model import Header, Record, Trailer
from domain.accounting.batches.layouts.reading import LINE_BYTES_MAX, read
from domain.accounting.batches.layouts.writing import misfit, write
from domain.accounting.configuration.model import FileFormat
from domain.data_files.model import Total
from domain.kernel.characters import character_fault
from domain.kernel.money import AMOUNT_MINOR_MAX
from tests.accounting.batches.example import HEADER, RECORDS, header_of, operation

pytestmark = pytest.mark.rule("ACC-31")
FORMATS = list(FileFormat)
CSV, FIXED_WIDTH, JSON_LINES = FileFormat.CSV, FileFormat.FIXED_WIDTH, FileFormat.JSON_LINES

texts = st.text(
    st.one_of(st.sampled_from("=+-@'\"\\\t\r\n ,;äß€𝄞ns"), st.characters(exclude_categories=["Cs"])), max_size=20
).filter(lambda text: not character_fault(text))
operations = st.builds(
    operation,
    st.integers(1, 10**20),
    amount_minor=st.integers(1, AMOUNT_MINOR_MAX),
    currency=st.sampled_from(["USD", "JPY", "KWD", "CLF"]),
    **dict.fromkeys(("account", "counter_account", "reason", "claim", "rule", "description", "collection"), texts),
    rule_version=st.integers(0, 10**9),
    performed_us=st.integers(0, 2**52),
)
batches = st.lists(operations, min_size=1, max_size=6).map(lambda many: list(chain.from_iterable(many)))


def written(file_format: FileFormat, records: list[Record] = RECORDS, header: Header | None = None) -> bytes:
    return b"".join(write(file_format, header or header_of(records), records))


def values_of(file_format: FileFormat, content: bytes) -> list[Header | Record | Trailer]:
    return list(read(file_format, [content]))


def fault_in(file_format: FileFormat, content: bytes) -> BatchFileDamaged:
    with pytest.raises(BatchFileDamaged) as found:
        values_of(file_format, content)
    return found.value


def resealed(file_format: FileFormat, lines: Iterable[bytes]) -> bytes:
    """The lines before the trailer, under a trailer that states their checksum and the example's count."""
    form, body = form_of(file_format), b"".join(lines)
    cells = (str(HEADER.record_count), sha256(body).hexdigest())
    return body + form.encode(LineType.TRAILER, cells).encode()


def lines_of(file_format: FileFormat, records: list[Record] = RECORDS) -> list[bytes]:
    """The lines of a file without line breaks in its cells."""
    flat = [replace(record, description=record.description.replace("\n", " ")) for record in records]
    return written(file_format, flat, HEADER if records is RECORDS else None).splitlines(keepends=True)


@pytest.mark.parametrize("file_format", FORMATS)
@given(records=batches, client=texts, cut=st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(file_format: FileFormat, records: list[Record], client: str, cut: int) -> None:
    """Any text, any amount, every currency's digits; wherever the bytes are cut."""
    header = header_of(records, client=client)
    content = written(file_format, records, header)
    pieces = [content[at : at + cut] for at in range(0, len(content), cut)]
    *entries, trailer = read(file_format, pieces)
    assert entries == [header, *records]
    assert isinstance(trailer, Trailer)
    assert (trailer.record_count, trailer.totals) == (len(records), header.totals)


@pytest.mark.parametrize("file_format", FORMATS)
def test_equal_values_give_equal_bytes(file_format: FileFormat) -> None:
    """A batch written again is the same file, but for what the header says of it."""
    assert written(file_format) == written(file_format)
    again = written(file_format, header=replace(HEADER, rerun_no=2))
    assert again != written(file_format)
    assert values_of(file_format, again)[1:-1] == RECORDS


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_checksum_is_over_all_bytes_before_the_last_line(file_format: FileFormat) -> None:
    """As `head -n -1 | sha256sum` gives it."""
    content = written(file_format)
    trailer = values_of(file_format, content)[-1]
    assert isinstance(trailer, Trailer)
    last = content.rstrip(b"\r\n").rfind(b"\n") + 1
    assert trailer.sha256 == sha256(content[:last]).hexdigest()
    assert trailer.sha256.encode() in content[last:]


@pytest.mark.parametrize("file_format", FORMATS)
def test_totals_are_told_by_currency(file_format: FileFormat) -> None:
    """Yen and dinars are never added; each has its own digits."""
    header = values_of(file_format, written(file_format))[0]
    assert isinstance(header, Header)
    assert header.totals == {"JPY": Total(30_000, 30_000), "KWD": Total(1_250, 1_250)}
    text = written(file_format).decode()
    assert len(re.findall(r"(?<!\d)30000(?!\d)", text)) == 4
    assert len(re.findall(r"(?<!\d)1\.250(?!\d)", text)) == 6


@pytest.mark.parametrize("file_format", [CSV, JSON_LINES])
def test_every_changed_byte_is_found(file_format: FileFormat) -> None:
    """One after another, each byte of the file."""
    content = written(file_format)
    for at in range(len(content)):
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        fault_in(file_format, changed)


@pytest.mark.parametrize("file_format", FORMATS)
@given(at=st.integers(0, 10**9), byte=st.integers(0, 255), kind=st.sampled_from(["change", "insert", "delete"]))
@settings(max_examples=200, deadline=None)
def test_any_byte_that_is_changed_put_in_or_left_out_is_found(
    file_format: FileFormat, at: int, byte: int, kind: str
) -> None:
    """Wherever it is."""
    content = written(file_format)
    at %= len(content)
    rest = content[at:] if kind == "insert" else content[at + 1 :]
    changed = content[:at] + (b"" if kind == "delete" else bytes([byte])) + rest
    if changed != content:
        fault_in(file_format, changed)


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_byte_of_the_trailer_counts(file_format: FileFormat) -> None:
    """Nothing hashes the trailer: it has one form, and any other is refused."""
    content = written(file_format)
    for at in range(content.rstrip(b"\r\n").rfind(b"\n") + 1, len(content)):
        for byte in (content[at] ^ 1, 0x20, 0x22, 0x30):
            changed = content[:at] + bytes([byte]) + content[at + 1 :]
            if changed != content:
                fault_in(file_format, changed)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_that_ends_early_is_found_wherever_it_ends(file_format: FileFormat) -> None:
    """At the end of a line, within one, and before anything at all."""
    content = written(file_format)
    ends = [0, 1, *(at + 1 for at, byte in enumerate(content[:-1]) if byte == ord("\n")), len(content) - 1]
    faults = {fault_in(file_format, content[:end]).fault for end in ends}
    assert faults <= {FileFault.TRUNCATED, FileFault.COUNT, FileFault.MALFORMED}
    assert fault_in(file_format, b"").fault is FileFault.TRUNCATED
    assert fault_in(file_format, content[:-1]).fault is FileFault.TRUNCATED


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_record_that_is_there_twice_or_not_at_all_is_named(file_format: FileFormat) -> None:
    """The number of the line and the field; a new checksum does not hide it."""
    lines = lines_of(file_format)[:-1]
    twice = fault_in(file_format, resealed(file_format, [*lines[:4], lines[3], *lines[4:]]))
    assert (twice.fault, twice.line, twice.field) == (FileFault.DUPLICATE, 5, "recordNumber")
    left_out = fault_in(file_format, resealed(file_format, [*lines[:4], *lines[5:]]))
    assert (left_out.fault, left_out.line, left_out.field) == (FileFault.MISSING, 5, "recordNumber")
    total_twice = fault_in(file_format, resealed(file_format, [*lines[:2], lines[1], *lines[2:]]))
    assert (total_twice.fault, total_twice.line, total_twice.field) == (FileFault.DUPLICATE, 3, "currency")
    assert "line 3, currency" in total_twice.message


@pytest.mark.parametrize("file_format", FORMATS)
def test_lines_have_their_places(file_format: FileFormat) -> None:
    """The header first, the trailer last, and nothing after it."""
    lines = lines_of(file_format)
    for order, line in (
        ([*lines[1:]], 1),
        ([lines[0], lines[2], lines[1], *lines[3:]], 3),
        ([*lines, lines[-1]], len(lines) + 1),
        ([lines[0], *lines], 2),
    ):
        found = fault_in(file_format, b"".join(order))
        assert (found.fault, found.line) == (FileFault.UNEXPECTED, line)


@pytest.mark.parametrize("file_format", FORMATS)
def test_counts_and_totals_must_agree_with_the_records(file_format: FileFormat) -> None:
    """Of the header, and of the trailer; though every checksum is right."""
    form, lines = form_of(file_format), lines_of(file_format)[:-1]
    wrong_total = form.encode(LineType.HEADER_TOTAL, ("JPY", "30000", "30001")).encode()
    found = fault_in(file_format, resealed(file_format, [lines[0], wrong_total, *lines[2:]]))
    assert (found.fault, found.line) == (FileFault.TOTALS, len(lines) - 1)
    wrong_total = form.encode(LineType.TRAILER_TOTAL, ("JPY", "30000", "30001")).encode()
    found = fault_in(file_format, resealed(file_format, [*lines[:-2], wrong_total, lines[-1]]))
    assert found.fault is FileFault.TOTALS
    fewer = lines_of(file_format, RECORDS[:4])
    other_count = written(file_format, header=HEADER).splitlines(keepends=True)[0]
    found = fault_in(file_format, resealed(file_format, [other_count, *fewer[1:-1]]))
    assert found.fault is FileFault.COUNT
    body = b"".join(lines)
    trailer = form.encode(LineType.TRAILER, ("5", sha256(body).hexdigest())).encode()
    found = fault_in(file_format, body + trailer)
    assert (found.fault, found.field) == (FileFault.COUNT, "recordCount")


@pytest.mark.rule("ACC-03")
@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize(
    "values", [{"amount_minor": 14_999}, {"operation_id": "other"}, {"account": "9"}, {"accounting_day": 20260529}]
)
def test_the_steps_of_an_operation_belong_together(file_format: FileFormat, values: dict[str, object]) -> None:
    """One amount, two accounts, the debit first, on the day of the batch: neither written nor read otherwise."""
    wrong = [RECORDS[0], replace(RECORDS[1], **values), *RECORDS[2:]]  # type: ignore[arg-type]
    with pytest.raises(BatchRecordsDiffer, match="record 2"):
        written(file_format, wrong, HEADER)
    form = form_of(file_format)
    lines = lines_of(file_format)[:-1]
    cells = list(form.decode(lines[4].decode().removesuffix(form.line_break))[1])
    for name, cell in {
        "amount_minor": ("amount", "14999"),
        "operation_id": ("operation", "other"),
        "account": ("account", "9"),
        "accounting_day": ("accountingDate", "2026-05-29"),
    }.items():
        if name in values:
            cells[[column.name for column in COLUMNS[LineType.RECORD]].index(cell[0])] = cell[1]
    lines[4] = form.encode(LineType.RECORD, cells).encode()
    found = fault_in(file_format, resealed(file_format, lines))
    assert (found.fault, found.line) == (FileFault.UNBALANCED, 5)


@pytest.mark.parametrize(
    "values", [{"record_count": 4}, {"operation_count": 2}, {"totals": {"JPY": Total(30_000, 30_000)}}]
)
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_is_not_ended_when_the_records_are_not_those_of_the_header(
    file_format: FileFormat, values: dict[str, object]
) -> None:
    """What was counted when the batch was made is what is written, or nothing is."""
    pieces = write(file_format, replace(HEADER, **values), RECORDS)  # type: ignore[arg-type]
    with pytest.raises(BatchRecordsDiffer):
        b"".join(pieces)
    with pytest.raises(BatchRecordsDiffer):
        written(file_format, RECORDS[:-1], HEADER)


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ("amount", "15000.0"),
        ("amount", "-15000"),
        ("amount", "1e4"),
        ("currency", "XXX"),
        ("side", "BOTH"),
        ("recordNumber", "01"),
        ("ruleVersion", "three"),
        ("performedAt", "2026-05-28T20:26:39Z"),
        ("performedAt", "2026-05-32T20:26:39.123456Z"),
        ("accountingDate", "2026-02-30"),
    ],
)
@pytest.mark.parametrize("file_format", [CSV, FIXED_WIDTH])
def test_a_cell_that_cannot_be_read_is_named(file_format: FileFormat, field: str, cell: str) -> None:
    """By the line and the field."""
    form, lines = form_of(file_format), lines_of(file_format)
    cells = list(form.decode(lines[3].decode().removesuffix(form.line_break))[1])
    cells[[column.name for column in COLUMNS[LineType.RECORD]].index(field)] = cell
    lines[3] = form.encode(LineType.RECORD, cells).encode()
    found = fault_in(file_format, b"".join(lines))
    assert (found.fault, found.line, found.field) == (FileFault.MALFORMED, 4, field)


@pytest.mark.parametrize(
    ("file_format", "line", "field"),
    [
        (CSV, b'HEADER,"\r\n', ""),
        (CSV, b'HEADER,1,"7"x\r\n', ""),
        (CSV, b"NOTHING,1\r\n", "type"),
        (CSV, b"\r\n", "type"),
        (CSV, b"HEADER,1\r\n", ""),
        (CSV, b"HEADER,2,7,0,c,2026-05-28T20:26:40.000000Z,2026-05-28,1,2\r\n", "layout"),
        (CSV, b"HEADER,\xff\r\n", ""),
        (CSV, b"H" * (LINE_BYTES_MAX + 2) + b"\r\n", ""),
        (FIXED_WIDTH, b"HEADER\n", ""),
        (FIXED_WIDTH, b"NOTHING".ljust(LINE_WIDTH) + b"\n", "type"),
        (FIXED_WIDTH, b"HEADER".ljust(TYPE_WIDTH) + rb"\x".rjust(LINE_WIDTH - TYPE_WIDTH) + b"\n", "layout"),
        (JSON_LINES, b"[]\n", ""),
        (JSON_LINES, b"{\n", ""),
        (JSON_LINES, b'{"type":7}\n', "type"),
        (JSON_LINES, b'{"type":"TRAILER","recordCount":"6"}\n', "recordCount"),
        (JSON_LINES, b'{"type":"TRAILER","recordCount":true}\n', "recordCount"),
        (JSON_LINES, b'{"type":"HEADER","layout":1,"client":7}\n', "client"),
        (JSON_LINES, b'{"type":"HEADER","batch":7}\n', "batch"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(file_format: FileFormat, line: bytes, field: str) -> None:
    """Never an error of ours, whatever it holds."""
    found = fault_in(file_format, line)
    assert (found.line, found.field) == (1, field)
    assert found.fault in {FileFault.MALFORMED, FileFault.TRUNCATED}


@pytest.mark.parametrize("file_format", FORMATS)
@given(content=st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_bytes_that_are_no_batch_file_are_refused(file_format: FileFormat, content: bytes) -> None:
    """Whatever they are."""
    fault_in(file_format, content)


def test_a_csv_cell_is_never_taken_for_a_formula() -> None:
    """What could begin one has a mark before it; amounts and dates never have."""
    text = written(CSV).decode()
    assert ",'=HYPERLINK(1)\r\n" in text
    assert ",15000,JPY," in text


def test_a_line_of_fixed_width_has_every_column_at_its_place() -> None:
    """Counted in characters, umlauts or not; text that has line breaks stays on its line."""
    lines = written(FIXED_WIDTH).decode().split("\n")
    assert lines.pop() == ""
    assert {len(line) for line in lines} == {LINE_WIDTH}
    at = TYPE_WIDTH
    places = {}
    for column in COLUMNS[LineType.RECORD]:
        places[column.name] = slice(at, at + column.width)
        at += column.width
    record = lines[5]
    assert record[places["amount"]] == "1.250".rjust(21)
    assert record[places["description"]].rstrip() == 'Gebühr für "Müller & Söhne", zurück'
    assert lines[7][places["description"]].rstrip() == r"two\nlines\s"


def test_a_value_that_does_not_fit_is_refused_and_never_cut() -> None:
    """The operation and the field are named; the same record fits into the other formats."""
    records = list(operation(1, description="ü" * 512))
    assert values_of(FIXED_WIDTH, written(FIXED_WIDTH, records))[1] == records[0]
    records = list(operation(1, description="ü" * 513))
    with pytest.raises(BatchValueTooWide) as found:
        written(FIXED_WIDTH, records)
    assert found.value.details == {"field": "description", "width": "512", "where": f"operation {1:026d}"}
    assert [each for each in FORMATS if misfit(each, records[0])] == [FIXED_WIDTH]


def test_json_lines_hold_amounts_as_decimal_text_and_leave_out_what_is_empty() -> None:
    """No number that a reader could take for a binary fraction."""
    first = json.loads(written(JSON_LINES).splitlines()[3])
    assert first["amount"] == "15000"
    assert first["recordNumber"] == 1
    assert "reverses" not in first
    assert json.loads(written(JSON_LINES).splitlines()[7])["reverses"] == f"{1:026d}"


def test_every_format_is_there_once() -> None:
    """What can be configured can be written."""
    assert [form.file_format for form in FORMS] == FORMATS
    assert len({form.suffix for form in FORMS}) == len(FORMS)


@pytest.mark.parametrize("file_format", FORMATS)
def test_memory_does_not_grow_with_the_file(file_format: FileFormat) -> None:
    """Thousands of records go through writing and reading without being held."""
    count = 3_000
    one = operation(1)

    def records() -> Iterator[Record]:
        for _ in range(count):
            yield from one

    total = Total(100 * count, 100 * count)
    header = header_of(list(one), operation_count=count, record_count=2 * count, totals={"USD": total})
    tracemalloc.start()
    try:
        assert sum(1 for _ in read(file_format, write(file_format, header, records()))) == 2 * count + 2
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
