"""One import: read, filter, convert, send, and account for every record."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from countinghouse.client.errors import Violation
from countinghouse.client.rows import StreamOutcome
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.importing.convert import Converter
from countinghouse.importing.mapping import Mapping
from countinghouse.importing.records import Content, Record, read, survey
from countinghouse.importing.totals import Entry, Totals

Send = Callable[[Iterable[details_pb2.AccountingDetail]], Iterator[StreamOutcome]]
"""Sends details and gives what became of them, in order: `client.gl.ingest.outcomes`."""


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that did not become a detail."""

    record: int
    line: int
    last_line: int
    external_id: str
    by_server: bool
    """Whether the server refused it; else it was not sent."""
    violations: tuple[Violation, ...]


@dataclass(slots=True)
class ImportResult:
    """What became of a file: read = filtered + refused + accepted; accepted = created + unchanged."""

    content: Content
    read_count: int = 0
    filtered_count: int = 0
    sent_count: int = 0
    created_count: int = 0
    unchanged_count: int = 0
    refused_here_count: int = 0
    refused_by_server_count: int = 0
    refused_count_by_reason: Counter[str] = field(default_factory=Counter)
    """A record counts once for each of its reasons."""
    totals: Totals = field(default_factory=Totals)
    """Of what was accepted; of what would be sent, when nothing was."""

    @property
    def refused_count(self) -> int:
        """Records refused here or by the server."""
        return self.refused_here_count + self.refused_by_server_count

    @property
    def accepted_count(self) -> int:
        """Records that stand in the books now."""
        return self.created_count + self.unchanged_count


@dataclass(frozen=True, slots=True)
class _Sent:
    record: int
    line: int
    last_line: int
    entry: Entry


class Import:
    """An import of one file by one mapping.

    Raises:
        UnreadableFile: The file cannot be read.
        MappingError: The mapping names columns that the file does not have.
    """

    def __init__(
        self,
        path: Path,
        mapping: Mapping,
        *,
        on_refused: Callable[[RefusedRecord], None],
        on_line: Callable[[int], None] = lambda _line: None,
    ) -> None:
        self.result = ImportResult(survey(path, mapping.encoding))
        columns, self._records = read(self.result.content, delimiter=mapping.delimiter, encoding=mapping.encoding)
        self._converter = Converter(mapping, columns, self.result.content)
        self._on_refused = on_refused
        self._on_line = on_line
        self._under_way: deque[_Sent] = deque()

    def check(self) -> ImportResult:
        """Read and convert everything, and send nothing; totals are of what would be sent."""
        for detail in self._details():
            self.result.totals.add(Entry.of(detail))
            self._under_way.clear()
        return self.result

    def send(self, send: Send) -> ImportResult:
        """Read, convert and send everything."""
        result = self.result
        for outcome in send(self._details()):
            self._settle(outcome)
        assert not self._under_way, "the fate of every row is known"
        assert result.read_count == result.filtered_count + result.refused_count + result.accepted_count
        return result

    def _details(self) -> Iterator[details_pb2.AccountingDetail]:
        for record in self._records:
            self._on_line(record.last_line)
            self.result.read_count += 1
            if record.problem is not None:
                self._refuse(record, (Violation("", *record.problem),))
            elif not self._converter.selects(record):
                self.result.filtered_count += 1
            else:
                converted = self._converter.convert(record)
                if isinstance(converted, tuple):
                    self._refuse(record, converted)
                    continue
                self.result.sent_count += 1
                self._under_way.append(_Sent(record.number, record.line, record.last_line, Entry.of(converted)))
                yield converted

    def _refuse(self, record: Record, violations: tuple[Violation, ...]) -> None:
        self.result.refused_here_count += 1
        external_id = self._converter.external_id(record)
        self._report(RefusedRecord(record.number, record.line, record.last_line, external_id, False, violations))

    def _settle(self, outcome: StreamOutcome) -> None:
        """Account for the rows of one stream, which are the oldest under way."""
        self.result.created_count += outcome.created_count
        self.result.unchanged_count += outcome.unchanged_count
        refusals = {refusal.row - outcome.first_row: refusal for refusal in outcome.refusals}
        for place in range(outcome.received_count):
            sent = self._under_way.popleft()
            refusal = refusals.get(place)
            if refusal is None:
                self.result.totals.add(sent.entry)
                continue
            self.result.refused_by_server_count += 1
            where = sent.record, sent.line, sent.last_line
            self._report(RefusedRecord(*where, refusal.external_id, True, refusal.violations))

    def _report(self, refused: RefusedRecord) -> None:
        self.result.refused_count_by_reason.update({violation.reason for violation in refused.violations})
        self._on_refused(refused)
