"""Creating interval data as long-running work: the accounts one after another, each whole (BIL-22).

Chunks are transactions of some accounts; what was killed is made again, which changes nothing that was made. There is
nothing to put back when it is canceled: data that were created are sound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from sqlalchemy import Connection

from domain.billing.configuration.snapshot import Configurations
from domain.billing.creation import asking, creating, store
from domain.billing.creation.asking import Hooks
from domain.billing.creation.creating import Created
from domain.billing.creation.deciding import Answers, Report
from domain.billing.creation.gathering import Around
from domain.billing.creation.model import CREATE_KIND, STAGES, DataSetState, request_from_document
from domain.billing.names import account_name, cycle_name
from domain.kernel.documents import Document
from domain.kernel.waiting import wait_patiently
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work

ACCOUNTS_PER_CHUNK = 8
"""So many accounts a transaction creates data for, one after another; where hooks are asked, each has its own."""


@dataclass(frozen=True, slots=True)
class Creation:
    """The job, with what it needs to know; `report` is told what nobody foresaw of a profile.

    `hooks` asks algorithms over the network; without, they have no answer.
    """

    configurations: Configurations
    report: Report
    hooks: Hooks | None = None

    def job(self) -> Job:
        """The job as the mechanism knows it."""
        ((name, unit),) = STAGES
        stage = Stage(name, unit, plan=self.plan, gather=self.ask, step=self.step)
        return Job(kind=CREATE_KIND, stages=(stage,), undo=_nothing_to_undo, links=_links)

    def plan(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """The accounts that have something to create, by id; those that join the cycle later are for the next time."""
        request = request_from_document(operation.request)
        found = [request.account] if request.account else self._of_cycle(tx, request.cycle)
        size = 1 if asking.asked_of(tx, self._around()) else ACCOUNTS_PER_CHUNK
        chunks = [found[at : at + size] for at in range(0, len(found), size)]
        return [ChunkPlan({"accounts": each}, len(each)) for each in chunks]

    def ask(self, tx: Connection, work: Work) -> Answers:
        """Ask algorithms over the network for the data of a chunk's accounts."""
        if self.hooks is None:
            return {}
        call = operations.call_of(tx, work.operation, work.now_us)
        wanted = request_from_document(work.operation.request).wanted
        wait_patiently(tx)
        return asking.answers(tx, call, self._around(), work.payload["accounts"], wanted, hooks=self.hooks)

    def step(self, tx: Connection, work: Work) -> Stepped:
        """Create what is due of a chunk's accounts."""
        call = operations.call_of(tx, work.operation, work.now_us)
        wanted = request_from_document(work.operation.request).wanted
        around, ids = self._around(cast("Answers", work.facts)), work.payload["accounts"]
        made = [creating.create(tx, call, around, each, wanted) for each in ids]
        return Stepped(len(ids), counts(made))

    def _around(self, answers: Answers = MappingProxyType({})) -> Around:
        return Around(self.configurations, self.report, answers)

    def _of_cycle(self, tx: Connection, cycle: str) -> list[str]:
        types = self.configurations.current(tx).profile_types
        created = [code for code, each in types.items() if each.settings.creation]
        return store.accounts_of_cycle(tx, cycle, created)


def counts(made: Sequence[Created]) -> Document:
    """What was created, as the counts of the operation; `errors` are by reason."""
    sets = [each for one in made for each in one.data_sets]
    errors = Counter(each.reason for each in sets if each.state is DataSetState.ERROR)
    return {
        "accounts": len(made),
        "complete": len(sets) - errors.total(),
        "errors": dict(errors),
        "created": sum(each.created_count for each in sets),
        "unchanged": sum(each.unchanged_count for each in sets),
        "replaced": sum(each.replaced_count for each in sets),
        "stale": sum(len(each.stale_segments) for each in made),
    }


def _nothing_to_undo(_tx: Connection, _operation: Operation, _now_us: int) -> bool:
    return True


def _links(operation: Operation) -> dict[str, str]:
    request = request_from_document(operation.request)
    if request.account:
        return {"account": account_name(request.account)}
    return {"bill_cycle": cycle_name(request.cycle)}
