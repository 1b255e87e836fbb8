"""What may be said of which messages: decided on spans, however many messages they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from domain.gl_extraction.receipts.model import Receipt, Span
from domain.gl_extraction.receipts.states import ReceiptState
from domain.kernel.errors import Violation


def violations(spans: Sequence[Span], block: Span) -> Iterator[Violation]:
    """What is wrong with the spans asked for, when the batch's messages are those of the block."""
    for place, span in enumerate(spans):
        field = f"message_ranges[{place}]"
        if span.last < span.first:
            yield Violation(f"{field}.last_message_id", "MESSAGE_RANGE_REVERSED", "must not be before the first")
        elif span.first < block.first or span.last > block.last:
            text = f"the batch has the messages from {block.first} to {block.last}" if block.size else "it has none"
            yield Violation(field, "MESSAGE_NOT_IN_BATCH", text)


def united(spans: Iterable[Span]) -> list[Span]:
    """The same messages in as few spans as possible, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.first <= found[-1].last + 1:
            found[-1] = Span(found[-1].first, max(found[-1].last, span.last))
        else:
            found.append(span)
    return found


def less(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The messages of the spans that are in none of the others; both in order and without overlap."""
    left: list[Span] = []
    place = 0
    for span in spans:
        first = span.first
        while place < len(others) and others[place].last < first:
            place += 1
        at = place
        while at < len(others) and others[at].first <= span.last:
            if others[at].first > first:
                left.append(Span(first, others[at].first - 1))
            first = others[at].last + 1
            at += 1
        if first <= span.last:
            left.append(Span(first, span.last))
    return left


def overlap(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The messages that both have."""
    return less(spans, less(spans, others))


def joined(receipts: Iterable[Receipt]) -> list[Receipt]:
    """Receipts that continue each other as one; in order and without overlap."""
    found: list[Receipt] = []
    for receipt in sorted(receipts, key=lambda one: one.span):
        if found and receipt.continues(found[-1]):
            before = found[-1]
            found[-1] = replace(
                before,
                span=Span(before.span.first, receipt.span.last),
                created_us=min(before.created_us, receipt.created_us),
                updated_us=max(before.updated_us, receipt.updated_us),
            )
        else:
            found.append(receipt)
    return found


def with_gaps(receipts: Iterable[Receipt], block: Span) -> Iterator[Receipt]:
    """The receipts of a block of messages in order, and between them the messages that are open."""
    following = block.first
    for receipt in receipts:
        if receipt.span.first > following:
            yield Receipt(Span(following, receipt.span.first - 1), ReceiptState.OPEN)
        yield receipt
        following = receipt.span.last + 1
    if following <= block.last:
        yield Receipt(Span(following, block.last), ReceiptState.OPEN)
