"""One import of a CSV file of invoice lines: read, send, and account for every record.

Columns are `account`, `external_id`, `description`, `amount`, `tax_category`, `distribution_code`, and, where they are
told, `source`, `currency`, `tax_percent`, `quantity`, `unit_code`, `price`, `start_date` and `end_date`, in any order.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal as DecimalProto

from countinghouse.client.errors import Violation
from countinghouse.client.rows import Refusal, StreamOutcome
from countinghouse.importing.amounts import Notation
from countinghouse.importing.records import Content, Record, UnreadableFile, read, survey
from countinghouse.importing.run import RefusedRecord
from countinghouse.invoicing.v1 import invoice_lines_pb2 as pb
from countinghouse.values import date_to_proto, money_from_decimal

Send = Callable[[Iterable[pb.InvoiceLine]], Iterator[StreamOutcome]]
"""Sends lines and gives what became of them, in order: `client.invoicing.ingest_lines.outcomes`."""

NEEDED = ("account", "external_id", "description", "amount", "tax_category", "distribution_code")
TOLD = ("source", "currency", "tax_percent", "quantity", "unit_code", "price", "start_date", "end_date")

_NUMBERS = Notation()


@dataclass(frozen=True, slots=True)
class Defaults:
    """What lines have whose column is missing or empty."""

    source: str
    currency: str = ""


@dataclass(slots=True)
class LinesImportResult:
    """What became of a file: read = created + unchanged + refused."""

    content: Content
    read_count: int = 0
    created_count: int = 0
    unchanged_count: int = 0
    refused_count: int = 0
    refused_count_by_reason: Counter[str] = field(default_factory=Counter)
    """A record counts once for each of its reasons."""


class ImportOfLines:
    """An import of one file.

    Raises:
        UnreadableFile: The file cannot be read, lacks a column, or has one that is not known.
    """

    def __init__(
        self,
        path: Path,
        defaults: Defaults,
        *,
        on_refused: Callable[[RefusedRecord], None],
        on_line: Callable[[int], None] = lambda _line: None,
    ) -> None:
        self.result = LinesImportResult(survey(path))
        self._columns, self._records = read(self.result.content, delimiter=",", encoding="utf-8")
        _require_columns(path, self._columns)
        self._defaults = defaults
        self._on_refused = on_refused
        self._on_line = on_line
        self._under_way: deque[Record] = deque()

    def send(self, send: Send) -> LinesImportResult:
        """Read and send everything."""
        result = self.result
        for outcome in send(self._lines()):
            self._settle(outcome)
        assert not self._under_way, "the fate of every line is known"
        assert result.read_count == result.created_count + result.unchanged_count + result.refused_count
        return result

    def _lines(self) -> Iterator[pb.InvoiceLine]:
        for record in self._records:
            self._on_line(record.last_line)
            self.result.read_count += 1
            if record.problem is not None:
                self._refuse(record, "", (Violation("", *record.problem),), by_server=False)
                continue
            values = dict(zip(self._columns, map(str.strip, record.values), strict=True))
            try:
                line = _line(values, self._defaults)
            except _Unreadable as error:
                self._refuse(record, values["external_id"], (error.violation,), by_server=False)
                continue
            self._under_way.append(record)
            yield line

    def _settle(self, outcome: StreamOutcome) -> None:
        """Account for the lines of one stream, which are the oldest under way."""
        result = self.result
        result.created_count += outcome.created_count
        result.unchanged_count += outcome.unchanged_count
        refusals: dict[int, Refusal] = {one.row - outcome.first_row: one for one in outcome.refusals}
        for place in range(outcome.received_count):
            record = self._under_way.popleft()
            if refusal := refusals.get(place):
                self._refuse(record, refusal.external_id, refusal.violations, by_server=True)

    def _refuse(self, record: Record, external_id: str, violations: tuple[Violation, ...], *, by_server: bool) -> None:
        self.result.refused_count += 1
        self.result.refused_count_by_reason.update({violation.reason for violation in violations})
        place = (record.number, record.line, record.last_line)
        self._on_refused(RefusedRecord(*place, external_id, by_server, violations))


class _Unreadable(Exception):
    """A cell that cannot be read."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.description)
        self.violation = violation


def _line(values: dict[str, str], defaults: Defaults) -> pb.InvoiceLine:
    """Raises: _Unreadable."""
    line = pb.InvoiceLine(
        account=values["account"] if "/" in values["account"] else f"accounts/{values['account']}",
        source=values.get("source") or defaults.source,
        external_id=values["external_id"],
        description=values["description"],
        tax_category=values["tax_category"],
        unit_code=values.get("unit_code", ""),
        distribution_code=values["distribution_code"],
    )
    if values["amount"]:
        currency = values.get("currency") or defaults.currency
        try:
            line.net_amount.CopyFrom(money_from_decimal(_NUMBERS.parse(values["amount"]), currency))
        except (ValueError, ArithmeticError) as error:
            raise _Unreadable(Violation("amount", "AMOUNT_MALFORMED", str(error))) from error
    for name in ("tax_percent", "quantity", "price"):
        if text := values.get(name):
            getattr(line, name).CopyFrom(DecimalProto(value=text))
    for name in ("start_date", "end_date"):
        if text := values.get(name):
            getattr(line, name).CopyFrom(_day(name, text))
    return line


def _day(name: str, text: str) -> Date:
    """Raises: _Unreadable."""
    try:
        return date_to_proto(date.fromisoformat(text))
    except ValueError as error:
        raise _Unreadable(Violation(name, "DATE_INVALID", f"{text!r} is no day as 2026-03-31")) from error


def _require_columns(path: Path, columns: Sequence[str]) -> None:
    """Raises: UnreadableFile."""
    there = ", ".join(map(repr, columns))
    if missing := [name for name in NEEDED if name not in columns]:
        raise UnreadableFile(f"{path} has no column {' and no '.join(map(repr, missing))}; its columns are {there}")
    known = (*NEEDED, *TOLD)
    if unknown := [name for name in columns if name not in known]:
        names = ", ".join(map(repr, unknown))
        raise UnreadableFile(f"{path} has columns that are not known: {names}; known are {', '.join(known)}")
