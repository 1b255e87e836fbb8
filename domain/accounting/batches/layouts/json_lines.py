"""Batch files as JSON Lines: an object on each line, empty fields left out; amounts are decimal text."""

from __future__ import annotations

from typing import Any, Final

import orjson

from domain.accounting.batches.layouts.form import Form
from domain.accounting.batches.layouts.lines import COLUMNS, Cells, Kind, LineType, Unreadable
from domain.accounting.configuration.model import FileFormat

TYPE = "type"
"""The name of the field that holds the type of a line."""

_NAMES: Final = {line_type: tuple(column.name for column in columns) for line_type, columns in COLUMNS.items()}
_NUMBERS: Final = {
    line_type: frozenset(column.name for column in columns if column.kind is Kind.NUMBER)
    for line_type, columns in COLUMNS.items()
}


def _encode(line_type: LineType, cells: Cells) -> str:
    document: dict[str, Any] = {TYPE: line_type.value}
    numbers = _NUMBERS[line_type]
    for name, cell in zip(_NAMES[line_type], cells, strict=True):
        if cell:
            document[name] = int(cell) if name in numbers else cell
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE).decode()


def _decode(text: str) -> tuple[LineType, Cells]:
    document = object_of(text)
    name = document.pop(TYPE, None)
    if not isinstance(name, str) or name not in COLUMNS:
        raise Unreadable(TYPE, "must be a type of line")
    line_type = LineType(name)
    cells = [_cell_of(line_type, column, document.pop(column, "")) for column in _NAMES[line_type]]
    for unknown in document:
        raise Unreadable(unknown[:64], "is no field of such a line")
    return line_type, cells


def object_of(text: str) -> dict[str, Any]:
    """The object that a line holds. Raises: Unreadable."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise Unreadable("", "is no JSON object")
    return document


def _cell_of(line_type: LineType, name: str, value: object) -> str:
    if name in _NUMBERS[line_type] and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or (value and name in _NUMBERS[line_type]):
        kind = "a number" if name in _NUMBERS[line_type] else "text"
        raise Unreadable(name, f"must be {kind}")
    return value


FORM = Form(
    file_format=FileFormat.JSON_LINES,
    suffix="jsonl",
    media_type="application/jsonl",
    line_break="\n",
    encode=_encode,
    decode=_decode,
    is_whole=lambda _: True,
)
"""The format."""
