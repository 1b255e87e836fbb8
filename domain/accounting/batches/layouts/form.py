"""What a format is: how one line is written, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.accounting.batches.layouts.lines import Cells, Column, LineType
from domain.accounting.configuration.model import FileFormat


class TooWide(Exception):
    """A value does not fit into its column."""

    def __init__(self, column: Column) -> None:
        super().__init__(column.name)
        self.column = column


@dataclass(frozen=True, slots=True)
class Form:
    """A format; text is UTF-8, and every line ends with `line_break`.

    `encode` gives a line with its break, and raises TooWide. `decode` reads the text of a line without its break, and
    raises Unreadable; it gives as many cells as the type has columns. `is_whole` tells whether a line may end here:
    cells of some formats hold line breaks.
    """

    file_format: FileFormat
    suffix: str
    media_type: str
    line_break: str
    encode: Callable[[LineType, Cells], str]
    decode: Callable[[str], tuple[LineType, Cells]]
    is_whole: Callable[[bytes], bool]
