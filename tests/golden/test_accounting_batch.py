"""Batch and return files byte by byte, and the page that tells receivers what stands where."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from domain.accounting.batches.layouts.fixed_width import LINE_WIDTH, TYPE_WIDTH
from domain.accounting.batches.layouts.formats import FORMS, form_of
from domain.accounting.batches.layouts.lines import COLUMNS, LineType
from domain.accounting.batches.layouts.model import Trailer
from domain.accounting.batches.layouts.reading import read
from domain.accounting.batches.layouts.returns import LENGTHS, REQUIRED, Decision, Return, ReturnFault, parse
from domain.accounting.batches.layouts.writing import write
from domain.accounting.configuration.model import FileFormat
from tests.accounting.batches.example import HEADER, RECORDS
from tests.house.tree import ROOT

HERE = Path(__file__).parent
PAGE = ROOT / "docs" / "reference" / "accounting-files.md"


def golden(file_format: FileFormat, name: str = "accounting_batch") -> bytes:
    return (HERE / f"{name}.{form_of(file_format).suffix}").read_bytes()


@pytest.mark.rule("ACC-31")
@pytest.mark.parametrize("file_format", FileFormat)
def test_the_file_of_the_example_is_this(file_format: FileFormat) -> None:
    """Yen and dinars, a reversal, a formula that is none, umlauts, a text of two lines."""
    content = golden(file_format)
    assert b"".join(write(file_format, HEADER, RECORDS)) == content
    *entries, trailer = read(file_format, [content])
    assert entries == [HEADER, *RECORDS]
    assert isinstance(trailer, Trailer)
    assert trailer.sha256 == hashlib.sha256(content[: content.rfind(b"\n", 0, -1) + 1]).hexdigest()


@pytest.mark.rule("ACC-37")
@pytest.mark.parametrize("file_format", [FileFormat.CSV, FileFormat.JSON_LINES])
def test_a_return_file_says_the_same_in_both_formats(file_format: FileFormat) -> None:
    """Two operations accepted, one rejected, and a line that cannot be taken."""
    found = list(parse(file_format, [golden(file_format, "accounting_returns")]))
    rows = [each for each in found if isinstance(each, Return)]
    assert [(each.batch_no, each.operation_id[-1], each.record_no, each.decision) for each in rows] == [
        (7, "1", 0, Decision.ACCEPTED),
        (7, "2", 4, Decision.REJECTED),
        (7, "3", 0, Decision.ACCEPTED),
    ]
    assert (rows[1].reason, rows[1].text) == ("R03", "Konto geschlossen, Müller")
    assert rows[0].external_reference == "GL-4711"
    (fault,) = (each for each in found if isinstance(each, ReturnFault))
    assert (fault.violation.field, fault.violation.reason) == ("decision", "RETURN_DECISION_UNKNOWN")


@pytest.mark.rule("ACC-31")
@pytest.mark.parametrize("line_type", LineType)
def test_the_page_tells_every_column_and_its_place(line_type: LineType) -> None:
    """In the order of the file; nothing more, nothing less."""
    page = PAGE.read_text(encoding="utf-8")
    (section,) = (part for part in page.split("\n### ")[1:] if line_type.value in part.splitlines()[0].split())
    told = [line.split(" | ")[:4] for line in section.split("\n## ")[0].splitlines() if line.startswith("| `")]
    at, places = TYPE_WIDTH + 1, []
    for column in COLUMNS[line_type]:
        places.append([f"| `{column.name}`", column.kind.value.lower(), str(at), str(at + column.width - 1)])
        at += column.width
    assert told == places


@pytest.mark.rule("ACC-31", "ACC-37")
def test_the_page_tells_formats_and_return_fields() -> None:
    """Endings, media types, the length of a line; every field of a return file with its bound."""
    page = PAGE.read_text(encoding="utf-8")
    for form in FORMS:
        assert f"| {form.file_format} | `.{form.suffix}` | `{form.media_type}` |" in page
    assert f"Every line has {LINE_WIDTH:,} characters" in page
    for name, length in LENGTHS.items():
        must = {"reason": "when rejected"}.get(name, "yes" if name in REQUIRED else "")
        assert f"| `{name}` | {must} | {length} |".replace("|  |", "| |") in page
