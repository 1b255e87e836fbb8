"""Elements as messages in files: the same bytes whenever they are rendered again (GLX-17, GLX-18)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from domain.data_files.model import Total, Totals, sum_of
from domain.data_files.storage import Written
from domain.gl_extraction.extraction.elements import MESSAGE_NAMES
from domain.gl_extraction.extraction.formats import Form, Stamp
from domain.gl_extraction.extraction.model import Limits
from domain.gl_extraction.tables import CODED_COLUMNS

_ID_DIGITS_MAX = 19  # of 63 bits


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message: its number, its bytes, and what its elements come to.

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
    form: Form,
    stamp: Stamp,
    columns: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    *,
    first_message_id: int,
    size: int,
) -> Iterator[Message]:
    """Messages of `size` elements each, the last one maybe fewer; `rows` are tuples of `columns`."""
    source = iter(rows)
    message_id = first_message_id
    while part := list(islice(source, size)):
        body = form.body(stamp, message_id, columns, part)
        more = _ID_DIGITS_MAX - len(str(message_id))
        size_bytes = len(body) + more * (len(part) if form.number_in_each else 1)
        yield Message(message_id, body, size_bytes, len(part), _totals(columns, part))
        message_id += 1


def write_files(
    form: Form, source: Iterator[Message], limits: Limits, write: Callable[[int, Iterator[bytes]], Written]
) -> Iterator[MessageFile]:
    """Write messages to files: a file closes when the next message would pass a limit, one message at least in each.

    `write` is told the number of the file's first message, and its bytes.
    """
    rest = _Ahead(source)
    while (first := rest.next) is not None:
        taken: list[tuple[int, Totals]] = []
        written = write(first.message_id, _file_pieces(form, rest, limits, taken))
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


def _file_pieces(form: Form, rest: _Ahead, limits: Limits, taken: list[tuple[int, Totals]]) -> Iterator[bytes]:
    size = len(form.head) + len(form.tail)
    yield form.head
    while rest.next is not None:
        more = len(form.between) + rest.next.size_bytes
        if taken and (size + more > limits.bytes_per_file or len(taken) == limits.messages_per_file):
            break
        message = rest.take()
        yield form.between + message.body if taken else message.body
        size += more
        taken.append((message.element_count, message.totals))
    yield form.tail


def _totals(columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Totals:
    currency_at, debit_at, credit_at = (columns.index(name) for name in ("currency", "debit_minor", "credit_minor"))
    sums: dict[str, list[int]] = {}
    for row in rows:
        both = sums.setdefault(row[currency_at], [0, 0])
        both[0] += row[debit_at]
        both[1] += row[credit_at]
    return {currency: Total(*both) for currency, both in sorted(sums.items())}
