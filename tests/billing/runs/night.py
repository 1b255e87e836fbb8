"""A night at the utility: accounts of a cycle, a window, and a worker that goes one chunk at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import text

from domain.billing.algorithms.model import Algorithm
from domain.billing.algorithms.registry import Algorithms
from domain.billing.bills import completing
from domain.billing.bills.completing import Bench, Key
from domain.billing.bills.errors import BillIncomplete
from domain.billing.configuration import windows
from domain.billing.configuration.windows import WindowKey
from domain.billing.runs import service
from domain.billing.runs.asking import Hooks
from domain.billing.runs.jobs import ChunkSizes, Runs
from domain.billing.runs.model import Request
from domain.billing.segments import generating
from domain.billing.segments.model import Bill, BillingException
from domain.billing.segments.store import bills, exceptions
from domain.billing.segments.store.bills import BillFilter
from domain.billing.segments.store.exceptions import ExceptionFilter
from domain.flows.billing import Billed
from domain.flows.invoices import RunningInvoices
from domain.kernel.scopes import EVERYTHING, Scope
from domain.kernel.time import BusinessZone
from domain.operations import runner
from domain.operations import service as operations
from domain.operations.model import Job, Operation, State
from domain.operations.runner import Attempts
from server.work.chunks import Chunks
from tests.billing.runs.workers import SIZES
from tests.billing.segments.utility import head_office, open_account, site
from tests.billing.shop import ZONE, Shop

THROUGH = 20260201
TODAY = 20261118
WINDOW: dict[str, Any] = {
    "start_day": TODAY,
    "end_day": TODAY,
    "through_day": THROUGH,
    "bill_day": 20260203,
    "accounting_day": 20260204,
    "freeze": True,
    "complete": True,
}
ACCOUNTS = 10


@dataclass
class Night:
    """Runs the billing of a shop's cycle NORTH by its window JAN, one chunk at a time."""

    shop: Shop
    sizes: ChunkSizes = SIZES
    others: tuple[Algorithm, ...] = ()
    hooks: Hooks | None = None
    unforeseen: list[tuple[str, Exception]] = field(default_factory=list)
    worker_id: str = ""

    def __post_init__(self) -> None:
        self.worker_id = self.shop.database.write(
            lambda tx: runner.register(tx, host="here", pid=os.getpid(), lease_us=600_000_000)
        )

    @property
    def bench(self) -> Bench:
        return Bench(self.shop.configurations, Billed(), RunningInvoices(), Algorithms(self.others))

    @property
    def jobs(self) -> tuple[Job, ...]:
        report = lambda account_id, error: self.unforeseen.append((account_id, error))  # noqa: E731
        return Runs(self.bench, report, self.hooks, self.sizes).jobs()

    def window(self, code: str = "JAN", **given: Any) -> None:
        """A window of NORTH."""
        self.shop.write(windows.create, WindowKey("NORTH", code), {**WINDOW, **given})

    def accounts(self, first: int = 0, last: int = ACCOUNTS) -> None:
        """Accounts of NORTH: of each three one with a head office, and one with a site that nobody has read."""
        for number in range(first, last):
            self.shop.database.write(lambda tx, number=number: self._account(tx, number))  # type: ignore[misc]

    def _account(self, tx: Any, number: int) -> None:
        account_id = f"A{number:02}"
        if number % 3 == 0:
            head_office(tx, "400", "350", f"{250 + number}", account_id=account_id)
        elif number % 3 == 1:
            head_office(tx, f"{100 + number}", None, account_id=account_id)
        else:
            open_account(tx, account_id)
            site(tx, "S1", f"{10 * number}", account_id=account_id)

    def start(self, *, scope: Scope = EVERYTHING, **asked: Any) -> str:
        """Begin a run; gives its operation's id."""
        request = replace(Request("NORTH", "JAN"), **asked)
        call = self.shop.call(scope)
        zone = BusinessZone(ZONE)
        return self.shop.database.write(lambda tx: service.run(tx, call, request, zone)).operation_id

    def step(self) -> bool:
        """Carry out one chunk of whatever is to be done; False when nothing is."""
        attempts = Attempts(at_most=4, pause_us=0)
        chunks = Chunks(self.shop.database, self.jobs, attempts, lease_s=600, chunk_s=60, on_change=lambda _: None)
        return chunks.work_once(self.worker_id, lambda: True)

    def ended(self, operation_id: str) -> Operation:
        """The operation at its end, which must be a good one."""
        while self.step():
            pass
        done = self.look(operation_id)
        assert done.state is State.SUCCEEDED, done.failure
        return done

    def run(self, **asked: Any) -> Operation:
        """Run to a good end."""
        return self.ended(self.start(**asked))

    def look(self, operation_id: str) -> Operation:
        return self.shop.database.read(lambda tx: operations.get(tx, operation_id))

    def cancel(self, operation_id: str) -> None:
        self.shop.database.write(lambda tx: operations.request_cancel(tx, self.shop.call(), self.jobs, operation_id))

    def pause(self, operation_id: str) -> Operation:
        return self.shop.database.write(lambda tx: operations.pause(tx, self.shop.call(), operation_id))

    def resume(self, operation_id: str) -> Operation:
        return self.shop.database.write(lambda tx: operations.resume(tx, self.shop.call(), operation_id))

    def recover(self, operation_id: str) -> Operation:
        """Have a failed run go on."""
        return self.shop.database.write(lambda tx: operations.recover(tx, self.shop.call(), self.jobs, operation_id))

    def bill_online(self, account_id: str) -> None:
        """Generate and complete the bill of one account, as a person would; what cannot be completed is frozen."""
        request = generating.Request(account_id, THROUGH, WINDOW["bill_day"], WINDOW["accounting_day"])
        found = self.shop.write(generating.generate, self.shop.configurations, request)
        key = Key(account_id, found.bill.bill_id)
        try:
            self.shop.write(completing.complete, self.bench, key, {})
        except BillIncomplete:
            self.shop.write(completing.freeze, self.bench, key)

    def bills(self) -> list[Bill]:
        return self.shop.database.read(lambda tx: bills.page(tx, BillFilter(), after=(), limit=1_000))

    def open_exceptions(self) -> list[BillingException]:
        wanted = ExceptionFilter(state="OPEN")
        return self.shop.database.read(lambda tx: exceptions.page(tx, wanted, after=(), limit=1_000))

    def segments(self) -> list[tuple[Any, ...]]:
        """Account, agreement, first day and version of all segments."""
        query = "SELECT account_id, agreement_id, start_day, state, version FROM bill_segment ORDER BY 1, 2, 3"
        return [tuple(row) for row in self.shop.database.read(lambda tx: tx.execute(text(query)).all())]

    def rows(self) -> dict[str, Sequence[tuple[Any, ...]]]:
        """All that billing has made, but ids, times, and whose run or window it was."""
        return {
            "bill": self._rows(
                "bill", "account_id", ("bill_id", "window_code", "created_us", "updated_us", "completed_us")
            ),
            "bill_segment": self._rows(
                "bill_segment",
                "account_id, agreement_id, start_day",
                ("segment_id", "bill_id", "created_us", "frozen_us", "canceled_us"),
            ),
            "billing_exception": self._rows(
                "billing_exception",
                "account_id, agreement_id, state",
                ("exception_id", "bill_id", "segment_id", "operation_id", "window_code", "created_us", "closed_us"),
            ),
            "accounting_detail": self._rows(
                "accounting_detail",
                "subject, distribution_account, description, debit_minor, credit_minor",
                (),
                only=(
                    "subject, distribution_account, description, debit_minor, credit_minor, currency,"
                    " accounting_date, transaction_date, ledger_code"
                ),
            ),
            "invoice": self._rows("invoice", "account_id, schedule_code", ("invoice_id", "created_us", "updated_us")),
            "invoice_line": self._rows(
                "invoice_line",
                "account_id, line_no",
                ("invoice_id", "external_id", "segment_id", "created_us"),
            ),
            "invoice_reckoned_tax": self._rows(
                "invoice_reckoned_tax", "account_id, tax_minor", ("invoice_id", "external_id", "segment_id")
            ),
        }

    def _rows(self, table: str, order: str, without: Sequence[str], only: str = "*") -> list[tuple[Any, ...]]:
        query = text(f"SELECT {only} FROM {table} ORDER BY {order}")
        found = self.shop.database.read(lambda tx: tx.execute(query).mappings().all())
        return [tuple(value for name, value in row.items() if name not in without) for row in found]
