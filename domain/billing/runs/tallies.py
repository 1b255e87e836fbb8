"""What a run has come to so far, as the counts of its operation (BIL-31)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from domain.billing.runs.alike.filling import Batch
from domain.billing.runs.deciding import Decided
from domain.billing.segments.states import BillState
from domain.kernel.documents import Document


def counts(decided: Iterable[Decided], alike: Iterable[Batch] = ()) -> Document:
    """What became of accounts, of those decided together too.

    `errors` are by reason: segments in error, and bills and accounts that something else stands in the way of. `minor`
    is by currency what the bills come to.
    """
    found: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    minor: Counter[str] = Counter()
    for each in decided:
        found["accounts"] += 1
        if each.failure:
            errors[each.failure.reason] += 1
        if each.billed is None:
            continue
        bill, made = each.bill, each.billed.made
        removed = {segment.segment_id for segment in each.completion.removed} if each.completion else set()
        added = each.completion.added if each.completion else ()
        errors.update(one.reason for one in made if one.reason and one.segment_id not in removed)
        found["bills"] += 1
        found["segments"] += len(made) - sum(1 for one in made if one.segment_id in removed) + len(added)
        found["completed"] += bill is not None and bill.state is BillState.COMPLETE
        minor[each.account.currency] += each.minor
    for batch in alike:
        rows, done = len(batch.members), batch.mold.decided
        found["accounts"] += rows
        if batch.filled:
            found["bills"] += rows
            found["segments"] += rows * len(batch.filled)
            found["completed"] += rows if done.completion else 0
            minor[done.account.currency] += sum(batch.amounts)
    return {
        **found,
        "exceptions": errors.total(),
        "errors": dict(errors),
        "minor": dict(minor),
    }
