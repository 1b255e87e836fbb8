"""Use cases of receipts: acknowledge, reject, list (GLX-25). None of them changes a stamp or a balance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from domain.gl_extraction.extraction import service as extraction
from domain.gl_extraction.extraction.model import Batch
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.extraction.store import batches
from domain.gl_extraction.receipts import rules, store
from domain.gl_extraction.receipts.errors import MessageReceiptFinal, MessagesNotSent
from domain.gl_extraction.receipts.model import Awaited, Counts, Receipt, Received, Said, Span
from domain.gl_extraction.receipts.states import ReceiptState, may_become
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid
from domain.kernel.paging import Page

_TOLD_MAX = 100  # ranges in an entry of the audit trail


@dataclass(frozen=True, slots=True)
class BatchesWanted:
    """Which batches: those whose messages are awaited, or of which some are `rejected`; `before_us` 0: of any age."""

    rejected: bool
    before_us: int


def receive(tx: Connection, call: Call, said: Said) -> Received:
    """Take note of what the receiver says of messages: of all that are given, or of none.

    Messages of which the same was said before stay as they are. The audit trail has one entry for the call.

    Raises: BatchNotFound; MessagesNotSent; Invalid for messages that are not the batch's; MessageReceiptFinal. Cost:
    about six statements, however many messages; waits for whoever says something of the same batch.
    """
    require_storable(reason=said.reason, reference=said.reference)
    extraction.get(tx, said.batch_no, call.scope)
    batch = batches.find(tx, said.batch_no, lock=True)
    assert batch is not None, "batches are never deleted"
    if batch.state is not BatchState.COMPLETED:
        raise MessagesNotSent(said.batch_no, state=batch.state.value, wanted=said.state.value)
    if found := tuple(rules.violations(said.spans, block_of(batch))):
        raise Invalid(*found)
    spans = rules.united(said.spans)
    there = store.near(tx, said.batch_no, Span(spans[0].first, spans[-1].last))
    _refuse_final(said, spans, there)
    fresh = rules.less(spans, [receipt.span for receipt in there])
    _put(tx, call, said, there, fresh)
    changed = sum(span.size for span in fresh)
    if changed:
        store.count(tx, said.batch_no, said.state, changed)
        _audit(tx, call, said, spans, changed)
    counts = counts_of(extraction.get(tx, said.batch_no))
    assert counts.open >= 0, "a message is in one state"
    unchanged = sum(span.size for span in spans) - changed
    return Received(changed, unchanged, counts, resend=not store.is_resent(tx, said.batch_no))


def list_page(
    tx: Connection, call: Call, batch_no: int, state: ReceiptState | None, page: Page
) -> tuple[Batch, list[Receipt]]:
    """The batch, and one receipt more than the page holds, if there is one, in the order of messages.

    The key is the id of the last message. Raises: BatchNotFound.
    """
    batch = extraction.get(tx, batch_no, call.scope)
    block = block_of(batch)
    after_id = int(page.after[0]) if page.after else block.first - 1
    if state in {ReceiptState.ACKNOWLEDGED, ReceiptState.REJECTED}:
        found = iter(store.following(tx, batch_no, after_id, state))
    else:
        rest = Span(after_id + 1, block.last)
        every = rules.with_gaps(store.following(tx, batch_no, after_id, None), rest)
        found = (receipt for receipt in every if state is None or receipt.state is state)
    return batch, list(islice(found, page.size + 1))


def list_batches(tx: Connection, call: Call, wanted: BatchesWanted, page: Page) -> list[Batch]:
    """One batch of the caller's scope more than the page holds, if there is one, oldest first; the key is the number.

    Batches that were sent again are left out: what is awaited is in their resend.
    """
    after_no = int(page.after[0]) if page.after else 0
    return store.page(
        tx,
        rejected=wanted.rejected,
        before_us=wanted.before_us,
        after_no=after_no,
        limit=page.size + 1,
        seen=scopes.visible(tx, call.scope),
    )


def awaited(tx: Connection) -> Awaited:
    """How much the receiver has said nothing of, over all batches."""
    return store.awaited(tx)


def counts_of(batch: Batch) -> Counts:
    """How many messages of the batch stand where."""
    return Counts(batch.message_count, batch.acknowledged_count, batch.rejected_count)


def block_of(batch: Batch) -> Span:
    """The batch's messages; of a batch without messages, none."""
    return Span(batch.first_message_id, batch.first_message_id + batch.message_count - 1)


def _refuse_final(said: Said, spans: list[Span], there: list[Receipt]) -> None:
    others = [one for one in there if one.state is not said.state and not may_become(one.state, said.state)]
    held = rules.overlap(spans, [receipt.span for receipt in others])
    if held:
        first = held[0].first
        state = next(one.state for one in others if one.span.first <= first <= one.span.last)
        raise MessageReceiptFinal(
            said.batch_no,
            first,
            state=state.value,
            wanted=said.state.value,
            others=sum(span.size for span in held) - 1,
        )


def _put(tx: Connection, call: Call, said: Said, there: list[Receipt], fresh: list[Span]) -> None:
    """Record what is new, together with what it continues."""
    new = [
        Receipt(span, said.state, said.reason, said.reference, call.caller, call.now_us, call.now_us) for span in fresh
    ]
    before, after = set(there), set(rules.joined([*there, *new]))
    store.replace(tx, said.batch_no, gone=before - after, put=sorted(after - before, key=lambda one: one.span))


def _audit(tx: Connection, call: Call, said: Said, spans: list[Span], changed: int) -> None:
    changes = {
        "from": {"state": ReceiptState.OPEN.value},
        "to": {"state": said.state.value},
        "message_ranges": [list(span) for span in spans[:_TOLD_MAX]],
        "range_count": len(spans),
        "changed_count": changed,
        "unchanged_count": sum(span.size for span in spans) - changed,
        "reason": said.reason,
        "reference": said.reference,
    }
    kind = f"messages.{said.state.value.lower()}"
    events.append(tx, call, f"extractionBatches/{said.batch_no}", kind, changes)
