"""Accounts of a chunk that are alike, decided together; the others are left to be decided each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.billing.configuration.snapshot import Snapshot
from domain.billing.runs.alike import store
from domain.billing.runs.alike.filling import Batch, fill
from domain.billing.runs.alike.invoicing import with_invoices
from domain.billing.runs.alike.likeness import Likeness, Member, agreement_place, alike, profile_place
from domain.billing.runs.alike.molds import Mold, mold
from domain.billing.runs.alike.reading import with_what_is_read
from domain.billing.runs.deciding import Desk
from domain.billing.segments.store import segments
from domain.billing.usage import together
from domain.billing.usage.model import Gathered
from domain.billing.usage.together import Question
from domain.kernel.call import Call
from domain.kernel.errors import DomainError, Unavailable

ALIKE_FROM = 5
"""Fewer accounts that are alike are decided each by itself: that costs less than making a mold."""


@dataclass(frozen=True, slots=True)
class Known:
    """Accounts that are alike, with their mold and, for each that it wants, the usage of each account."""

    likeness: Likeness
    mold: Mold
    members: Sequence[Member]
    usage: Sequence[Sequence[Gathered]]

    def judged(self) -> Iterator[tuple[tuple[str, str], int]]:
        """Agreements whose types have limits, and by how many of their last segments each is judged (BIL-16)."""
        for each in self.mold.pieces:
            limits, place = each.drafted.due.type.settings.plausible, agreement_place(each.segment.agreement_id)
            if limits is not None:
                yield from (((one.account_id, one.agreement_ids[place]), limits.segments) for one in self.members)


def decide(
    tx: Connection, call: Call, desk: Desk, account_ids: Sequence[str], *, lock: bool
) -> tuple[list[Batch], list[str]]:
    """What becomes of accounts that are alike, and the ids of the others, in order; `lock` holds all of them.

    Cost: the statements of `gather`, one where types have limits, and those of the ledger's check.
    """
    snapshot, known = gather(tx, call, desk, account_ids, lock=lock)
    history = segments.spent(tx, dict(judged for each in known for judged in each.judged()))
    filled = [fill(each.mold, snapshot, each.members, each.usage, history) for each in known]
    told = [with_invoices(each, snapshot) for each in filled if each.members]
    batches = _that_post(tx, desk, [each for each in told if each is not None])
    done = {member.account_id for batch in batches for member in batch.members}
    return batches, [each for each in sorted(account_ids) if each not in done]


def gather(
    tx: Connection, call: Call, desk: Desk, account_ids: Sequence[str], *, lock: bool
) -> tuple[Snapshot, list[Known]]:
    """The configuration, and those of the accounts that are alike and have a mold.

    Cost: seven statements at most and those of `usage.together`, however many accounts.
    """
    found = store.accounts(tx, desk.order.cycle, account_ids, lock=lock)
    pending = store.with_pending_bill(tx, [account_id for account_id, *_ in found])
    free = [row for row in found if row[0] not in pending]
    ids = [account_id for account_id, *_ in free]
    snapshot = desk.bench.configurations.current(tx)
    agreements = with_what_is_read(tx, snapshot, store.agreements(tx, ids))
    of_likeness = alike(free, agreements, store.profiles(tx, ids))
    molds = [
        (likeness, made, members)
        for likeness, members in of_likeness.items()
        if len(members) >= ALIKE_FROM and (made := mold(call, desk, snapshot, likeness)) is not None
    ]
    questions = [question for _, made, members in molds for question in _questions(made, members)]
    usage = iter(together.gather(tx, questions))
    return snapshot, [
        Known(likeness, made, members, [next(usage) for _ in made.wanted]) for likeness, made, members in molds
    ]


def _questions(made: Mold, members: Sequence[Member]) -> Iterator[Question]:
    """What is wanted of the accounts' usage: what the mold wants of that of the one that stands in."""
    for each in made.wanted:
        places = [profile_place(name) for name in each.profiles]
        yield Question(each, [(one.account_id, tuple([one.profile_ids[at] for at in places])) for one in members])


def _that_post(tx: Connection, desk: Desk, batches: Sequence[Batch]) -> list[Batch]:
    """Those of which the ledger would take what is frozen; of the others, each account is told why it would not."""
    if _would_post(tx, desk, batches):
        return list(batches)
    return [each for each in batches if _would_post(tx, desk, [each])]


def _would_post(tx: Connection, desk: Desk, batches: Sequence[Batch]) -> bool:
    codes = {of_piece for batch in batches for of_piece in batch.codes}
    if not codes:
        return True
    try:
        ledgers = desk.bench.ledger.check(tx, frozenset().union(*codes), desk.order.accounting_day)
    except Unavailable:
        raise
    except DomainError:
        return False
    return all(len({ledgers[code] for code in of_piece}) == 1 for of_piece in codes)
