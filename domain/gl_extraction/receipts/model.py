"""Receipts as values (GLX-25): what was said of messages whose ids follow on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from domain.gl_extraction.receipts.states import ReceiptState


class Span(NamedTuple):
    """Message ids from `first` to `last`, both inclusive."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `caller` said of a span of messages; of open ones nothing was said, and the texts are empty."""

    span: Span
    state: ReceiptState
    reason: str = ""
    reference: str = ""
    caller: str = ""
    created_us: int = 0
    updated_us: int = 0

    def continues(self, other: Receipt) -> bool:
        """Whether it says the same of the messages that follow on the other's, or come right before them."""
        same = replace(self, span=other.span, created_us=other.created_us, updated_us=other.updated_us) == other
        return same and self.span.first <= other.span.last + 1 and other.span.first <= self.span.last + 1


@dataclass(frozen=True, slots=True)
class Said:
    """What the receiver says of messages of a batch, right or wrong."""

    batch_no: int
    spans: Sequence[Span]
    state: ReceiptState
    reason: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages of a batch stand where."""

    messages: int
    acknowledged: int
    rejected: int

    @property
    def open(self) -> int:
        """Of how many nothing was said yet."""
        return self.messages - self.acknowledged - self.rejected


@dataclass(frozen=True, slots=True)
class Received:
    """What became of what was said; `resend` is whether the batch can be sent again and was not yet."""

    changed: int
    unchanged: int
    counts: Counts
    resend: bool


@dataclass(frozen=True, slots=True)
class Awaited:
    """Completed batches with open messages that were not sent again; `oldest_us` 0 when there are none."""

    batches: int
    messages: int
    oldest_us: int
