"""One import of a CSV file of recipients: read, send, and account for every record.

Columns are `account_id`, fields of the party and of its address, and `reference`, in any order.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from countinghouse.client.errors import Violation
from countinghouse.client.recipients import RecipientRefusal, RecipientsOutcome
from countinghouse.importing.records import Content, Record, UnreadableFile, read, survey
from countinghouse.importing.run import RefusedRecord
from countinghouse.invoicing.v1 import parties_pb2
from countinghouse.invoicing.v1 import recipients_pb2 as pb

Send = Callable[[Iterable[pb.RecipientToImport]], Iterator[RecipientsOutcome]]
"""Sends recipients and gives what became of them, in order: `client.invoicing.import_recipients.outcomes`."""

ACCOUNT, REFERENCE = "account_id", "reference"
OF_ADDRESS = tuple(each.name for each in parties_pb2.Address.DESCRIPTOR.fields)
OF_PARTY = tuple(each.name for each in parties_pb2.Party.DESCRIPTOR.fields if each.name != "address")
COLUMNS = (ACCOUNT, *OF_PARTY, *OF_ADDRESS, REFERENCE)
NEEDED = (ACCOUNT, "name", "country_code")


@dataclass(slots=True)
class RecipientsImportResult:
    """What became of a file: read = created + changed + unchanged + refused."""

    content: Content
    read_count: int = 0
    created_count: int = 0
    changed_count: int = 0
    unchanged_count: int = 0
    refused_count: int = 0
    refused_count_by_reason: Counter[str] = field(default_factory=Counter)
    """A record counts once for each of its reasons."""


class ImportOfRecipients:
    """An import of one file.

    Raises:
        UnreadableFile: The file cannot be read, lacks a column, or has one that is not known.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_refused: Callable[[RefusedRecord], None],
        on_line: Callable[[int], None] = lambda _line: None,
    ) -> None:
        self.result = RecipientsImportResult(survey(path))
        self._columns, self._records = read(self.result.content, delimiter=",", encoding="utf-8")
        _require_columns(path, self._columns)
        self._on_refused = on_refused
        self._on_line = on_line
        self._under_way: deque[Record] = deque()

    def send(self, send: Send) -> RecipientsImportResult:
        """Read and send everything."""
        result = self.result
        for outcome in send(self._recipients()):
            self._settle(outcome)
        assert not self._under_way, "the fate of every recipient is known"
        taken = result.created_count + result.changed_count + result.unchanged_count
        assert result.read_count == taken + result.refused_count
        return result

    def _recipients(self) -> Iterator[pb.RecipientToImport]:
        for record in self._records:
            self._on_line(record.last_line)
            self.result.read_count += 1
            if record.problem is not None:
                self._refuse(record, "", (Violation("", *record.problem),), by_server=False)
                continue
            self._under_way.append(record)
            yield _recipient(dict(zip(self._columns, map(str.strip, record.values), strict=True)))

    def _settle(self, outcome: RecipientsOutcome) -> None:
        """Account for the recipients of one stream, which are the oldest under way."""
        result = self.result
        result.created_count += outcome.created_count
        result.changed_count += outcome.changed_count
        result.unchanged_count += outcome.unchanged_count
        refusals: dict[int, RecipientRefusal] = {one.row - outcome.first_row: one for one in outcome.refusals}
        for place in range(outcome.received_count):
            record = self._under_way.popleft()
            if refusal := refusals.get(place):
                self._refuse(record, refusal.account_id, refusal.violations, by_server=True)

    def _refuse(self, record: Record, account_id: str, violations: tuple[Violation, ...], *, by_server: bool) -> None:
        self.result.refused_count += 1
        self.result.refused_count_by_reason.update({violation.reason for violation in violations})
        place = (record.number, record.line, record.last_line)
        self._on_refused(RefusedRecord(*place, account_id, by_server, violations))


def _recipient(values: dict[str, str]) -> pb.RecipientToImport:
    address = parties_pb2.Address(**{name: values.get(name, "") for name in OF_ADDRESS})
    party = parties_pb2.Party(address=address, **{name: values.get(name, "") for name in OF_PARTY})
    recipient = pb.Recipient(party=party, reference=values.get(REFERENCE, ""))
    return pb.RecipientToImport(account_id=values[ACCOUNT], recipient=recipient)


def _require_columns(path: Path, columns: Sequence[str]) -> None:
    """Raises: UnreadableFile."""
    there = ", ".join(map(repr, columns))
    if missing := [name for name in NEEDED if name not in columns]:
        raise UnreadableFile(f"{path} has no column {' and no '.join(map(repr, missing))}; its columns are {there}")
    if unknown := [name for name in columns if name not in COLUMNS]:
        names = ", ".join(map(repr, unknown))
        raise UnreadableFile(f"{path} has columns that are not known: {names}; known are {', '.join(COLUMNS)}")
