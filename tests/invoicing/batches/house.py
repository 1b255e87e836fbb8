"""A house that invoices by batches: books, running invoices, and a worker that goes one chunk at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select, update

from domain.flows.invoicing import Invoiced
from domain.gl_extraction.distribution import service as distribution
from domain.gl_extraction.distribution.model import Distribution
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.model import NewPeriod
from domain.gl_extraction.reference import service as reference
from domain.gl_extraction.reference.model import LEDGERS
from domain.gl_extraction.tables import accounting_detail
from domain.invoicing.batches import aggregation, canceling, engines, service, store, working
from domain.invoicing.batches.advancing import Advance, Sizes
from domain.invoicing.batches.aggregation import Aggregation
from domain.invoicing.batches.canceling import Cancellation
from domain.invoicing.batches.carrying import Pace
from domain.invoicing.batches.hooks import Hookpoint
from domain.invoicing.batches.model import Batch, EngineRequest, Request, Transition
from domain.invoicing.batches.states import BatchState
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices import taking
from domain.invoicing.invoices.model import Invoice
from domain.invoicing.tables import invoice, invoice_tax
from domain.kernel.call import Call
from domain.kernel.registers import store as registers
from domain.operations import runner
from domain.operations import service as operations
from domain.operations.model import Job, Operation, State
from domain.operations.runner import Attempts
from server.database.transaction import Database
from server.work.chunks import Chunks
from tests.invoicing.invoices.office import Office, at, line

SMALL = Sizes(closed=2, moved=2, numbered=2, on_sqlite=2, pace=Pace(first=1, within_us=0))
IN_MARCH = at("2026-03-10T09:00")
IN_APRIL = at("2026-04-01T08:00")


def jobs(hooks: Mapping[str, Hookpoint], sizes: Sizes = SMALL) -> tuple[Job, ...]:
    """What the worker knows."""
    return (
        Advance(Invoiced(), hooks, sizes).job(),
        Aggregation(2, 2).job(),
        Cancellation(2, 2).job(),
        engines.job(),
    )


class House(Office):
    """Batches of the cycle CYCLE, each use case in a transaction of its own, at a clock that is set."""

    def __init__(self, database: Database, **cycle: Any) -> None:
        super().__init__(database, **cycle)
        self.hooks: dict[str, Hookpoint] = {}
        self.sizes = SMALL
        self.now_us = IN_MARCH
        database.write(lambda tx: open_books(tx, self.call))
        self.worker_id = database.write(
            lambda tx: runner.register(tx, host="here", pid=os.getpid(), lease_us=600_000_000)
        )

    @property
    def call(self) -> Call:
        """A call of somebody, now."""
        return Call("ada", "test/Test", "", self.now_us)

    def charge(self, amounts: Mapping[str, int], **others: Any) -> None:
        """A line for each account, by arrival now; its external id is of the account and the instant."""
        lines = [line(f"{each}-{self.now_us}", net, each, **others) for each, net in amounts.items()]
        added = self.add(*lines, call=self.call)
        assert not added.refused, added.refused

    def touch(self, tx: Connection, found: Invoice, **values: Any) -> None:
        """Change the row of an invoice within a transaction."""
        where = (invoice.c.account_id == found.account_id, invoice.c.invoice_id == found.invoice_id)
        tx.execute(update(invoice).where(*where).values(**values))

    def take_off_all(self, account: str) -> None:
        """Take off the line that `charge` has put on an account's invoice now."""
        self.do(lambda tx: taking.take_one_off(tx, self.call, account, "shop", f"{account}-{self.now_us}"))

    def create(self, **asked: Any) -> Batch:
        """A batch of the cycle."""
        request = replace(Request("CYCLE"), **asked)
        return self.do(lambda tx: service.create(tx, self.call, request))

    def step(self) -> bool:
        """Carry out one chunk of whatever is to be done; False when nothing is."""
        attempts = Attempts(at_most=2, pause_us=0)
        known = jobs(self.hooks, self.sizes)
        chunks = Chunks(self.database, known, attempts, lease_s=600, chunk_s=60, on_change=lambda _: None)
        return chunks.work_once(self.worker_id, lambda: True)

    def work(self) -> None:
        """Carry out all there is to be done."""
        while self.step():
            pass

    def close(self, **asked: Any) -> Batch:  # type: ignore[override]
        """A batch of the cycle, closed as far as that goes by itself."""
        batch = self.create(**asked)
        self.work()
        return self.batch(batch.batch_id)

    def engine(self) -> Operation:
        """One pass of the engine, and all that it begins."""
        return self.done(self.do(lambda tx: engines.start(tx, self.call, EngineRequest())))

    def aggregate(self, batch_id: str = "") -> Operation:
        """Aggregation to its end."""
        request = EngineRequest(batch_id=batch_id)
        return self.done(self.do(lambda tx: aggregation.start(tx, self.call, request)))

    def cancel(self, batch_id: str) -> Batch:
        """Cancel a batch."""
        self.do(lambda tx: canceling.cancel(tx, self.call, batch_id))
        self.work()
        return self.batch(batch_id)

    def retry(self, batch_id: str) -> Batch:
        """Retry a batch."""
        return self.do(lambda tx: service.retry(tx, self.call, batch_id))

    def go_on(self, batch_id: str) -> Batch:
        """Whatever makes a batch go on by itself, until nothing does."""
        self.engine()
        self.aggregate()
        self.engine()
        return self.batch(batch_id)

    def done(self, started: Operation) -> Operation:
        """An operation at its end, which must be a good one."""
        self.work()
        found = self.database.read(lambda tx: operations.get(tx, started.operation_id))
        assert found.state is State.SUCCEEDED, found.failure
        return found

    def batch(self, batch_id: str) -> Batch:
        """A batch as it stands."""
        return self.database.read(lambda tx: working.get(tx, batch_id))

    def batches(self) -> list[Batch]:
        """All batches, newest first."""
        return self.database.read(lambda tx: store.page(tx, cycles=None, limit=1_000))

    def idle(self) -> bool:
        """Whether no operation is under way."""
        kinds = [job.kind for job in jobs(self.hooks)]
        return not self.database.read(lambda tx: [each for kind in kinds for each in operations.under_way(tx, kind)])

    def history(self, batch_id: str) -> list[Transition]:
        """A batch's history."""
        return self.database.read(lambda tx: store.transitions(tx, batch_id, after=0, limit=1_000))

    def states(self, batch_id: str) -> list[BatchState]:
        """The states that a batch has been in."""
        return [each.to_state for each in self.history(batch_id)]

    def all_invoices(self) -> list[Invoice]:
        """All invoices by account and age."""
        accounts = self.database.read(
            lambda tx: (
                tx.execute(select(invoice.c.account_id).distinct().order_by(invoice.c.account_id)).scalars().all()
            )
        )
        return [each for account in accounts for each in self.invoices(account)]

    def standing(self) -> dict[str, list[tuple[str, str, int, int]]]:
        """By account: state, schedule, net and carries of its invoices, by age."""
        found: dict[str, list[tuple[str, str, int, int]]] = {}
        for each in self.all_invoices():
            told = (each.state.value, each.schedule_code, each.net_minor, each.carried_count)
            found.setdefault(each.account_id, []).append(told)
        return found

    def sums(self) -> dict[tuple[str, str, int], tuple[int, int, int]]:
        """Net, tax, and what bills have reckoned of it, by account, tax category and rate."""
        t = invoice_tax.c
        query = select(t.account_id, t.tax_category, t.tax_ppm, t.net_minor, t.tax_minor, t.reckoned_minor)
        rows = self.database.read(lambda tx: tx.execute(query).all())
        return {(row[0], row[1], row[2]): (row[3], row[4], row[5]) for row in rows}

    def put_cycle(self, **settings: Any) -> None:
        """Change the cycle behind the calls' backs."""

        def put(tx: Connection) -> None:
            old = registers.lock(tx, CYCLES, "CYCLE")
            assert old is not None
            registers.change(tx, CYCLES, replace(old, settings=replace(old.settings, **settings)))

        self.do(put)

    def posted(self) -> list[tuple[str, str, str, int]]:
        """External id, distribution account, category, and amount (a debit when positive) of all details."""
        d = accounting_detail.c
        query = select(d.external_id, d.distribution_account, d.category, d.debit_minor - d.credit_minor)
        rows = self.database.read(lambda tx: tx.execute(query.order_by(d.external_id)).all())
        return [(row[0], row[1], row[2], int(row[3])) for row in rows]


def open_books(tx: Connection, call: Call) -> None:
    """A ledger that is open for years, with the distribution codes of the cycle and of the shop."""
    reference.create(tx, call, LEDGERS, code="GL", description="")
    periods.create(tx, call, NewPeriod("GL", "ALL", 20250101, 20271231))
    for code in ("AR", "VAT", "SALES"):
        distribution.create(tx, call, code, Distribution("GL", distribution_account=code))
