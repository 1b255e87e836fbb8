"""Return files: every row that can be taken is taken, and what is wrong with the others is told by line and field."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.accounting.batches.layouts import returns
from domain.accounting.batches.layouts.returns import LINE_BYTES_MAX, Decision, Return, ReturnFault, parse
from domain.accounting.configuration.model import FileFormat

pytestmark = pytest.mark.rule("ACC-37")
CSV, JSON_LINES = FileFormat.CSV, FileFormat.JSON_LINES
HEAD = "batchNumber,operation,recordNumber,decision,reason,text,externalReference\n"
ACCEPTED = Return(2, 7, "op-1", 0, Decision.ACCEPTED, "", "", "GL-4711")
REJECTED = Return(3, 7, "op-2", 3, Decision.REJECTED, "R03", "Müller, closed", "")


def rows_of(file_format: FileFormat, content: str | bytes) -> list[Return]:
    found = list(parse(file_format, [content.encode() if isinstance(content, str) else content]))
    assert all(isinstance(each, Return) for each in found), found
    return [each for each in found if isinstance(each, Return)]


def faults_of(file_format: FileFormat, content: str | bytes) -> list[tuple[int, str, str]]:
    found = parse(file_format, [content.encode() if isinstance(content, str) else content])
    return [(each.line, each.violation.field, each.violation.reason) for each in found if isinstance(each, ReturnFault)]


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n"])
def test_a_csv_file_is_read_as_programs_write_it(line_break: str, mark: str, last: str) -> None:
    """With either line break, with a byte order mark or without, and with or without a last line break."""
    lines = ["7,op-1,,ACCEPTED,,,GL-4711", '7,op-2,3,REJECTED,R03,"Müller, closed",']
    text = mark + HEAD + "\n".join(lines) + last
    assert rows_of(CSV, text.replace("\n", line_break)) == [ACCEPTED, REJECTED]


def test_columns_of_csv_come_in_any_order_and_optional_ones_may_be_left_out() -> None:
    """They are told by their names."""
    text = "decision,externalReference,operation,batchNumber\nACCEPTED,GL-4711,op-1,7\n"
    assert rows_of(CSV, text) == [ACCEPTED]


def test_json_lines_hold_an_object_each() -> None:
    """Numbers as numbers or as text; empty lines count for nothing, but are counted."""
    first = {"batchNumber": 7, "operation": "op-1", "decision": "ACCEPTED", "externalReference": "GL-4711"}
    second = {"batchNumber": "7", "operation": "op-2", "recordNumber": 3, "decision": "REJECTED", "reason": "R03"}
    second |= {"text": "Müller, closed", "externalReference": None}
    text = "\n".join(["", json.dumps(first), json.dumps(second, ensure_ascii=False)])
    assert rows_of(JSON_LINES, text) == [ACCEPTED, REJECTED]


WRONG_ROWS = [
    ("x,op,,ACCEPTED,,,", [("batchNumber", "RETURN_NUMBER_INVALID")]),
    ("07,op,,ACCEPTED,,,", [("batchNumber", "RETURN_NUMBER_INVALID")]),
    ("7,op,-1,ACCEPTED,,,", [("recordNumber", "RETURN_NUMBER_INVALID")]),
    (",op,,ACCEPTED,,,", [("batchNumber", "FIELD_REQUIRED")]),
    ("7,,,,,,", [("operation", "FIELD_REQUIRED"), ("decision", "FIELD_REQUIRED")]),
    ("7,op,,MAYBE,,,", [("decision", "RETURN_DECISION_UNKNOWN")]),
    ("7,op,,accepted,,,", [("decision", "RETURN_DECISION_UNKNOWN")]),
    ("7,op,,REJECTED,,,", [("reason", "FIELD_REQUIRED")]),
    (f"7,op,,REJECTED,R,{'t' * 513},", [("text", "FIELD_TOO_LONG")]),
    ("7,op,,REJECTED,R,a\x00b,", [("text", "CHARACTER_REFUSED")]),
    ("7,op,,ACCEPTED,,", [("", "RETURN_LINE_UNREADABLE")]),
    ('7,op,,ACCEPTED,,"open,', [("", "RETURN_LINE_UNREADABLE")]),
    ("7,op,,ACCEPTED,,\udcff,", [("", "RETURN_LINE_UNREADABLE")]),
    ("7,op,,ACCEPTED,,a\rb,", [("", "RETURN_LINE_UNREADABLE")]),
    (f"7,op,,ACCEPTED,,,{'x' * LINE_BYTES_MAX}", [("", "RETURN_LINE_UNREADABLE")]),
]


@pytest.mark.parametrize(("row", "wrong"), WRONG_ROWS)
def test_a_wrong_row_of_csv_is_told_and_stops_no_other(row: str, wrong: list[tuple[str, str]]) -> None:
    """All faults of a row at once, by line and field; the rows around it are taken."""
    good = "7,op-1,,ACCEPTED,,,GL-4711\n"
    content = (HEAD + good + row + "\n" + good).encode(errors="surrogateescape")
    found = list(parse(CSV, [content]))
    assert [each.line for each in found if isinstance(each, Return)] == [2, 4]
    assert faults_of(CSV, content) == [(3, *each) for each in wrong]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("[]", ""),
        ("{", ""),
        ('{"batchNumber":7.0}', "batchNumber"),
        ('{"batchNumber":true}', "batchNumber"),
        ('{"batchNumber":99999999999999999999999}', "batchNumber"),
        ('{"operation":7}', "operation"),
        ('{"decison":"ACCEPTED"}', "decison"),
    ],
)
def test_a_wrong_line_of_json_is_told_and_stops_no_other(line: str, field: str) -> None:
    """By line and field."""
    good = '{"batchNumber":7,"operation":"op-1","decision":"ACCEPTED"}\n'
    found = list(parse(JSON_LINES, [(good + line + "\n" + good).encode()]))
    assert [each.line for each in found if isinstance(each, Return)] == [1, 3]
    assert faults_of(JSON_LINES, good + line) == [(2, field, "RETURN_LINE_UNREADABLE")]


@pytest.mark.parametrize(
    ("head", "field"),
    [
        ("", "batchNumber"),
        ("7,op-1,ACCEPTED", "7"),
        ("batchNumber,operation", "decision"),
        ("batchNumber,operation,decision,decison", "decison"),
        ("batchNumber,operation,decision,decision", "decision"),
        ('"', ""),
    ],
)
def test_where_the_columns_cannot_be_told_that_is_the_one_fault(head: str, field: str) -> None:
    """And no row is guessed at."""
    content = head + "\n7,op-1,ACCEPTED\n" if head else ""
    assert faults_of(CSV, content) == [(1, field, "RETURN_LINE_UNREADABLE")]
    assert not [each for each in parse(CSV, [content.encode()]) if isinstance(each, Return)]


@pytest.mark.parametrize("file_format", [CSV, JSON_LINES])
def test_a_file_has_an_end(file_format: FileFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is longer is cut off with one fault, and no more of it is read."""
    monkeypatch.setattr(returns, "LINES_MAX", 10)
    read: list[int] = []

    def pieces() -> Iterator[bytes]:
        yield HEAD.encode() if file_format is CSV else b"\n"
        for at in range(1_000):
            read.append(at)
            yield b"\n"

    (fault,) = parse(file_format, pieces())
    assert isinstance(fault, ReturnFault)
    assert (fault.line, fault.violation.reason) == (11, "TOO_MANY_ITEMS")
    assert len(read) < 20


@pytest.mark.parametrize("file_format", [CSV, JSON_LINES])
@given(content=st.binary(max_size=400), cut=st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_it(file_format: FileFormat, content: bytes, cut: int) -> None:
    """Whatever they are: rows and faults come, never an error; the same wherever the bytes are cut."""
    head = HEAD.encode() if file_format is CSV else b""
    whole = head + content
    pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]
    found = list(parse(file_format, pieces))
    assert found == list(parse(file_format, [whole]))
    assert all(isinstance(each, Return | ReturnFault) for each in found)
