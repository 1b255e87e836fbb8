"""Batch files of fixed width: each column at its place, counted in characters, and all lines of one length.

Characters and not bytes: so whatever the contract accepts fits, umlauts or not, and a receiver that converts to a code
page of one byte each finds every column at its byte.
"""

from __future__ import annotations

import re
from typing import Final

from domain.accounting.batches.layouts.form import Form, TooWide
from domain.accounting.batches.layouts.lines import COLUMNS, TEXT_AT, Cells, Column, Kind, LineType, Unreadable
from domain.accounting.configuration.model import FileFormat

TYPE_WIDTH = 14
"""The characters of the type with which each line begins."""

LINE_WIDTH = TYPE_WIDTH + max(sum(column.width for column in columns) for columns in COLUMNS.values())
"""The characters of every line, without its break."""

_RIGHT: Final = frozenset({Kind.NUMBER, Kind.AMOUNT})


def _template(columns: tuple[Column, ...]) -> str:
    """What pads a line's type and cells: numbers and amounts on the left, the rest on the right."""
    widths = [(f"%{column.width}s" if column.kind in _RIGHT else f"%-{column.width}s") for column in columns]
    rest = LINE_WIDTH - TYPE_WIDTH - sum(column.width for column in columns)
    return f"%-{TYPE_WIDTH}s" + "".join(widths) + " " * rest


_TEMPLATES: Final = {line_type: _template(columns) for line_type, columns in COLUMNS.items()}
_ESCAPED: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MEANT: Final = {escape: character for character, escape in _ESCAPED.items()} | {"\\s": " "}
_TO_ESCAPE = re.compile(r"[\\\n\r\t]| \Z")
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


def escaped(text: str) -> str:
    r"""Text on one line: `\\`, `\n`, `\r` and `\t` for what they stand for, and `\s` for a space at the end."""
    return _TO_ESCAPE.sub(lambda found: _ESCAPED.get(found[0], "\\s"), text)


def _meant(column: Column, text: str) -> str:
    """The text that `escaped` wrote. Raises: Unreadable."""
    if "\\" not in text:
        return text
    if any(found[0] not in _MEANT for found in _ESCAPE.finditer(text)):
        raise Unreadable(column.name, "holds a backslash that begins none of the known sequences")
    return _ESCAPE.sub(lambda found: _MEANT[found[0]], text)


def _encode(line_type: LineType, cells: Cells) -> str:
    row = [line_type.value, *cells]
    for at in TEXT_AT[line_type]:
        if _TO_ESCAPE.search(row[at]):
            row[at] = escaped(row[at])
    line = _TEMPLATES[line_type] % tuple(row)
    if len(line) > LINE_WIDTH:
        widths = zip(COLUMNS[line_type], row[1:], strict=True)
        raise TooWide(next(column for column, cell in widths if len(cell) > column.width))
    return line + "\n"


def _decode(text: str) -> tuple[LineType, Cells]:
    if len(text) != LINE_WIDTH:
        raise Unreadable("", f"must have {LINE_WIDTH} characters")
    name = text[:TYPE_WIDTH].rstrip(" ")
    if name not in COLUMNS:
        raise Unreadable("type", "must be a type of line")
    line_type, cells, at = LineType(name), [], TYPE_WIDTH
    for column in COLUMNS[line_type]:
        cell = text[at : at + column.width]
        cells.append(_cell_of(column, cell))
        at += column.width
    return line_type, cells


def _cell_of(column: Column, text: str) -> str:
    if column.kind in _RIGHT:
        return text.lstrip(" ")
    text = text.rstrip(" ")
    return _meant(column, text) if column.kind is Kind.TEXT else text


FORM = Form(
    file_format=FileFormat.FIXED_WIDTH,
    suffix="txt",
    media_type="text/plain; charset=utf-8",
    line_break="\n",
    encode=_encode,
    decode=_decode,
    is_whole=lambda _: True,
)
"""The format."""
