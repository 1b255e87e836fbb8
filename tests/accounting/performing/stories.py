"""Steps that may be taken with a claim, each by its use case, and what is true after every one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from domain.accounting.configuration.model import AmountSource, EntryAmount, Processing, Settlement
from domain.accounting.execution import completing, failing, redoing
from domain.accounting.execution.completing import Report
from domain.accounting.execution.failing import Failed
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.states import AssignmentState
from domain.accounting.execution.store import assignments
from domain.accounting.performing import approving, correcting, manual
from domain.accounting.performing.model import Operation
from domain.accounting.performing.requests import Entry, FreeForm
from domain.accounting.performing.store import operations
from domain.accounting.tables import (
    accounting_event,
    accounting_operation,
    assignment,
    claim,
    collection_balance,
    executed_step,
    task,
)
from domain.gl_extraction.tables import accounting_detail
from domain.kernel.call import Call
from domain.kernel.errors import DomainError
from domain.kernel.money import Money
from tests.accounting.shop import COLLECTIONS, Shop, rule

SETTLEMENT = Settlement("SUSPENSE", "FEES", "aside")
RULES = (
    rule("CREDIT", "SUSPENSE", "ACCOUNT_HOLDER"),
    rule("TRACKED", "MERCHANT", "SUSPENSE", processing=Processing.TRACKING_ONLY),
    rule("WRITE_OFF", "LOSS", "SUSPENSE", entry_amount=EntryAmount(AmountSource.COLLECTION_BALANCE, "SUSPENSE")),
    rule("TWICE", "SUSPENSE", "MERCHANT", settlement=SETTLEMENT),
)
POINTS = tuple(each.code for each in RULES)
LIMIT = 20_000
"""Above so many minor units another person has to agree."""

_TABLES = (accounting_operation, assignment, task, collection_balance, executed_step, accounting_event, claim)


@dataclass
class Story:
    """What happens to one claim of a shop."""

    shop: Shop
    claim_id: str
    made: list[tuple[str, str]] = field(default_factory=list)

    def take(self, what: str, given: Any) -> bool:
        """Take a step; gives whether it was done. One that is refused leaves everything as it was."""
        before = self.everything()
        self.shop.now_us += 1_000_000
        try:
            getattr(self, what)(given)
        except DomainError:
            assert self.everything() == before, what
            return False
        finally:
            self.prove()
        return True

    def execute(self, given: Any) -> None:
        point, minor, step_key = given
        made = self.shop.execute(self.claim_id, point, minor, step_key=step_key)
        self.made += [(each.claim_id, each.operation_id) for each in made]

    def free(self, given: Any) -> None:
        debit, credit, minor, tracking_only = given
        entry = Entry(self.claim_id, "1", Money(minor, "USD"))
        wanted = FreeForm(self.claim_id, entry, debit, credit, "by hand", tracking_only=tracking_only)
        shop = self.shop
        made = shop.write(manual.perform, shop.configurations, shop.books, wanted, qualified=True)
        self.made += [(each.claim_id, each.operation_id) for each in made]

    def complete(self, place: int) -> None:
        shop = self.shop
        report = Report(*self._pick(place), "ref", 0, "completion_date")
        shop.write(completing.complete, shop.configurations, shop.books, report)

    def settle(self, place: int) -> None:
        """As its channel does with what is due."""
        key = self._pick(place)
        found = self.shop.database.read(lambda tx: assignments.find(tx, *key))
        if found is not None and found.state is AssignmentState.PENDING:
            self.shop.settle([self._operation(key)])

    def fail(self, place: int) -> None:
        key = self._pick(place)

        def write(tx: Connection, call: Call) -> list[Assignment]:
            found = assignments.find(tx, *key)
            if found is None or found.state is not AssignmentState.PENDING:
                return []
            return failing.fail(tx, call, [Failed(found, AssignmentState.FAILED)])

        self.shop.write(write)

    def retry(self, place: int) -> None:
        self.shop.write(redoing.retry, self.shop.configurations, *self._pick(place))

    def reverse(self, place: int) -> None:
        claim_id, operation_id = self._pick(place)
        shop = self.shop
        done = shop.write(
            correcting.reverse,
            shop.configurations,
            shop.books,
            claim_id=claim_id,
            operation_id=operation_id,
            reason="wrong",
        )
        self.made += [(each.claim_id, each.operation_id) for each in done.reversals]

    def cancel(self, place: int) -> None:
        claim_id, operation_id = self._pick(place)
        self.shop.write(correcting.cancel, claim_id=claim_id, operation_id=operation_id, reason="wrong")

    def approve(self, place: int) -> None:
        claim_id, operation_id = self._pick(place)
        shop = self.shop

        def write(tx: Connection, _: Call) -> Operation:
            other = shop.call("ben")
            return approving.approve(
                tx, other, shop.configurations, shop.books, claim_id=claim_id, operation_id=operation_id
            )

        shop.write(write)

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of accounting, and how many details there are."""

        def read(tx: Connection) -> dict[str, list[tuple[Any, ...]]]:
            rows = {table.name: sorted(map(tuple, tx.execute(select(table)))) for table in _TABLES}
            return rows | {"details": [tuple(row) for row in tx.execute(select(accounting_detail.c.detail_id))]}

        return self.shop.database.read(read)

    def prove(self) -> None:
        """What is true at any time."""
        found = self._operations()
        executed, pending = _fold(found, "EXECUTED"), _fold(found, "AWAITING_APPROVAL", "PENDING")
        kept = self.balances()
        assert {key: value[0] for key, value in kept.items() if value[0]} == executed
        assert {key: value[1] for key, value in kept.items() if value[1]} == pending
        assert sum(executed.values()) == sum(pending.values()) == 0
        posted = {f"{each.operation_id}/{side}" for each in found if each.executed_us and each.posts for side in "CD"}
        assert set(self.shop.database.read(_details)) >= posted
        live = Counter(each.reverses_id for each in found if each.reverses_id and each.state != "CANCELED")
        assert all(count == 1 for count in live.values())

    def outcome(self) -> object:
        """What became of the claim, without ids and instants."""
        found = self._operations()
        states = sorted((each.kind, each.state, each.debit.collection, each.amount.minor) for each in found)
        return states, sorted(self.balances().items())

    def balances(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Executed and pending minor units by collection and currency, as they are kept."""
        b = collection_balance.c
        query = select(b.collection_code, b.currency, b.executed_minor, b.pending_minor)
        mine = query.where(b.claim_id == self.claim_id)
        rows = self.shop.database.read(lambda tx: tx.execute(mine).all())
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    def _operations(self) -> list[Operation]:
        mine = select(accounting_operation).where(accounting_operation.c.claim_id == self.claim_id)
        return self.shop.database.read(lambda tx: [operations.from_row(row) for row in tx.execute(mine).mappings()])

    def _operation(self, key: tuple[str, str]) -> Operation:
        found = self.shop.database.read(lambda tx: operations.find(tx, *key))
        assert found is not None
        return found

    def _pick(self, place: int) -> tuple[str, str]:
        """One of the operations so far; before the first, one that there is not."""
        return self.made[place % len(self.made)] if self.made else (self.claim_id, "0" * 26)


Step = tuple[str, Any]

SIDES = COLLECTIONS


def _fold(found: list[Operation], *states: str) -> dict[tuple[str, str], int]:
    sums: Counter[tuple[str, str]] = Counter()
    for each in found:
        if each.state in states:
            sums[each.debit.collection, each.amount.currency] -= each.amount.minor
            sums[each.credit.collection, each.amount.currency] += each.amount.minor
    return {key: minor for key, minor in sums.items() if minor}


def _details(tx: Connection) -> list[str]:
    return list(tx.execute(select(accounting_detail.c.external_id)).scalars())
