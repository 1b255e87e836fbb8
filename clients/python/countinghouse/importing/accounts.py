"""One import of a file of accounts: read, send, and say of every one what became of it.

A file has accounts as `AccountToImport` of the contract has them, in the words of protobuf JSON: as JSON Lines, one a
line, which are read as they are sent; or as YAML, a list under `accounts`, which is read as a whole.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from google.protobuf.json_format import ParseDict, ParseError

from countinghouse.billing.v1 import account_import_pb2 as pb
from countinghouse.client.accounts import AccountRefusal, AccountsOutcome
from countinghouse.client.errors import Violation
from countinghouse.importing.records import Content, UnreadableFile, lines_of, survey
from countinghouse.importing.run import RefusedRecord

Send = Callable[[Iterable[pb.AccountToImport]], Iterator[AccountsOutcome]]
"""Sends accounts and gives what became of them, in order: `client.billing.import_accounts.outcomes`."""

MALFORMED = "ACCOUNT_MALFORMED"
"""The reason of an account that was not sent."""

_KEY = "accounts"
_YAML = {".yaml", ".yml"}


@dataclass(slots=True)
class AccountsImportResult:
    """What became of a file: read = created + unchanged + refused."""

    content: Content
    read_count: int = 0
    created_count: int = 0
    unchanged_count: int = 0
    refused_count: int = 0
    refused_count_by_reason: Counter[str] = field(default_factory=Counter)
    """An account counts once for each of its reasons."""


@dataclass(frozen=True, slots=True)
class _Place:
    record: int
    line: int
    last_line: int


class ImportOfAccounts:
    """An import of one file.

    Raises:
        UnreadableFile: The file cannot be read, or is no YAML with accounts.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_refused: Callable[[RefusedRecord], None],
        on_line: Callable[[int], None] = lambda _line: None,
    ) -> None:
        self.result = AccountsImportResult(survey(path))
        self._found = _of_yaml(self.result.content) if _is_yaml(path) else _of_lines(self.result.content)
        self._on_refused = on_refused
        self._on_line = on_line
        self._under_way: deque[_Place] = deque()

    def send(self, send: Send) -> AccountsImportResult:
        """Read and send everything."""
        result = self.result
        for outcome in send(self._accounts()):
            self._settle(outcome)
        assert not self._under_way, "the fate of every account is known"
        assert result.read_count == result.created_count + result.unchanged_count + result.refused_count
        return result

    def _accounts(self) -> Iterator[pb.AccountToImport]:
        for number, (line, last_line, document) in enumerate(self._found, start=1):
            place = _Place(number, line, last_line)
            self._on_line(last_line)
            self.result.read_count += 1
            try:
                account = _parsed(document)
            except ParseError as error:
                self._refuse(place, _id_of(document), (_malformed(error),), by_server=False)
                continue
            self._under_way.append(place)
            yield account

    def _settle(self, outcome: AccountsOutcome) -> None:
        """Say what became of the accounts of one stream, which are the oldest under way."""
        self.result.created_count += outcome.created_count
        self.result.unchanged_count += outcome.unchanged_count
        refusals: dict[int, AccountRefusal] = {one.row - outcome.first_row: one for one in outcome.refusals}
        for row in range(outcome.received_count):
            place = self._under_way.popleft()
            if row in refusals:
                self._refuse(place, refusals[row].account_id, refusals[row].violations, by_server=True)

    def _refuse(self, at: _Place, account_id: str, violations: tuple[Violation, ...], *, by_server: bool) -> None:
        self.result.refused_count += 1
        self.result.refused_count_by_reason.update({violation.reason for violation in violations})
        self._on_refused(RefusedRecord(at.record, at.line, at.last_line, account_id, by_server, violations))


def _parsed(document: object) -> pb.AccountToImport:
    """A document's account. Raises: ParseError."""
    if isinstance(document, ParseError):
        raise document
    if not isinstance(document, dict):
        raise ParseError("it is no account: an account is written as fields and their values")
    return ParseDict(document, pb.AccountToImport())


def _malformed(error: ParseError) -> Violation:
    return Violation("", MALFORMED, _text(str(error).partition("\n")[0]))


def _id_of(document: object) -> str:
    """The account's id, as far as a document tells it."""
    return _text(str(document.get("accountId", ""))[:64]) if isinstance(document, dict) else ""


def _text(given: str) -> str:
    """A text that can be written, whatever came in."""
    return given.encode(errors="backslashreplace").decode()


def _is_yaml(path: Path) -> bool:
    return bool(_YAML & set(path.suffixes[-2:]))


def _of_lines(content: Content) -> Iterator[tuple[int, int, object]]:
    """First line, last line and document of what is on each line that is not blank."""
    for number, line in enumerate(lines_of(content), start=1):
        if line.strip():
            yield number, number, _loaded(line)


def _loaded(line: str) -> object:
    """What a line says; where that is no JSON, the error that says so."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return ParseError(f"the line is no JSON: {error}")


def _of_yaml(content: Content) -> Iterator[tuple[int, int, object]]:
    """As `_of_lines`, of the list under `accounts`. Raises: UnreadableFile."""
    try:
        loader: Any = yaml.SafeLoader("".join(lines_of(content)))
        nodes = _listed(content, loader.get_single_node()).value
        return iter([(*_lines(node), loader.construct_object(node, deep=True)) for node in nodes])
    except UnreadableFile:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableFile(f"{content.path} is no YAML: {error}") from None


def _lines(node: Any) -> tuple[int, int]:  # noqa: ANN401 - nodes of a library without types
    """The first and the last line of what a node stands for, from 1."""
    first = node.start_mark.line + 1
    return first, max(first, node.end_mark.line)


def _listed(content: Content, root: Any) -> Any:  # noqa: ANN401 - nodes of a library without types
    """The node of the list of accounts. Raises: UnreadableFile."""
    if isinstance(root, yaml.MappingNode):
        for key, node in root.value:
            if key.value != _KEY:
                raise UnreadableFile(
                    f"{content.path}: {key.value!r} is not known here; the accounts stand under {_KEY!r}"
                )
            if isinstance(node, yaml.SequenceNode):
                return node
    raise UnreadableFile(f"{content.path} has no list under {_KEY!r}")
