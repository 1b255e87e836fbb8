"""Refused records of an import: kept for the screen, and written to a report."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from countinghouse.cli.output import Column, show_table

if TYPE_CHECKING:
    from countinghouse.importing.report import Report
    from countinghouse.importing.run import RefusedRecord


class Refusing(Protocol):
    """What is told of an import's refused records."""

    @property
    def refused_count(self) -> int:
        """How many there are."""
        ...

    @property
    def refused_count_by_reason(self) -> Counter[str]:
        """How many there are for each reason."""
        ...


class Refused:
    """Keeps the first refused records of each reason for the screen, and writes all to the report."""

    def __init__(self, kept_max: int, report: "Report | None") -> None:
        self.shown: list[RefusedRecord] = []
        self._kept = Counter[str]()
        self._kept_max = kept_max
        self._report = report

    def add(self, refused: "RefusedRecord") -> None:
        """Keep a refused record, or write it, or both."""
        reason = refused.violations[0].reason
        if self._kept[reason] < self._kept_max:
            self._kept[reason] += 1
            self.shown.append(refused)
        if self._report is not None:
            self._report.add(refused)


def show_refused(result: Refusing, shown: "list[RefusedRecord]", report: Path | None) -> None:
    """Print how many records were refused for which reason, and some of them with their lines."""
    by_reason = result.refused_count_by_reason.most_common()
    show_table(
        (Column("REFUSED FOR", str), Column("RECORDS", str, right=True)),
        [[reason, f"{count:,}"] for reason, count in by_reason],
    )
    print()
    for one in sorted(shown, key=lambda one: one.line):
        where = f"line {one.line}" if one.line == one.last_line else f"lines {one.line}-{one.last_line}"
        by = " (by the server)" if one.by_server else ""
        for violation in one.violations:
            about = f"{violation.field}: " if violation.field else ""
            print(f"{where}, record {one.record}{by}: {about}{violation.description} [{violation.reason}]")
    hidden = result.refused_count - len(shown)
    if hidden > 0:
        where = f"; all are in {report}" if report else "; --report FILE.csv writes all"
        print(f"… and {hidden:,} more{where}")
