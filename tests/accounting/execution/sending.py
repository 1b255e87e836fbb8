"""Sends what waits for systems of record in the test's place: whatever is answered is what the test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from domain.accounting.execution.model import Assignment, Task
from domain.accounting.execution.outcomes import Outcomes
from domain.accounting.execution.store import assignments, tasks
from domain.accounting.feed.model import EventKind
from domain.accounting.performing.model import Operation
from domain.accounting.performing.store import operations
from domain.accounting.tables import accounting_event, collection_balance
from domain.deliveries import service as deliveries
from domain.deliveries.model import Delivery, Kind, Outcome, Patience, failed, rejected, unanswered
from domain.flows.accounting import Posting
from domain.gl_extraction.tables import accounting_detail
from tests.accounting.shop import Shop

POSTED_US = 1_794_999_000_000_000
UNAVAILABLE = failed("SERVICE_UNAVAILABLE", "not now")
NO_ANSWER = unanswered("SERVICE_NO_ANSWER", "no answer")
REJECTED = rejected("SERVICE_REJECTED", "the account is closed")


def posted(reference: str = "ref-1", posted_us: int = POSTED_US) -> Outcome:
    """It was posted."""
    return Outcome(delivered=True, facts={"external_reference": reference, "posted_us": posted_us})


@dataclass
class Sending:
    """Deliveries of one shop, at most `free` at once."""

    shop: Shop
    posting: Posting = field(default_factory=Posting)
    _recorder: Outcomes = field(init=False)

    def __post_init__(self) -> None:
        self._recorder = Outcomes(self.shop.configurations, self.posting, lambda: self.shop.now_us)

    def claim(self, free: int = 100) -> list[Delivery]:
        """Take what is due in hand."""

        def write(tx: Connection) -> list[Delivery]:
            kinds = (Kind.SYSTEM_OF_RECORD,)
            return deliveries.claim(tx, kinds, free=free, per_target_max=100, lease_us=60_000_000).deliveries

        return self.shop.database.write(write)

    def record(self, answers: Sequence[tuple[Delivery, Outcome]]) -> list[Delivery]:
        """Record what became of attempts, in one transaction, as the dispatch does."""
        outcomes = {delivery.delivery_id: outcome for delivery, outcome in answers}

        def write(tx: Connection) -> list[Delivery]:
            after = deliveries.record(tx, answers, Patience(), lambda: 0)
            self._recorder.record(tx, [(each, outcomes[each.delivery_id]) for each in after])
            return after

        return self.shop.database.write(write)

    def send(self, answer: Outcome | Mapping[str, Outcome]) -> list[Delivery]:
        """Make one attempt each of all that is due, answered so, or so for each operation id."""
        claimed = self.claim()
        return self.record([(each, answer if isinstance(answer, Outcome) else answer[each.key]) for each in claimed])

    def assignment(self, operation: Operation) -> Assignment:
        found = self.shop.database.read(lambda tx: assignments.find(tx, operation.claim_id, operation.operation_id))
        assert found is not None
        return found

    def operation(self, operation: Operation) -> Operation:
        found = self.shop.database.read(lambda tx: operations.find(tx, operation.claim_id, operation.operation_id))
        assert found is not None
        return found

    def tasks(self, operation: Operation) -> list[Task]:
        """Those that are not closed."""
        key = (operation.claim_id, operation.operation_id)
        return self.shop.database.write(lambda tx: tasks.open_of(tx, [key]))

    def balances(self, claim_id: str) -> dict[str, tuple[int, int]]:
        """Executed and pending minor units by collection."""
        b = collection_balance.c
        query = select(b.collection_code, func.sum(b.executed_minor), func.sum(b.pending_minor))
        query = query.where(b.claim_id == claim_id).group_by(b.collection_code)
        return {
            row[0]: (int(row[1]), int(row[2])) for row in self.shop.database.read(lambda tx: tx.execute(query).all())
        }

    def details(self) -> int:
        """How many accounting details there are."""
        return len(self.shop.database.read(lambda tx: tx.execute(select(accounting_detail.c.detail_id)).all()))

    def events(self, claim_id: str) -> list[EventKind]:
        """What happened to a claim."""
        e = accounting_event.c
        query = select(e.kind).where(e.claim_id == claim_id).order_by(e.sequence)
        return [EventKind(kind) for kind in self.shop.database.read(lambda tx: tx.execute(query).scalars().all())]
