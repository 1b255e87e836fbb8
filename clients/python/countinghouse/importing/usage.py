"""One import of a file of meter data: read, send, and account for every record."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from google.type.decimal_pb2 import Decimal

from countinghouse.billing.v1 import usage_pb2
from countinghouse.client.errors import Violation
from countinghouse.client.usage import UsageOutcome, UsageRow
from countinghouse.importing.records import Content, Record, UnreadableFile, read, survey
from countinghouse.importing.run import RefusedRecord

Send = Callable[[Iterable[UsageRow]], Iterator[UsageOutcome]]
"""Sends rows and gives what became of them, in order: `client.billing.ingest_usage.outcomes`."""


@dataclass(frozen=True, slots=True)
class Source:
    """What the records of a file are data of, and which columns tell when and how much."""

    profile: str
    register: bool = False
    """Whether they are reads of a register; else they are intervals."""
    time_column: str = "start"
    value_column: str = "value"


@dataclass(slots=True)
class UsageImportResult:
    """What became of a file: read = accepted + duplicate + replaced + refused."""

    content: Content
    read_count: int = 0
    accepted_count: int = 0
    duplicate_count: int = 0
    replaced_count: int = 0
    refused_count: int = 0
    refused_count_by_reason: Counter[str] = field(default_factory=Counter)
    """A record counts once for each of its reasons."""
    stale_segments: set[str] = field(default_factory=set)
    """Frozen bill segments that made use of a value which was replaced, at most 1,000 of each 10,000 records."""


class ImportOfUsage:
    """An import of one file.

    Raises:
        UnreadableFile: The file cannot be read, or lacks a column.
    """

    def __init__(
        self,
        path: Path,
        source: Source,
        *,
        on_refused: Callable[[RefusedRecord], None],
        on_line: Callable[[int], None] = lambda _line: None,
    ) -> None:
        self.result = UsageImportResult(survey(path))
        columns, self._records = read(self.result.content, delimiter=",", encoding="utf-8")
        wanted = (source.time_column, source.value_column)
        if missing := [name for name in wanted if name not in columns]:
            there = ", ".join(map(repr, columns))
            raise UnreadableFile(f"{path} has no column {' and no '.join(map(repr, missing))}; its columns are {there}")
        self._time, self._value = (columns.index(name) for name in wanted)
        self._source = source
        self._on_refused = on_refused
        self._on_line = on_line
        self._under_way: deque[tuple[int, int, int]] = deque()  # record, line and last line of those sent

    def send(self, send: Send) -> UsageImportResult:
        """Read and send everything."""
        result = self.result
        for outcome in send(self._rows()):
            self._settle(outcome)
        assert not self._under_way, "the fate of every row is known"
        taken = result.accepted_count + result.duplicate_count + result.replaced_count
        assert result.read_count == taken + result.refused_count
        return result

    def _rows(self) -> Iterator[UsageRow]:
        for record in self._records:
            self._on_line(record.last_line)
            self.result.read_count += 1
            if record.problem is not None:
                self._refuse(_place(record), (Violation("", *record.problem),), by_server=False)
                continue
            self._under_way.append(_place(record))
            yield self._source.profile, self._row(record)

    def _row(self, record: Record) -> usage_pb2.IntervalData | usage_pb2.RegisterRead:
        at, quantity = record.values[self._time].strip(), Decimal(value=record.values[self._value].strip())
        if self._source.register:
            return usage_pb2.RegisterRead(local_read_time=at, quantity=quantity)
        return usage_pb2.IntervalData(local_start_time=at, quantity=quantity)

    def _settle(self, outcome: UsageOutcome) -> None:
        """Account for the rows of one stream, which are the oldest under way."""
        result = self.result
        result.accepted_count += outcome.accepted_count
        result.duplicate_count += outcome.duplicate_count
        result.replaced_count += outcome.replaced_count
        result.stale_segments.update(outcome.stale_segments)
        refusals = {refusal.row - outcome.first_row: refusal for refusal in outcome.refusals}
        for place in range(outcome.received_count):
            where = self._under_way.popleft()
            if place in refusals:
                self._refuse(where, refusals[place].violations, by_server=True)

    def _refuse(self, where: tuple[int, int, int], violations: tuple[Violation, ...], *, by_server: bool) -> None:
        self.result.refused_count += 1
        self.result.refused_count_by_reason.update({violation.reason for violation in violations})
        self._on_refused(RefusedRecord(*where, "", by_server, violations))


def _place(record: Record) -> tuple[int, int, int]:
    return record.number, record.line, record.last_line
