"""The same elements in every format, with the same sums; cells that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.data_files.cells import safe_cell
from domain.gl_extraction.extraction.elements import MESSAGE_NAMES
from domain.gl_extraction.extraction.formats import CSV_HEADER, FileFormat
from domain.gl_extraction.extraction.model import Request
from domain.operations.model import Operation
from tests.gl_extraction.extraction import example
from tests.gl_extraction.extraction.desk import Desk
from tests.gl_extraction.samples import row

HERE = Path(__file__).parents[2] / "golden"
SUFFIXES = {FileFormat.JSON: "json", FileFormat.JSON_LINES: "jsonl", FileFormat.CSV: "csv"}
AWKWARD = ('=HYPERLINK("http://x","y")', "+1", "-2+3", "@SUM(A1)", "'quoted", 'a "b", c', "ünïcödé 帳", "＝1")  # noqa: RUF001


def texts(desk: Desk, done: Operation) -> list[str]:
    """The run's files of messages, in order."""
    files = desk.files_of(done.result["data_file_set"], done.operation_id)
    return [desk.content(file).decode() for file in files if not file.manifest]


def elements(file_format: FileFormat, text: str) -> list[dict[str, Any]]:
    """A file's elements with the number of their message, as its receiver reads them."""
    if file_format is FileFormat.CSV:
        return [from_cells(cells) for cells in csv.DictReader(io.StringIO(text, newline=""))]
    messages = json.loads(text)["messages"] if file_format is FileFormat.JSON else map(json.loads, text.splitlines())
    return [element | {"messageId": message["id"]} for message in messages for element in message["accountingDetails"]]


def from_cells(cells: dict[str, str]) -> dict[str, Any]:
    read: dict[str, Any] = {name: text.removeprefix("'") for name, text in cells.items() if text}
    read |= {name: {"true": True, "false": False}[cells[name]] for name in ("reversal", "invoiced")}
    read["messageId"] = int(read["messageId"])
    return {name: value for name, value in read.items() if name not in {"jobId", "messageDate"}}


@pytest.mark.rule("GLX-17", "GLX-18")
@pytest.mark.parametrize("file_format", FileFormat)
def test_the_files_of_the_example_are_these(desk: Desk, file_format: FileFormat) -> None:
    """Byte by byte, ids and dates masked, the same on both databases."""
    example.take_in(desk)
    done = desk.run(origin="F", data_file_set_code="EXAMPLE", file_format=file_format)
    (text,) = texts(desk, done)
    (date,) = {message["messageDate"] for message in dates(file_format, text)}
    masked = text.replace(done.operation_id, "0" * 26).replace(date, "2026-05-28T20:26:40.000000Z")
    golden = HERE / f"gl_example_messages.{SUFFIXES[file_format]}"
    assert masked.encode() == golden.read_bytes()


def dates(file_format: FileFormat, text: str) -> list[dict[str, Any]]:
    if file_format is FileFormat.CSV:
        return list(csv.DictReader(io.StringIO(text, newline="")))
    return json.loads(text)["messages"] if file_format is FileFormat.JSON else list(map(json.loads, text.splitlines()))


@pytest.mark.rule("GLX-17", "GLX-18", "PLT-01")
def test_every_format_holds_the_same_elements_and_sums(desk: Desk) -> None:
    """Sent, and sent again in each format: elements, cuts, and totals are equal, and awkward text comes through."""
    desk.take_in(
        row(n, bulking_group=text, description=text, attributes=("", text), debit=("JPY", n, 0))
        for n, text in enumerate(AWKWARD, 1)
    )
    desk.take_in([row(90, debit=("KWD", 0, 1_000_000)), row(91, debit=("USD", 10**12, 990_000_000))])
    desk.limits = desk.limits.__class__(elements_per_message=2, messages_per_file=2)
    told = []
    batch = ""
    for file_format in FileFormat:
        asked = Request(gl_extraction_batch_id=batch) if batch else Request(origin="F")
        done = desk.run(replace(asked, file_format=file_format))
        batch = str(done.request["batch_no"])
        files = [elements(file_format, text) for text in texts(desk, done)]
        first = done.result["first_message_id"]
        told.append(
            (
                [[element | {"messageId": element["messageId"] - first} for element in file] for file in files],
                done.result["totals"],
                [
                    (file.record_count, file.totals)
                    for file in desk.files_of(done.result["data_file_set"], done.operation_id)
                ],
            )
        )
    assert told[0] == told[1] == told[2]
    assert Counter(text for file in told[0][0] for element in file for text in [element.get("attribute2")]) == Counter(
        [*AWKWARD, None, None]
    )


@pytest.mark.rule("GLX-18")
def test_a_csv_file_has_one_stated_header_and_rfc_4180_lines(desk: Desk) -> None:
    """The same columns whatever is in use, lines that end with CR LF, a cell for each column."""
    desk.take_in([row(1, description='say "no", or\u2028yes')])
    done = desk.run(origin="F", data_file_set_code="S1", file_format=FileFormat.CSV)
    (file, manifest) = desk.files_of("S1")
    assert file.media_type == "text/csv; charset=utf-8; header=present"
    assert (file.file_name, manifest.media_type) == ("gl-batch-1-messages-000000001.csv", "application/json")
    (text,) = texts(desk, done)
    head, line, end = text.split("\r\n")
    assert (tuple(head.split(",")), end) == (CSV_HEADER, "")
    assert ("messageId", "jobId", "messageDate", *MESSAGE_NAMES.values()) == CSV_HEADER
    assert '"say ""no"", or\u2028yes"' in line
    assert len(next(csv.reader([line]))) == len(CSV_HEADER)


@pytest.mark.rule("GLX-18")
@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "'x", "＝1", "＋1", "－1", "＠x"])  # noqa: RUF001
def test_a_cell_never_begins_as_a_formula(text: str) -> None:
    """And what was put before it can be taken off without a doubt."""
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", " =1", "1-1", "P-1", '"'])
def test_a_harmless_cell_stays_as_it_is(text: str) -> None:
    """Nothing is changed that need not be."""
    assert safe_cell(text) == text
