"""What lies behind the calls: tests look into the database, and say for others that something was carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from countinghouse.accounting.v1 import operations_pb2 as pb
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution import settling
from domain.accounting.execution.model import Assignment, Task
from domain.accounting.execution.settling import Done
from domain.accounting.execution.store import assignments, tasks
from domain.accounting.performing.booking import Books
from domain.accounting.tables import accounting_operation, collection_balance
from domain.deliveries.tables import delivery
from domain.flows.accounting import Posting
from domain.gl_extraction.tables import accounting_detail
from domain.kernel.call import Call
from server.database.transaction import Database


@dataclass
class Behind:
    """The database of a server; `now_us` is the server's clock."""

    database: Database
    now_us: int

    def operations(self, claim: str) -> int:
        """How many operations a claim has."""
        mine = accounting_operation.c.claim_id == claim.removeprefix("claims/")
        query = select(func.count()).select_from(accounting_operation).where(mine)
        return self.database.read(lambda tx: int(tx.execute(query).scalar_one()))

    def assignment(self, operation: pb.AccountingOperation) -> Assignment:
        """The assignment of an operation."""
        found = self.database.read(lambda tx: assignments.find(tx, *_key(operation)))
        assert found is not None
        return found

    def tasks(self, operation: pb.AccountingOperation) -> list[Task]:
        """The open tasks of an operation."""
        return self.database.write(lambda tx: tasks.open_of(tx, [_key(operation)]))

    def deliveries(self, operation: pb.AccountingOperation) -> list[str]:
        """The states of the deliveries that an operation has."""
        query = select(delivery.c.state).where(delivery.c.subject == operation.name)
        return [str(state) for state in self.database.read(lambda tx: tx.execute(query).scalars().all())]

    def details(self) -> int:
        """How many accounting details there are."""
        query = select(func.count()).select_from(accounting_detail)
        return self.database.read(lambda tx: int(tx.execute(query).scalar_one()))

    def balances(self, claim: str) -> dict[tuple[str, str], tuple[int, int]]:
        """Executed and pending minor units by collection and currency, of those that are not both zero."""
        b = collection_balance.c
        query = select(b.collection_code, b.currency, func.sum(b.executed_minor), func.sum(b.pending_minor))
        query = query.where(b.claim_id == claim.removeprefix("claims/")).group_by(b.collection_code, b.currency)
        rows = self.database.read(lambda tx: tx.execute(query).all())
        return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in rows if row[2] or row[3]}

    def settle(self, *operations: pb.AccountingOperation) -> None:
        """Record that operations were carried out."""
        done = [Done(*_key(operation), self.now_us, "core-bank", "ref") for operation in operations]

        def write(tx: Connection) -> None:
            call = Call("core-bank", "test/Settle", "", self.now_us)
            settling.settle(tx, call, Configurations(), Books(Posting()), done)

        self.database.write(write)


def _key(operation: pb.AccountingOperation) -> tuple[str, str]:
    _, claim_id, _, operation_id = operation.name.split("/")
    return claim_id, operation_id


def names(operations: Sequence[pb.AccountingOperation]) -> list[str]:
    """The names of operations."""
    return [operation.name for operation in operations]
