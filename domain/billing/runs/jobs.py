"""Billing runs as long-running work: all accounts of a cycle, chunk by chunk, whoever carries them out (BIL-30 to 32).

A chunk is a transaction, and with it commits that it is done: what was killed is made again as if it had never begun.
There is nothing to put back when a run is canceled: it ends with the chunks under way, and the next run goes on, as it
finds nothing to bill where bills are complete, and makes again what is pending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from domain.billing.accounts import store as accounts
from domain.billing.bills.completing import Bench
from domain.billing.runs import billing, store, tallies, variance
from domain.billing.runs.alike.deciding import decide as decide_alike
from domain.billing.runs.alike.filling import Batch
from domain.billing.runs.asking import Asked, Hooks
from domain.billing.runs.deciding import Decided, Desk, Report, decide, is_of_database, unforeseen
from domain.billing.runs.model import PREVIEW_KIND, RUN_KIND, order_from_document
from domain.billing.runs.service import PREVIEW_STAGES, STAGES, require_alone
from domain.kernel.call import Call
from domain.kernel.money import Money
from domain.kernel.waiting import wait_patiently
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work

_ONE_BY_ONE_FROM = 3
"""From this attempt on a chunk is billed account by account: one of them may be what stops it."""

_ROUNDS_MAX = 100
"""So often what is asked may depend on an answer; what is not known then is an exception."""


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """How many accounts one step bills on each database: on SQLite all other writers wait."""

    on_postgresql: int = 1_000
    on_sqlite: int = 600

    def of(self, tx: Connection) -> int:
        """On this one."""
        return self.on_postgresql if tx.dialect.name == "postgresql" else self.on_sqlite


@dataclass(frozen=True, slots=True)
class Runs:
    """The jobs of runs and of their previews, with what bills are worked on with.

    `hooks` asks algorithms over the network; without, they have no answer.
    """

    bench: Bench
    report: Report
    hooks: Hooks | None = None
    sizes: ChunkSizes = ChunkSizes()

    def jobs(self) -> tuple[Job, ...]:
        """The jobs as the mechanism knows them."""
        (bill,), (preview,) = STAGES, PREVIEW_STAGES
        return (
            Job(
                kind=RUN_KIND,
                stages=(Stage(*bill, plan=self.plan, gather=self.ask, step=self.bill),),
                undo=_nothing_to_undo,
                links=_links,
                require_recoverable=require_alone,
            ),
            Job(
                kind=PREVIEW_KIND,
                stages=(Stage(*preview, plan=self.plan, gather=self.look, step=self.tell),),
                undo=_nothing_to_undo,
                links=_links,
            ),
        )

    def plan(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """Accounts of the cycle by id; those that join it later are for the next run."""
        order, size = order_from_document(operation.request), self.sizes.of(tx)
        if not order.accounts and not order.failed_only:
            return [ChunkPlan(asdict(span), span.items) for span in store.cut_cycle(tx, order.cycle, size)]
        chosen: Sequence[str] = order.accounts
        if order.failed_only:
            failed = store.failed(tx, order.cycle, order.window)
            chosen = sorted(set(failed) & set(chosen)) if chosen else failed
        chunks = [chosen[at : at + size] for at in range(0, len(chosen), size)]
        return [ChunkPlan({"accounts": list(each)}, len(each)) for each in chunks]

    def ask(self, tx: Connection, work: Work) -> Asked:
        """Ask algorithms over the network for the bills of a chunk as they will be, until no answer is missing."""
        asked = Asked()
        if self.hooks is not None and any(each.decide is None for each in self.bench.algorithms.by_code.values()):
            call, desk = operations.call_of(tx, work.operation, work.now_us), self._desk(work, asked)
            wait_patiently(tx)
            for _ in range(_ROUNDS_MAX):
                _decided(tx, call, desk, _accounts(tx, work))
                if not asked.ask(self.hooks):
                    break
        return asked

    def bill(self, tx: Connection, work: Work) -> Stepped:
        """Bill the accounts of a chunk."""
        assert isinstance(work.facts, Asked)
        call = operations.call_of(tx, work.operation, work.now_us)
        account_ids = _accounts(tx, work)
        one_by_one = work.attempt >= _ONE_BY_ONE_FROM
        desk = self._desk(work, work.facts)
        return Stepped(len(account_ids), billing.bill(tx, call, desk, account_ids, one_by_one=one_by_one))

    def look(self, tx: Connection, work: Work) -> Stepped:
        """What billing the accounts of a chunk would come to, beside their last bills."""
        asked = self.ask(tx, work)
        account_ids = _accounts(tx, work)
        call = operations.call_of(tx, work.operation, work.now_us)
        decided, together = _decided(tx, call, self._desk(work, asked), account_ids)
        amounts = {each.account.account_id: Money(each.minor, each.account.currency) for each in decided if each.billed}
        for batch in together:
            currency = batch.mold.decided.account.currency
            of_accounts = zip(batch.members, batch.amounts, strict=True) if batch.filled else ()
            amounts |= {member.account_id: Money(minor, currency) for member, minor in of_accounts}
        bands, found = variance.variances(amounts, store.last_bills(tx, sorted(amounts)))
        counts = {**tallies.counts(decided, together), "bands": bands}
        return Stepped(len(account_ids), counts, result={"largest": variance.to_documents(found)})

    def tell(self, tx: Connection, work: Work) -> Stepped:
        """Lay what a chunk would come to beside what the others do."""
        assert isinstance(work.facts, Stepped)
        before = operations.held(tx, work.operation.operation_id).result.get("largest", [])
        both = variance.from_documents([*before, *work.facts.result["largest"]])
        result = {"largest": variance.to_documents(variance.largest(both))}
        return Stepped(work.facts.items_done, work.facts.counts, result=result)

    def _desk(self, work: Work, asked: Asked) -> Desk:
        operation = work.operation
        return Desk(self.bench, order_from_document(operation.request), operation.operation_id, self.report, asked)


def _decided(tx: Connection, call: Call, desk: Desk, account_ids: Sequence[str]) -> tuple[list[Decided], list[Batch]]:
    """What would become of accounts, each by itself or together; nothing is written."""
    try:
        together, left = decide_alike(tx, call, desk, account_ids, lock=False)
        return decide(tx, call, desk, left, lock=False) if left else [], together
    except Exception as error:
        if is_of_database(tx, error):
            raise
    return [each for account_id in account_ids for each in _decided_alone(tx, call, desk, account_id)], []


def _decided_alone(tx: Connection, call: Call, desk: Desk, account_id: str) -> list[Decided]:
    try:
        return decide(tx, call, desk, [account_id], lock=False)
    except Exception as error:
        if is_of_database(tx, error):
            raise
        account = accounts.accounts(tx, [account_id])[account_id]
        return [Decided(account, failure=unforeseen(account_id, error, desk.report))]


def _accounts(tx: Connection, work: Work) -> list[str]:
    """The accounts of a chunk."""
    if "accounts" in work.payload:
        return list(work.payload["accounts"])
    span = store.Span(**work.payload)
    return store.ids_of(tx, order_from_document(work.operation.request).cycle, span.first, span.last)


def _nothing_to_undo(_tx: Connection, _operation: Operation, _now_us: int) -> bool:
    return True


def _links(operation: Operation) -> dict[str, str]:
    return {"window": order_from_document(operation.request).key.name}
