"""Elements as JSON messages in files: the same bytes whenever they are rendered again (GLX-17, GLX-18).

A file is one JSON document with a message on each line, so that it can be read whole, streamed by lines and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import orjson

from domain.data_files.model import Total, Totals, sum_of
from domain.data_files.storage import Written
from domain.gl_extraction.extraction.elements import DAY_COLUMNS, MESSAGE_NAMES
from domain.gl_extraction.extraction.model import Limits
from domain.gl_extraction.tables import CODED_COLUMNS
from domain.kernel.money import decimal_text
from domain.kernel.time import iso_day

MEDIA_TYPE = "application/json"

_HEAD, _BETWEEN, _TAIL = b'{"messages":[\n', b",\n", b"\n]}\n"
_ID_DIGITS_MAX = 19  # of 63 bits
_FLAGS = frozenset({"reversal", "invoiced"})
_AMOUNTS = frozenset({"debit_minor", "credit_minor"})
_iso_day = cache(iso_day)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every message of a run carries: the operation's id and the instant as ISO 8601."""

    job_id: str
    message_date: str


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message: its number, its JSON, and what its elements come to.

    `size_bytes` is its size if its number had the most digits: so files are cut alike when the messages are sent again
    under other numbers (GLX-18).
    """

    message_id: int
    body: bytes
    size_bytes: int
    element_count: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class MessageFile:
    """A file of messages that was written."""

    first_message_id: int
    message_count: int
    element_count: int
    totals: Totals
    written: Written


def columns_of(coded: Sequence[str]) -> tuple[str, ...]:
    """The element columns that rendering reads, in the order of the message; `coded` are the free fields in use."""
    return tuple(name for name in MESSAGE_NAMES if name in coded or name not in CODED_COLUMNS)


def messages(
    stamp: Stamp, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], *, first_message_id: int, size: int
) -> Iterator[Message]:
    """Messages of `size` elements each, the last one maybe fewer; `rows` are tuples of `columns`."""
    source = iter(rows)
    message_id = first_message_id
    while part := list(islice(source, size)):
        body = orjson.dumps(
            {
                "id": message_id,
                "jobId": stamp.job_id,
                "messageDate": stamp.message_date,
                "accountingDetails": _elements(columns, part),
            }
        )
        size_bytes = len(body) - len(str(message_id)) + _ID_DIGITS_MAX
        yield Message(message_id, body, size_bytes, len(part), _totals(columns, part))
        message_id += 1


def write_files(
    source: Iterator[Message], limits: Limits, write: Callable[[int, Iterator[bytes]], Written]
) -> Iterator[MessageFile]:
    """Write messages to files: a file closes when the next message would pass a limit, one message at least in each.

    `write` is told the number of the file's first message, and its bytes.
    """
    rest = _Ahead(source)
    while (first := rest.next) is not None:
        taken: list[tuple[int, Totals]] = []
        written = write(first.message_id, _file_pieces(rest, limits, taken))
        totals = sum_of(part for _, part in taken)
        yield MessageFile(first.message_id, len(taken), sum(count for count, _ in taken), totals, written)


class _Ahead:
    """Messages one by one, the next of them to be looked at before it is taken."""

    def __init__(self, source: Iterator[Message]) -> None:
        self._source = source
        self.next = next(source, None)

    def take(self) -> Message:
        taken, self.next = self.next, next(self._source, None)
        assert taken is not None
        return taken


def _file_pieces(rest: _Ahead, limits: Limits, taken: list[tuple[int, Totals]]) -> Iterator[bytes]:
    size = len(_HEAD) + len(_TAIL)
    yield _HEAD
    while rest.next is not None:
        more = len(_BETWEEN) + rest.next.size_bytes
        if taken and (size + more > limits.bytes_per_file or len(taken) == limits.messages_per_file):
            break
        message = rest.take()
        yield _BETWEEN + message.body if taken else message.body
        size += more
        taken.append((message.element_count, message.totals))
    yield _TAIL


def _elements(columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> list[dict[str, object]]:
    """The elements as JSON objects; empty fields are left out, amounts and indicators are always there."""
    names = [MESSAGE_NAMES[name] for name in columns]
    days, flags, amounts = (
        [at for at, name in enumerate(columns) if name in those] for those in (DAY_COLUMNS, _FLAGS, _AMOUNTS)
    )
    currency_at = columns.index("currency")
    elements = []
    for row in rows:
        values = list(row)
        for at in days:
            values[at] = _iso_day(values[at])
        for at in flags:
            values[at] = values[at] == 1
        for at in amounts:
            values[at] = decimal_text(values[at], values[currency_at])
        elements.append({name: value for name, value in zip(names, values, strict=True) if value != ""})
    return elements


def _totals(columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Totals:
    currency_at, debit_at, credit_at = (columns.index(name) for name in ("currency", "debit_minor", "credit_minor"))
    sums: dict[str, list[int]] = {}
    for row in rows:
        both = sums.setdefault(row[currency_at], [0, 0])
        both[0] += row[debit_at]
        both[1] += row[credit_at]
    return {currency: Total(*both) for currency, both in sorted(sums.items())}
