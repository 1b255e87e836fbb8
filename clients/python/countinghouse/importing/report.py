"""The report of refused records, as CSV."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Self

from countinghouse.importing.run import RefusedRecord

HEADING = ("line", "last_line", "record", "external_id", "refused_by", "field", "reason", "description")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Report:
    """Writes one line for each thing that is wrong with a refused record, as it is found."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(HEADING)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, refused: RefusedRecord) -> None:
        """Write a refused record."""
        by = "server" if refused.by_server else "mapping"
        where = refused.line, refused.last_line, refused.record, refused.external_id, by
        for violation in refused.violations:
            words = violation.field, violation.reason, violation.description
            self._writer.writerow([*where, *map(_harmless, words)])


def _harmless(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
